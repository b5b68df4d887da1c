package habilitation

import (
	"bytes"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/policy"
)

// Of is the matrix of a policy and the accounts that call under it. Their quota is
// filled in here.
func Of(rules *policy.Policy, version int64, accounts []Account) Rights {
	s, t := rules.Sessions(), rules.Tokens()
	const day = 24 * time.Hour
	out := Rights{Policy: version, Roles: []Role{}, Two: []Act{}, Accounts: slices.Clone(accounts), Sessions: Sessions{
		IdleMinutes: int64(s.Idle / time.Minute), AbsoluteMinutes: int64(s.Absolute / time.Minute), FreshMinutes: int64(s.Fresh / time.Minute),
		Passwords: rules.Passwords(), TokenDays: int64(t.Life / day), TokenMaxDays: int64(t.Most / day)}}
	for _, r := range rules.Roles() {
		out.Roles = append(out.Roles, role(rules, r))
	}
	for _, a := range rules.Approvals() {
		out.Two = append(out.Two, Act{a.Act, a.Over})
	}
	for i := range out.Accounts {
		a := &out.Accounts[i]
		a.Quota = quota(rules, a.Roles)
		slices.SortFunc(a.Tokens, func(x, y Token) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	}
	slices.SortFunc(out.Accounts, func(x, y Account) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	return out
}

func role(rules *policy.Policy, r policy.Role) Role {
	out := Role{Code: r.Code, FR: r.FR, EN: r.EN, Permissions: []string{}, Purposes: []string{}, Portfolio: "all", Reasons: []string{}, Quota: quota(rules, []string{r.Code})}
	for _, p := range policy.Permissions() {
		if rules.Permits(r.Code, p) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	purposes, own, _ := rules.Reach(r.Code)
	if out.Purposes = append(out.Purposes, purposes...); own {
		out.Portfolio = "own"
	}
	for _, x := range rules.Reasons() {
		if x.MayUse(r.Code) {
			out.Reasons = append(out.Reasons, x.Code)
		}
	}
	out.Data = cells(rules, r.Code, purposes)
	return out
}

// cells asks the lens of a caller with the role, about a contact that the role is for.
func cells(rules *policy.Policy, role string, purposes []string) []Cell {
	const portfolio = "any"
	contact := domain.ID{}
	lens := disclosure.For(rules, []string{role}, portfolio).Knowing(map[domain.ID]disclosure.Standing{
		contact: {Purposes: purposes, Portfolios: []string{portfolio}}})
	out := []Cell{}
	for _, c := range rules.Classes() {
		out = append(out, Cell{Class: c.Code, Level: lens.Level(contact, c.Code, "").String()})
		for _, g := range rules.FieldGroups() {
			asked := lens.Revealing(g.Code)
			for _, path := range g.Fields {
				if f, ok := rules.Field(path); ok && f.Class == c.Code {
					level := lens.Level(contact, c.Code, path).String()
					if asked.Level(contact, c.Code, path).String() != level {
						level = OnRequest
					}
					out = append(out, Cell{c.Code, g.Code, level})
					break
				}
			}
		}
	}
	return out
}

func quota(rules *policy.Policy, roles []string) Quota {
	l := rules.WatchLimits(roles)
	return Quota{HourSoft: l.Hour.Soft, HourHard: l.Hour.Hard, DaySoft: l.Day.Soft, DayHard: l.Day.Hard, Reads: l.Reads}
}
