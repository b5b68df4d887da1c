package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	"greffe/domain/disclosure"
	"greffe/domain/statistics"
	"greffe/eventstore/access"
)

type statisticsCmd struct {
	By        []string `help:"Count by these: age, department, collected, kind, consent, opposed. Without it, list what was released." placeholder:"DIMENSION,…"`
	Sensitive string   `help:"Tell this of each cell (kind, consent or opposed), held to l-diversity." placeholder:"DIMENSION"`
	K         int      `help:"People to a cell, at least (5 to 1000; 11)."`
	L         int      `help:"Values of the sensitive dimension to a cell, at least (2 to 5; 2)."`
	Epsilon   int      `help:"Noise of this ε, in thousandths, taken from the budget; an exact table if absent." placeholder:"MILLI"`
	Server    string   `help:"Ask this running service; token in GREFFE_TOKEN." placeholder:"URL"`
}

func (c *statisticsCmd) Run(sh *shell) error {
	if len(c.By) == 0 {
		return c.list(sh)
	}
	in := httpapi.StatisticsInput{Sensitive: statistics.Dimension(c.Sensitive), K: c.K, L: c.L, EpsilonMilli: c.Epsilon}
	for _, d := range c.By {
		in.By = append(in.By, statistics.Dimension(d))
	}
	o := statistics.Order{By: in.By, Sensitive: in.Sensitive, K: in.K, L: in.L, Milli: in.EpsilonMilli}
	if err := o.Check(); err != nil {
		return err
	}
	out, err := c.release(sh, in, o)
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(out)
	} else {
		err = c.print(sh, out)
	}
	return err
}

func (c *statisticsCmd) release(sh *shell, in httpapi.StatisticsInput, o statistics.Order) (*httpapi.StatisticsRelease, error) {
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return nil, err
		}
		cl.reason = "audit"
		body, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		var out httpapi.StatisticsRelease
		return &out, cl.do(sh.ctx, http.MethodPost, "/v1/statistics", "application/json", body, &out)
	}
	a, err := sh.opened()
	if err != nil {
		return nil, err
	}
	out, err := a.Statistics(sh.ctx, access.Reading{Lens: disclosure.Whole(), Reason: "audit", Human: "operator of the machine"}, o)
	return out, errors.Join(err, a.Close())
}

func (c *statisticsCmd) list(sh *shell) error {
	var out *httpapi.StatisticsReleases
	if c.Server != "" {
		cl, err := newClient(c.Server)
		if err != nil {
			return err
		}
		out = new(httpapi.StatisticsReleases)
		if err := cl.do(sh.ctx, http.MethodGet, "/v1/statistics", "", nil, out); err != nil {
			return err
		}
	} else {
		a, err := sh.opened()
		if err != nil {
			return err
		}
		out, err = a.ReleasedStatistics(sh.ctx)
		if err = errors.Join(err, a.Close()); err != nil {
			return err
		}
	}
	if sh.cli.JSON {
		return sh.printJSON(out)
	}
	for _, r := range out.Items {
		verdict := "anonymous"
		if !r.Anonymous {
			verdict = "not anonymous: " + strings.Join(r.NotPassed, ", ")
		}
		fmt.Fprintf(sh.stdout, "%s  by %s  %d cells  ε %.3f  %s\n", r.ReleasedAt.Format("2006-01-02"), joined(r.By), r.Cells, float64(r.EpsilonMilli)/1000, verdict)
	}
	_, err := fmt.Fprintf(sh.stdout, "ε left of %.3f for 12 months: %.3f\n", float64(out.BudgetMilli)/1000, float64(out.BudgetLeftMilli)/1000)
	return err
}

func joined(by []statistics.Dimension) string {
	l := make([]string, len(by))
	for i, d := range by {
		l[i] = string(d)
	}
	return strings.Join(l, ", ")
}

func (c *statisticsCmd) print(sh *shell, r *httpapi.StatisticsRelease) error {
	w := sh.stdout
	fmt.Fprintf(w, "%s\tpeople\n", strings.Join(strings.Split(joined(r.By), ", "), "\t"))
	for _, x := range r.Cells {
		fmt.Fprintf(w, "%s\t%d", strings.Join(x.Values, "\t"), x.People)
		for _, v := range r.Sensitive.Domain(r.ReleasedAt) {
			if n := x.Of[v]; n > 0 {
				fmt.Fprintf(w, "\t%s=%d", v, n)
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n%d cells are left out.\n", r.CellsLeftOut)
	for _, t := range r.Tests {
		passed := "passed"
		if !t.Passed {
			passed = "NOT passed"
		}
		fmt.Fprintf(w, "%s: %s (%s)\n", t.Test, passed, t.EN)
	}
	_, err := fmt.Fprintf(w, "%s\nRecorded as %s at position %s.\n", r.Verdict.EN, r.ID, r.Position)
	return err
}
