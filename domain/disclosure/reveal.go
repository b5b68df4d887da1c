package disclosure

import (
	"slices"

	"greffe/domain"
	"greffe/domain/policy"
)

// Ask is what asking for a field group in clear comes to.
type Ask uint8

// The outcomes.
const (
	Refused Ask = iota // no role may have it clear of any of the contacts
	Given              // something that is masked is shown clear
	Shown              // nothing of it is masked: there is nothing to ask for
)

// Asked is what asking for a field group in clear comes to, of contacts whose standings
// are known (see Knowing). What is hidden is never given.
func (l *Lens) Asked(group string, subjects []domain.ID) Ask {
	if l.rules == nil {
		return Refused
	}
	plain, raised := *l, *l
	plain.asked, raised.asked = nil, []string{group}
	var masked, clear bool
	for path := range l.rules.GroupFields(group) {
		f, ok := l.rules.Field(path)
		if !ok {
			continue
		}
		for _, s := range subjects {
			switch plain.Level(s, f.Class, path) {
			case policy.Masked:
				if raised.Level(s, f.Class, path) == policy.Clear {
					return Given
				}
				masked = true
			case policy.Clear:
				clear = true
			}
		}
	}
	if clear && !masked {
		return Shown
	}
	return Refused
}

// Revealing is the lens with field groups clear for the roles that may have them so on
// request; for other roles, and what is hidden, it changes nothing.
func (l Lens) Revealing(groups ...string) Lens {
	l.asked = slices.Clone(groups)
	return l
}

// Revealed are the field groups that Revealing was given.
func (l *Lens) Revealed() []string { return slices.Clone(l.asked) }

// unmasks reports whether the group of a path was asked for, and the role may have it.
func (l *Lens) unmasks(r *role, path string) bool {
	if len(l.asked) == 0 {
		return false
	}
	group, ok := l.rules.FieldGroup(path)
	return ok && slices.Contains(l.asked, group) && l.rules.OnRequest(r.code, group)
}
