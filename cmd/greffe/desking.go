package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
)

type breachesCmd struct {
	List     deskListCmd       `cmd:"" help:"List breaches: where each stands, and what is due."`
	Scope    breachScopeCmd    `cmd:"" help:"Measure whom accounts or a period could have seen, and write it into a breach's file."`
	Register breachRegisterCmd `cmd:"" help:"Write the register of art. 33(5) as CSV; its words are shown, and that is recorded."`
}

type reviewsCmd struct {
	List reviewListCmd `cmd:"" help:"List reviews, planned and past."`
}

type deskListCmd struct{}

func (c *deskListCmd) Run(sh *shell) error {
	return sh.listDesk(func(a *app.App) lister { return a.Breaches().List })
}

type reviewListCmd struct{}

func (c *reviewListCmd) Run(sh *shell) error {
	return sh.listDesk(func(a *app.App) lister { return a.Reviews().List })
}

type lister = func(context.Context, httpapi.DeskFilter, httpapi.Page) ([]casefile.Summary, string, error)

// listDesk prints the files of a desk; what is overdue is a finding.
func (sh *shell) listDesk(of func(*app.App) lister) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	const some = 100
	now, overdue := time.Now(), false
	for cursor := ""; ; {
		items, next, err := of(a)(sh.ctx, httpapi.DeskFilter{}, httpapi.Page{Cursor: cursor, Limit: some})
		if err != nil {
			return err
		}
		for i := range items {
			s := &items[i]
			overdue = overdue || s.Overdue(now)
			if err := sh.printFile(s, now); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	if overdue {
		return errFindings
	}
	return nil
}

func (sh *shell) printFile(s *casefile.Summary, now time.Time) error {
	if sh.cli.JSON {
		return sh.printJSON(httpapi.DeskItemOf(s, now))
	}
	due := ""
	switch {
	case s.Overdue(now):
		due = "  overdue since " + s.Due.Format(time.RFC3339)
	case !s.Due.IsZero():
		due = "  due " + s.Due.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(sh.stdout, "%s  %s  %s%s\n", s.Case, s.Kind, s.Status, due)
	return err
}

type breachScopeCmd struct {
	ID         string    `arg:"" help:"The breach."`
	Account    []string  `help:"Accounts that read: one of these; any if left out." placeholder:"ID"`
	Categories []string  `help:"Retention classes that were read: one of these; any if left out." placeholder:"CLASS"`
	From       time.Time `help:"Accesses from then on (RFC 3339)." required:"" placeholder:"TIME"`
	To         time.Time `help:"And before then; now if left out." placeholder:"TIME"`
}

func (c *breachScopeCmd) Run(sh *shell) (err error) {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("breach: %w", err)
	}
	q := &breach.Scope{Categories: c.Categories, From: c.From, To: c.To}
	for _, text := range c.Account {
		account, err := domain.ParseID(text)
		if err != nil {
			return fmt.Errorf("--account: %w", err)
		}
		q.Accounts = append(q.Accounts, account)
	}
	if err := q.Check(time.Now()); err != nil {
		return err
	}
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	counted, _, err := a.Breaches().Measure(sh.ctx, httpapi.DeskOn{Case: id}, q)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(counted)
	}
	_, err = fmt.Fprintf(sh.stdout, "%d persons by name in %d accesses; %d more counted without a name.\n", counted.Persons, counted.Accesses, counted.Unnamed)
	return err
}

type breachRegisterCmd struct {
	Language string `help:"Of the columns." enum:"fr,en" default:"fr"`
}

func (c *breachRegisterCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	receipt, err := a.Journal.Record(sh.ctx, access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "audit", Human: "operator of the machine", Categories: []string{"requests"}})
	if err != nil {
		return err
	}
	var rows [][]string
	for row, err := range httpapi.BreachRows(sh.ctx, a.Breaches(), receipt) {
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	_, err = sh.stdout.Write(breach.CSV(breach.Columns(c.Language), rows))
	return err
}
