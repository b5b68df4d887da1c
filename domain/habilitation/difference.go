package habilitation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
)

// RightChange is a right that is in one matrix and not in the other.
type RightChange struct {
	What    string    `json:"what" enum:"added,removed"`
	Role    string    `json:"role,omitempty"`
	Account domain.ID `json:"account_id,omitzero"`
	Token   domain.ID `json:"token_id,omitzero"`
	Right   string    `json:"right" doc:"Which sort of right: permission, data, purposes, portfolio, reason, quota, role, state, expires_at, ..."`
	Value   string    `json:"value"`
}

// Diff lists what was removed from one matrix and added in another, roles first, in the
// order of their lines. The policy's version alone is no difference.
func Diff(from, to *Rights) []RightChange {
	out := []RightChange{}
	before, after := lines(from), lines(to)
	only := func(what string, of, not []RightChange) {
		known := map[RightChange]bool{}
		for _, d := range not {
			known[d] = true
		}
		for _, d := range of {
			if !known[d] {
				d.What = what
				out = append(out, d)
			}
		}
	}
	only("removed", before, after)
	only("added", after, before)
	return out
}

// lines are the rights one by one.
func lines(r *Rights) (out []RightChange) {
	s := r.Sessions
	for _, x := range []struct {
		right string
		n     int64
	}{{"sessions.idle_minutes", s.IdleMinutes}, {"sessions.absolute_minutes", s.AbsoluteMinutes}, {"sessions.fresh_minutes", s.FreshMinutes},
		{"tokens.default_days", s.TokenDays}, {"tokens.max_days", s.TokenMaxDays}} {
		out = append(out, RightChange{Right: x.right, Value: strconv.FormatInt(x.n, 10)})
	}
	out = append(out, RightChange{Right: "passwords", Value: s.Passwords})
	for _, a := range r.Two {
		out = append(out, RightChange{Right: "two_persons", Value: a.Act + " " + strconv.Itoa(a.Over)})
	}
	for i := range r.Roles {
		out = append(out, ofRole(&r.Roles[i])...)
	}
	for i := range r.Accounts {
		out = append(out, ofAccount(&r.Accounts[i])...)
	}
	return out
}

func ofRole(r *Role) (out []RightChange) {
	add := func(right string, values ...string) {
		for _, v := range values {
			out = append(out, RightChange{Role: r.Code, Right: right, Value: v})
		}
	}
	add("permission", r.Permissions...)
	for _, c := range r.Data {
		add("data", strings.TrimSuffix(c.Class+"/"+c.Group, "/")+" "+c.Level)
	}
	add("purposes", strings.Join(r.Purposes, " "))
	add("portfolio", r.Portfolio)
	add("reason", r.Reasons...)
	add("quota", r.Quota.String())
	return out
}

func ofAccount(a *Account) (out []RightChange) {
	of := domain.ID{}
	add := func(right string, values ...string) {
		for _, v := range values {
			out = append(out, RightChange{Account: a.ID, Token: of, Right: right, Value: v})
		}
	}
	add("state", a.State)
	if a.State != Active {
		return out
	}
	add("role", a.Roles...)
	add("portfolio", a.Portfolio)
	add("permission", a.Permissions...)
	add("expires_at", instant(a.Expires))
	for _, t := range a.Tokens {
		of = t.ID
		add("token", t.kept())
		add("permission", t.Permissions...)
		add("expires_at", instant(t.Expires))
	}
	return slices.DeleteFunc(out, func(d RightChange) bool { return d.Value == "" })
}

// kept says what a token is kept to besides permissions.
func (t *Token) kept() string {
	sources := make([]string, len(t.Sources))
	for i, s := range t.Sources {
		sources[i] = s.String()
	}
	return "types " + strings.Join(t.Types, " ") + "; sources " + strings.Join(sources, " ") + "; act_for " + strconv.FormatBool(t.ActFor) +
		"; networks " + strconv.Itoa(t.Networks) + "; certificates " + strconv.Itoa(t.Certificates)
}

// String is persons an hour, persons a day (alert/refusal), accesses an hour.
func (q Quota) String() string {
	n := strconv.Itoa
	return n(q.HourSoft) + "/" + n(q.HourHard) + " " + n(q.DaySoft) + "/" + n(q.DayHard) + " " + n(q.Reads)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return domain.FormatTime(t)
}
