package main

import (
	"errors"
	"fmt"
	"slices"

	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/projections/decisions"
)

type recheckCmd struct {
	From domain.Position `help:"First position to look at." default:"0"`
	To   domain.Position `help:"Position to end before; 0 for everything." default:"0"`
}

// recheckReport is what --json prints.
type recheckReport struct {
	app.Rechecked
	Findings []recheckFinding `json:"findings,omitempty"`
}

type recheckFinding struct {
	Position domain.Position       `json:"position"`
	Event    domain.ID             `json:"event_id"`
	Rule     contactability.RuleID `json:"rule"`
}

// Run decides again on contacts that were made. Exit 1: some were not allowed.
func (c *recheckCmd) Run(sh *shell) (err error) {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.CaughtUp(sh.ctx); err != nil {
		return err
	}
	to := c.To
	if to == 0 {
		if to, err = a.Ledger.Head(sh.ctx); err != nil {
			return err
		}
	}
	bar := sh.progress("recheck")
	var r recheckReport
	r.Rechecked, err = a.Recheck(sh.ctx, c.From, to, func(m *decisions.Made) {
		bar.at(int64(m.Position-c.From), int64(to-c.From))
		if len(r.Findings) < maxFindings {
			r.Findings = append(r.Findings, recheckFinding{m.Position, m.Fact.ID, m.Decision.Rule})
		}
	})
	bar.end()
	if err != nil {
		return err
	}
	if err := r.print(sh); err != nil {
		return err
	}
	if r.Breaches > 0 {
		return errFindings
	}
	return nil
}

func (r *recheckReport) print(sh *shell) error {
	if sh.cli.JSON {
		return sh.printJSON(r)
	}
	w := sh.stdout
	for _, f := range r.Findings {
		fmt.Fprintf(w, "FINDING %s at position %s, event %s\n", f.Rule, f.Position, f.Event)
	}
	var rules []contactability.RuleID
	for id := range r.Rules {
		rules = append(rules, id)
	}
	slices.Sort(rules)
	for _, id := range rules {
		rule, _ := contactability.Find(id)
		fmt.Fprintf(w, "%6d %s: %s (%s)\n", r.Rules[id], id, rule.EN, rule.Article)
	}
	for _, g := range r.Groups {
		fmt.Fprintf(w, "%6d of campaign %s, caller %s\n", g.Breaches, orNone(g.Campaign), orNone(g.Caller))
	}
	if r.Untold > 0 {
		fmt.Fprintf(w, "%6d contacts whose purpose was not told were not judged\n", r.Untold)
	}
	_, err := fmt.Fprintf(w, "%d contacts decided again as known when they were made, %d breaches\n", r.Checked, r.Breaches)
	return err
}

func orNone(digest string) string {
	if digest == "" {
		return "not told"
	}
	return digest
}
