// Package disclosure decides how much of a personal value somebody is shown: clear,
// masked or hidden. It is the one place of that decision: what opens sealed parts
// (eventstore/access) asks a Lens, and nothing else does.
//
// A role is shown a value if it sees the retention class, as its field groups say, of
// the contacts it is for: those held for one of its purposes, and those in a portfolio
// of the account where it is kept to its own (art. 5(1)(b) and (c), 25(2), 32(1)(b);
// CNIL, guide de la sécurité: habilitations). Of several roles the one that is shown
// most counts, contact by contact. What a role is shown masked it may be shown clear for
// one look, if the policy lets it ask and it asks (Revealing); what is hidden stays so.
//
// Promised: the zero Lens shows nothing; what is not known of a contact keeps it from
// whoever is kept to some. A mask holds no more than its kind says (see Mask), whatever
// the value is. Nothing here does I/O, so a crash leaves nothing.
package disclosure

import (
	"slices"

	"greffe/domain"
	"greffe/domain/policy"
)

// Lens is through what one caller sees. It may be copied and used concurrently.
type Lens struct {
	whole bool
	only  []string
	rules *policy.Policy
	roles []role
	known map[domain.ID]Standing
	// within, if there are any, are the only classes shown.
	within []string
	// asked are the field groups shown clear to the roles that may have them so.
	asked []string
}

// role is one of the caller's roles.
type role struct {
	code     string
	kept     bool   // to some contacts
	own      string // the caller's portfolio
	keepsOwn bool
	purposes []string
}

// Standing is what decides whether a contact is one of a caller's.
type Standing struct {
	// Person is the same for contacts that are merged.
	Person domain.ID
	// Purposes are those that the contact is held for.
	Purposes []string
	// Portfolios are those that the person is in, by whichever of its contacts.
	Portfolios []string
}

// Whole shows everything: to the operator of the machine, and for what the ledger does
// itself.
func Whole() Lens { return Lens{whole: true} }

// Only shows some paths of everybody, and nothing else.
func Only(paths ...string) Lens { return Lens{only: slices.Clone(paths)} }

// For is the lens of a caller with roles of the policy, who looks after a portfolio, "" for none.
func For(rules *policy.Policy, roles []string, portfolio string) Lens {
	l := Lens{rules: rules, roles: make([]role, 0, len(roles))}
	for _, code := range roles {
		if purposes, own, ok := rules.Reach(code); ok {
			l.roles = append(l.roles, role{code: code, kept: own || len(purposes) > 0, keepsOwn: own, own: portfolio, purposes: purposes})
		}
	}
	return l
}

// IsZero reports the lens that was never set.
func (l *Lens) IsZero() bool { return !l.whole && l.only == nil && l.rules == nil }

// Kept reports that what the lens shows depends on the contact, so that standings
// are to be known.
func (l *Lens) Kept() bool {
	return slices.ContainsFunc(l.roles, func(r role) bool { return r.kept })
}

// Confined reports that no contact is shown whose standing is not known.
func (l *Lens) Confined() bool {
	return !l.whole && l.only == nil && !slices.ContainsFunc(l.roles, func(r role) bool { return !r.kept })
}

// Campaigns reports that a role is for everybody who may be contacted for a purpose: it
// is kept to no portfolio, and to no purposes but some with this one.
func (l *Lens) Campaigns(purpose string) bool {
	return l.whole || slices.ContainsFunc(l.roles, func(r role) bool {
		return !r.kept || !r.keepsOwn && slices.Contains(r.purposes, purpose)
	})
}

// Knowing is the lens with the standings of contacts.
func (l Lens) Knowing(standings map[domain.ID]Standing) Lens {
	l.known = standings
	return l
}

// Within is the lens for some classes alone.
func (l Lens) Within(classes ...string) Lens {
	l.within = slices.Clone(classes)
	return l
}

// leaves reports whether a class is left out.
func (l *Lens) leaves(class string) bool {
	return len(l.within) > 0 && !slices.Contains(l.within, class)
}

// reaches reports whether a role is for a contact.
func (l *Lens) reaches(r *role, subject domain.ID) bool {
	if !r.kept {
		return true
	}
	s, ok := l.known[subject]
	return ok && (!r.keepsOwn || r.own != "" && slices.Contains(s.Portfolios, r.own)) && (len(r.purposes) == 0 || meet(r.purposes, s.Purposes))
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// Admits reports whether the contact is one that the caller's roles are for.
func (l *Lens) Admits(subject domain.ID) bool {
	return l.whole || l.only != nil ||
		slices.ContainsFunc(l.roles, func(r role) bool { return l.reaches(&r, subject) })
}

// Missed is a contact of the first person of whom no contact is admitted.
func (l *Lens) Missed(subjects []domain.ID) (domain.ID, bool) {
	shown := map[domain.ID]bool{}
	person := func(s domain.ID) domain.ID {
		if k, ok := l.known[s]; ok && !k.Person.IsZero() {
			return k.Person
		}
		return s
	}
	for _, s := range subjects {
		shown[person(s)] = shown[person(s)] || l.Admits(s)
	}
	i := slices.IndexFunc(subjects, func(s domain.ID) bool { return !shown[person(s)] })
	if i < 0 {
		return domain.ID{}, false
	}
	return subjects[i], true
}

// Class reports whether anything of a class may be shown of a contact.
func (l *Lens) Class(subject domain.ID, class string) bool {
	if l.leaves(class) {
		return false
	}
	return l.whole || l.only != nil ||
		slices.ContainsFunc(l.roles, func(r role) bool { return l.rules.Sees(r.code, class) && l.reaches(&r, subject) })
}

// Level is how much is shown of the value at a path that is kept in a class, of a
// contact; the zero id is nobody known.
func (l *Lens) Level(subject domain.ID, class, path string) policy.Level {
	switch {
	case l.leaves(class):
		return policy.Hidden
	case l.whole:
		return policy.Clear
	case l.only != nil:
		if slices.Contains(l.only, path) {
			return policy.Clear
		}
		return policy.Hidden
	}
	most := policy.Hidden
	for i := range l.roles {
		r := &l.roles[i]
		shows := l.rules.Shows(r.code, class, path)
		if shows == policy.Masked && l.unmasks(r, path) {
			shows = policy.Clear
		}
		if shows > most && l.reaches(r, subject) {
			most = shows
		}
	}
	return most
}

// Full reports whether every value of a class is shown clear, so that a part of it may
// leave as a whole.
func (l *Lens) Full(subject domain.ID, class string) bool {
	if l.whole || l.only != nil {
		return l.whole && !l.leaves(class)
	}
	if l.Level(subject, class, "") != policy.Clear {
		return false
	}
	for path := range l.rules.FieldsOf(class) {
		if l.Level(subject, class, path) != policy.Clear {
			return false
		}
	}
	return true
}

// Complete reports whether everything that is held of a contact is shown clear, as a
// copy under art. 15 and 20 has to be.
func (l *Lens) Complete(subject domain.ID) bool {
	for _, class := range policy.ClassCodes() {
		switch class {
		case "access", "accounts", "opposition": // of the ledger, not of the contact
		default:
			if !l.Full(subject, class) {
				return false
			}
		}
	}
	return true
}

// Bars reports that every role with a permission has a path hidden by its field group,
// so that it may not be asked for either: that an address is somebody's is told by
// finding it.
func (l *Lens) Bars(permission, path string) bool {
	barred := false
	group, ok := "", false
	if l.rules != nil {
		group, ok = l.rules.FieldGroup(path)
	}
	if !ok {
		return false
	}
	for i := range l.roles {
		if code := l.roles[i].code; l.rules.Permits(code, permission) {
			if l.rules.ShowsGroup(code, group) != policy.Hidden {
				return false
			}
			barred = true
		}
	}
	return barred
}
