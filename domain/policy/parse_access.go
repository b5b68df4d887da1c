package policy

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

func (r *reader) roles(p *Policy, o *object) {
	p.roleAt, p.permits, p.sees = map[string]int{}, map[grant]struct{}{}, map[grant]struct{}{}
	n := o.get("roles", true)
	o.each("roles", n != nil, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label", "permissions", "classes", "purposes", "portfolio", "fields")
		x := Role{Code: c.code("code"), Label: c.label("label"),
			Permissions: c.someOf("permissions", false, Permissions()), Classes: c.someOf("classes", false, ClassCodes())}
		r.scope(p, c, &x)
		c.listed(p.roleAt, x.Code, len(p.roles))
		p.roles = append(p.roles, x)
		for _, s := range x.Permissions {
			p.permits[grant{x.Code, s}] = struct{}{}
		}
		for _, s := range x.Classes {
			p.sees[grant{x.Code, s}] = struct{}{}
		}
	})
	for _, code := range RoleCodes() {
		if n != nil && !has(p.roleAt, code) {
			r.add(n, "roles", "add the role %s; accounts are given it", code)
		}
	}
}

func (r *reader) reasons(p *Policy, o *object) {
	p.reasonAt = map[string]int{}
	known := keys(p.roleAt)
	o.each("reasons", true, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label", "ticket", "roles")
		x := Reason{Code: c.code("code"), Label: c.label("label"), Ticket: c.flag("ticket", false), roles: c.someOf("roles", true, known)}
		c.listed(p.reasonAt, x.Code, len(p.reasons))
		p.reasons = append(p.reasons, x)
	})
}

// bounds reads the ledger's own limits. The access journal has no retention rule
// beside access_journal_months, so that the two cannot differ.
// defaultRetentionHour is past every leap of the clock.
const defaultRetentionHour = 3

func (r *reader) bounds(p *Policy, n *yaml.Node) {
	o := r.object(n, "bounds", "clock_skew_minutes", "quarantine_days", "access_journal_months", "access_journal_justification", "retention_hour")
	p.bounds = Bounds{
		ClockSkew:           time.Duration(o.number("clock_skew_minutes", 1, 60)) * time.Minute,
		Quarantine:          time.Duration(o.number("quarantine_days", 1, 90)) * 24 * time.Hour,
		AccessJournalMonths: o.number("access_journal_months", 6, 36),
		AccessJustification: o.may("access_journal_justification"),
	}
	if o.get("retention_hour", false) != nil {
		p.bounds.RetentionHour = o.number("retention_hour", 0, 23)
	} else {
		p.bounds.RetentionHour = defaultRetentionHour
	}
	if p.bounds.AccessJournalMonths > 12 && p.bounds.AccessJustification == "" && o.at != nil {
		r.add(o.at["access_journal_months"], "bounds.access_journal_months",
			"keep at most 12 months, or give access_journal_justification (délib. CNIL 2021-122: longer only for a shown risk with written procedures)")
	}
	p.durations = append(p.durations, Duration{Class: "access", Purpose: "security", Phase: PhaseActive, Start: "recorded",
		Length: Period{Months: p.bounds.AccessJournalMonths}, Exit: ExitDestroy,
		Reference: "délib. CNIL 2021-122", Justification: p.bounds.AccessJustification})
}

// keys lists an index's codes in their order.
func keys(at map[string]int) []string {
	out := make([]string, 0, len(at))
	for k := range at {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b string) int { return at[a] - at[b] })
	return out
}
