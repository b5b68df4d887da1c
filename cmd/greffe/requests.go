package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain/casefile"
	"greffe/domain/rights"
)

type requestsCmd struct {
	Import     requestsImportCmd     `cmd:"" help:"Take in a CSV file of rights requests (art. 12, 15 to 22)."`
	List       requestsListCmd       `cmd:"" help:"List requests with their deadlines; nothing sealed is shown."`
	Statistics requestsStatisticsCmd `cmd:"" help:"How many requests, of which rights, in how many days."`
}

type requestsImportCmd struct {
	File string `arg:"" help:"CSV with a line of names; right is needed. A line sent again opens nothing." placeholder:"FILE"`
}

// Run takes a file in. Exit code 1: a line is not a request.
func (c *requestsImportCmd) Run(sh *shell) (err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("requests: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return sh.atRequests(func(a *app.App) error {
		out := httpapi.ImportedRequests{Items: []httpapi.ImportedRequest{}}
		for x, err := range a.ImportRequests(sh.ctx, f) {
			if err != nil {
				return fmt.Errorf("requests: %w", err)
			}
			out.Add(x)
		}
		if err := c.print(sh, &out); err != nil || out.Invalid == 0 {
			return err
		}
		return errFindings
	})
}

func (c *requestsImportCmd) print(sh *shell, out *httpapi.ImportedRequests) error {
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	for _, x := range out.Items {
		if x.Status == "invalid" {
			fmt.Fprintf(sh.stderr, "line %d is no request: %s\n", x.Line, x.Field)
		}
	}
	_, err := fmt.Fprintf(sh.stdout, "%d requests opened, %d were there, %d lines are none.\n", out.Recorded, out.Duplicate, out.Invalid)
	return err
}

// atRequests does something with everything projected.
func (sh *shell) atRequests(do func(a *app.App) error) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(a)
}

type requestsListCmd struct {
	All     bool `help:"Closed ones too."`
	Overdue bool `help:"Only those past their time; exit code 1 if there are any."`
}

const requestsPage = 1000

// Run lists requests, page by page.
func (c *requestsListCmd) Run(sh *shell) error {
	return sh.atRequests(func(a *app.App) error {
		f, page, n, now := httpapi.RequestFilter{Standing: casefile.Open}, httpapi.Page{Limit: requestsPage}, 0, time.Now()
		if c.All {
			f.Standing = ""
		}
		if c.Overdue {
			f.DueBy = now
		}
		for {
			found, err := a.RequestsDesk().List(sh.ctx, f, page)
			if err != nil {
				return err
			}
			for i := range found.Items {
				if err := c.row(sh, &found.Items[i], now); err != nil {
					return err
				}
			}
			n += len(found.Items)
			if page.Cursor = found.Next; page.Cursor == "" {
				break
			}
		}
		if c.Overdue && n > 0 {
			return errFindings
		}
		return nil
	})
}

// requestJSON is a line that --json prints.
type requestJSON struct {
	ID       string     `json:"id"`
	Right    string     `json:"right"`
	Status   string     `json:"status"`
	Received time.Time  `json:"received_at"`
	Due      *time.Time `json:"due,omitempty"`
	Overdue  bool       `json:"overdue,omitzero"`
}

func (c *requestsListCmd) row(sh *shell, s *casefile.Summary, now time.Time) error {
	if sh.cli.JSON {
		out := requestJSON{ID: s.Case.String(), Right: s.Kind, Status: s.Status, Received: s.Opened, Overdue: s.Overdue(now)}
		if !s.Due.IsZero() {
			out.Due = &s.Due
		}
		return sh.printJSON(out)
	}
	due := ""
	if !s.Due.IsZero() {
		due = "due " + rights.LastDay(s.Due).Format(time.DateOnly)
	}
	if s.Overdue(now) {
		due += ", overdue"
	}
	_, err := fmt.Fprintf(sh.stdout, "%s  %-20s %-9s %s\n", s.Case, s.Kind, s.Status, due)
	return err
}

type requestsStatisticsCmd struct {
	From time.Time `help:"Received from this instant (RFC 3339)." placeholder:"TIME"`
	To   time.Time `help:"And before this one." placeholder:"TIME"`
}

// Run counts requests.
func (c *requestsStatisticsCmd) Run(sh *shell) error {
	return sh.atRequests(func(a *app.App) error {
		all, err := a.RequestsDesk().Statistics(sh.ctx, c.From, c.To)
		if err != nil {
			return err
		}
		if sh.cli.JSON {
			return sh.printJSON(all)
		}
		for _, r := range rights.Rights() {
			n := all.ByRight[string(r)]
			if n == nil {
				continue
			}
			if _, err := fmt.Fprintf(sh.stdout, "%-20s received %d, open %d (overdue %d), answered %d, refused %d, late %d, median %d days, longest %d\n",
				r, n.Received, n.Open, n.Overdue, n.Answered, n.Refused, n.Late, n.MedianDays, n.LongestDays); err != nil {
				return err
			}
		}
		return nil
	})
}
