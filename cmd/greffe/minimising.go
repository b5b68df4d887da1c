package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain/disclosure"
	rules "greffe/domain/minimisation"
	"greffe/eventstore/access"
)

type minimisationCmd struct {
	Kind  string `help:"Also list the findings of one kind, by the ledger's ids." placeholder:"KIND"`
	Kinds bool   `help:"Say which kinds there are, with the rule behind each, and look at nothing."`
	Limit int    `help:"Findings to list." default:"100"`
}

// minimised is what --json prints.
type minimised struct {
	*rules.AuditReport
	Findings []httpapi.MinimisationFinding `json:"items,omitempty"`
}

func (c *minimisationCmd) Run(sh *shell) (err error) {
	if c.Kinds {
		return c.kinds(sh)
	}
	if c.Kind != "" && !rules.Kind(c.Kind).Known() {
		return errors.New("--kind: no such kind; see greffe minimisation --kinds")
	}
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	bar := sh.progress("minimisation")
	report, err := a.AuditMinimisation(sh.ctx, access.Reading{Lens: disclosure.Whole(), Reason: "audit", Human: "operator of the machine"}, bar.at)
	bar.end()
	if err != nil {
		return err
	}
	out := minimised{AuditReport: report}
	if c.Kind != "" {
		if out.Findings, err = c.list(sh, a); err != nil {
			return err
		}
	}
	if err := c.print(sh, &out); err != nil {
		return err
	}
	if report.Findings > 0 {
		return errFindings
	}
	return nil
}

// list shows whom findings are about, which is an access to them.
func (c *minimisationCmd) list(sh *shell, a *app.App) ([]httpapi.MinimisationFinding, error) {
	var out []httpapi.MinimisationFinding
	for cursor := ""; len(out) < c.Limit; {
		found, err := a.MinimisationFindings(sh.ctx, rules.Kind(c.Kind), httpapi.Page{Cursor: cursor, Limit: min(c.Limit-len(out), access.MaxSubjects)})
		if err != nil {
			return nil, err
		}
		if len(found.Items) > 0 {
			if _, err := a.Journal.Record(sh.ctx, access.Reading{Lens: disclosure.Whole(), Reason: "audit", Human: "operator of the machine", Action: "search", Subjects: found.Subjects}); err != nil {
				return nil, err
			}
		}
		out = append(out, found.Items...)
		if cursor = found.Next; cursor == "" {
			break
		}
	}
	return out, nil
}

func (c *minimisationCmd) print(sh *shell, out *minimised) error {
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	w := sh.stdout
	for _, x := range out.Counts {
		fmt.Fprintf(w, "%7d  %s (%s): %s\n", x.N, x.Label, x.Legal, x.Todo)
		var details []string
		for detail, n := range x.Details {
			details = append(details, fmt.Sprintf("%s %d", detail, n))
		}
		if slices.Sort(details); len(details) > 0 {
			fmt.Fprintf(w, "         %s\n", strings.Join(details, ", "))
		}
	}
	for _, k := range out.Unlooked {
		fmt.Fprintf(w, "not looked for: %s\n", k)
	}
	for _, f := range out.Findings {
		fmt.Fprintf(w, "%s", f.Kind)
		if f.Subject != nil {
			fmt.Fprintf(w, " person %s", f.Subject)
		}
		if f.Event != nil {
			fmt.Fprintf(w, " event %s at position %s", f.Event, f.Position)
		}
		fmt.Fprintf(w, " %s\n", f.Detail)
	}
	_, err := fmt.Fprintf(w, "%d findings; %d persons, %d facts and %d comments looked at; recorded at position %s\n",
		out.AuditReport.Findings, out.Persons, out.Facts, out.Comments, out.Recorded)
	return err
}

func (c *minimisationCmd) kinds(sh *shell) error {
	if sh.cli.JSON {
		return sh.printJSON(rules.Rules())
	}
	for _, r := range rules.Rules() {
		if _, err := fmt.Fprintf(sh.stdout, "%-26s %s (%s)\n", r.Kind, r.Label, r.Legal); err != nil {
			return err
		}
	}
	return nil
}
