package auth

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/habilitation"
	"greffe/domain/policy"
	"greffe/projections/accounts"
)

// Habilitations are the accounts with what their holders and tokens may do at now, as
// Principal.May decides it for a caller.
func Habilitations(rules *policy.Policy, all []accounts.Account, grants []accounts.Grant, now time.Time) []habilitation.Account {
	out := make([]habilitation.Account, len(all))
	for i := range all {
		a := &all[i]
		p := Principal{Account: a.ID, Roles: a.Roles, Inspection: a.Inspection, Portfolio: a.Portfolio}
		if firstAlone(*a, all, grants) {
			p.Roles = policy.RoleCodes()
		}
		x := habilitation.Account{ID: a.ID, Kind: string(a.Kind), State: habilitation.Active, Roles: append([]string{}, p.Roles...), Portfolio: a.Portfolio,
			Permissions: []string{}, Inspection: a.Inspection, Expires: utc(a.Until), Bootstrap: a.Bootstrap, Tokens: []habilitation.Token{}}
		switch {
		case a.Disabled:
			x.State = habilitation.Disabled
		case a.Over(now):
			x.State = habilitation.Ended
		default:
			x.Permissions = p.all(rules)
			x.Tokens = tokensOf(rules, p, grants, now)
		}
		out[i] = x
	}
	return out
}

// tokensOf are the tokens of an account that hold.
func tokensOf(rules *policy.Policy, p Principal, grants []accounts.Grant, now time.Time) []habilitation.Token {
	out := []habilitation.Token{}
	for _, g := range grants {
		if g.Account.ID != p.Account || g.Token.Ended(now) {
			continue
		}
		p.Scope = g.Token.Permissions
		out = append(out, habilitation.Token{ID: g.Token.ID, Permissions: p.all(rules), Types: g.Token.Types, Sources: g.Token.Sources, ActFor: g.Token.ActFor,
			Networks: len(g.Token.Networks), Certificates: len(g.Token.Certificates), Expires: utc(g.Token.Expires)})
	}
	return out
}

// all are the permissions that the caller has.
func (p *Principal) all(rules *policy.Policy) []string {
	return slices.DeleteFunc(policy.Permissions(), func(permission string) bool { return p.May(rules, permission) != nil })
}

// firstAlone reports the first administrator while there is no other: it has every role
// of the format (design §7).
func firstAlone(a accounts.Account, all []accounts.Account, grants []accounts.Grant) bool {
	return a.Bootstrap && !otherAdmin(a.ID, all, grants)
}

func otherAdmin(than domain.ID, all []accounts.Account, grants []accounts.Grant) bool {
	return slices.ContainsFunc(grants, func(g accounts.Grant) bool {
		return g.Account.ID != than && slices.Contains(g.Account.Roles, roleAdmin)
	}) || slices.ContainsFunc(all, func(x accounts.Account) bool {
		return x.ID != than && x.Ready() && slices.Contains(x.Roles, roleAdmin)
	})
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// Holder is what is known of an account besides its rights and its names. LastUse is
// when this node last saw a token, see Authenticator.LastUse; nil: the log alone tells.
func Holder(x *accounts.Account, grants []accounts.Grant, now time.Time, lastUse func(token domain.ID) time.Time) habilitation.Holder {
	h := habilitation.Holder{Account: x.ID, Created: utc(x.Created), Factors: x.Factors(), SecondFactor: x.Ready(), LastUsed: utc(x.LastSignIn)}
	later := func(t time.Time) {
		if t.After(h.LastUsed) {
			h.LastUsed = t.UTC()
		}
	}
	for _, g := range grants {
		if g.Account.ID != x.ID {
			continue
		}
		if later(g.Token.Used); lastUse != nil {
			later(lastUse(g.Token.ID))
		}
	}
	for _, s := range x.Sessions {
		if now.Before(s.Expires) {
			h.Sessions++
		}
	}
	return h
}
