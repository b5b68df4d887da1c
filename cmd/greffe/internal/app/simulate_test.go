package app

import (
	"archive/zip"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"greffe/cmd/greffe/internal/checker"
)

// simulated is how many contacts live through the simulation: a few here, as many as
// GREFFE_SIMULATE says in make simulate.
func simulated(t *testing.T) (contacts int, small bool) {
	t.Helper()
	s := os.Getenv("GREFFE_SIMULATE")
	if s == "" {
		return 250, true
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatal("GREFFE_SIMULATE is no number of contacts")
	}
	return n, false
}

var simulationStart = time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)

// TestSimulation: 36 months of a CRM, in virtual time. Whoever reads nothing but the
// export, and knows the law's numbers, finds nothing kept beyond its term, nobody
// contacted against an objection, each request in time or flagged, what was held
// untouched, and for each exit its certificate.
func TestSimulation(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	contacts, small := simulated(t)
	crowd := newCrowd(20260315, contacts, simulationStart)
	c := openCompany(t, crowd)
	c.thrifty = small
	c.live()
	lived := time.Now()
	path := c.export()
	exported := time.Now()
	report := c.checked(path)
	for _, f := range report.Findings[:min(len(report.Findings), 40)] {
		t.Error(f)
	}
	if report.Wrong > 0 {
		t.Errorf("%d findings", report.Wrong)
	}
	c.happened(report)
	if small {
		c.planted(path)
	}
	for _, what := range slices.Sorted(maps.Keys(c.tally)) {
		t.Logf("%6d %s", c.tally[what], what)
	}
	t.Logf("%d contacts: lived in %s, exported in %s, checked in %s", crowd.n, lived.Sub(begun).Round(time.Millisecond),
		exported.Sub(lived).Round(time.Millisecond), time.Since(exported).Round(time.Millisecond))
	report.Findings = nil
	t.Logf("%+v", *report)
}

func (c *company) options() checker.Options {
	shorter := checker.Law()
	shorter.Candidate = 12
	o := checker.Options{Law: checker.Law(), Changes: map[int64]checker.Years{2: shorter}, Until: c.clock.read()}
	if !c.thrifty {
		o.From = simulationStart
	}
	return o
}

func (c *company) checked(path string) *checker.Report {
	c.t.Helper()
	z, err := zip.OpenReader(path)
	c.ok(err)
	defer z.Close()
	report, err := checker.Check(z, c.options())
	c.ok(err)
	return report
}

// happened holds the world to being one in which something could go wrong.
func (c *company) happened(r *checker.Report) {
	c.t.Helper()
	for what, n := range map[string]int64{"persons": r.Persons, "destructions": r.Destructions, "archived": r.Archived, "asked": r.Asked, "messages": r.Messages,
		"objections": r.Objections, "requests": r.Requests, "late requests": r.Late, "holds": r.Holds, "persons who are gone": r.Gone} {
		if n == 0 {
			c.t.Errorf("nothing happened: %s", what)
		}
	}
	if r.Destructions != r.Certificates || !c.thrifty && r.Nights < int64(c.crowd.days) {
		c.t.Errorf("%d orders, %d certificates, %d nights of %d", r.Destructions, r.Certificates, r.Nights, c.crowd.days)
	}
}
