package checker

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Rule names what was broken.
type Rule string

// The rules; see the package.
const (
	Kept        Rule = "kept"
	Active      Rule = "active"
	Early       Rule = "early"
	Held        Rule = "held"
	Uncertified Rule = "uncertified"
	Objection   Rule = "objection"
	Consent     Rule = "consent"
	Use         Rule = "use"
	Request     Rule = "request"
	Run         Rule = "run"
)

// Finding is one break of a rule.
type Finding struct {
	Rule     Rule
	Position int64 // of the fact that shows it
	Subject  string
	Words    string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s at position %d: %s (%s)", f.Rule, f.Position, f.Words, f.Subject)
}

// maxFindings bounds those that are listed.
const maxFindings = 1000

// Report is what was looked at, and what is wrong.
type Report struct {
	Facts, Persons, Gone                        int64
	Destructions, Certificates, Archived, Asked int64
	Messages, Objections, Requests, Late, Holds int64
	Nights                                      int64
	Wrong                                       int64 // findings, also those that are not listed
	Findings                                    []Finding
}

// Options say what an export does not.
type Options struct {
	Law Years
	// Changes are the numbers from a version of the policy on.
	Changes map[int64]Years
	// Until is when the export was made.
	Until time.Time
	// From is the first night of which a retention run is expected; zero: none is.
	From time.Time
}

type check struct {
	law      law
	options  Options
	persons  map[string]*person
	order    []*person // as they became known
	orders   map[string]*order
	requests map[string]*request
	nights   map[string]bool // ended
	report   Report
}

// Check reads an export. The error is of reading it.
func Check(export fs.FS, o Options) (*Report, error) {
	c := &check{law: lawOf(o.Law), options: o, persons: map[string]*person{}, orders: map[string]*order{}, requests: map[string]*request{}, nights: map[string]bool{}}
	if err := facts(export, c.fact); err != nil {
		return nil, err
	}
	c.everybody(o.Until, c.report.Facts)
	for id, open := range c.orders {
		if o.Until.Sub(open.on) > patience {
			c.find(Uncertified, open.at, open.subject, "order "+id+" has no certificate")
		}
	}
	c.inTime(o.Until)
	c.everyNight()
	for _, p := range c.order {
		if len(p.keys) == 0 || !p.erased.IsZero() {
			c.report.Gone++
		}
	}
	slices.SortFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Words, b.Words))
	})
	return &c.report, nil
}

func (c *check) find(rule Rule, at int64, subject, words string) {
	c.report.Wrong++
	if len(c.report.Findings) < maxFindings {
		c.report.Findings = append(c.report.Findings, Finding{rule, at, subject, words})
	}
}

func (c *check) person(id string, f *fact) *person {
	p := c.persons[id]
	if p == nil {
		p = &person{id: id, life: newLife()}
		newCircle(p).since = f.Recorded
		c.persons[id] = p
		c.order = append(c.order, p)
		c.report.Persons++
	}
	return p
}

func (c *check) everybody(now time.Time, at int64) {
	seen := map[*circle]bool{}
	for _, p := range c.order {
		if !seen[p.circle] {
			seen[p.circle] = true
			c.settle(p.circle, now, at)
		}
	}
}

func (c *check) fact(f *fact) error {
	c.report.Facts++
	switch f.Type {
	case "policy.published":
		if years, ok := c.options.Changes[f.Said.Version]; ok {
			c.everybody(f.Recorded, f.at)
			c.law = lawOf(years)
		}
	case "retention.run":
		if f.Said.State == "ended" {
			c.nights[f.Said.Date] = true
		}
	case "subject.erased":
		c.certified(f)
		return nil
	}
	c.desk(f)
	if f.Subject == "" {
		return nil
	}
	return c.about(f, c.person(f.Subject, f))
}

// about takes in a fact about a person.
func (c *check) about(f *fact, p *person) error {
	c.settle(p.circle, f.Recorded, f.at)
	switch f.Type {
	case "erasure.ordered":
		c.ordered(f, p)
	case "retention.archived":
		c.report.Archived++
	case "retention.asked":
		c.report.Asked++
		c.unopposed(f, p, use{"prospecting", ""}, "somebody was asked whether to go on")
	case "hold.placed", "restriction.placed":
		c.report.Holds++
	case "contact.merged", "contact.unmerged":
		into := c.person(f.Said.Into, f)
		c.settle(into.circle, f.Recorded, f.at)
		p.add(f)
		link(p, into, f.Recorded, f.Type == "contact.unmerged")
		return nil
	}
	if outgoing(f) {
		c.message(f, p)
	}
	c.spoke(f, p)
	p.add(f)
	return nil
}

// everyNight looks for the run of each.
func (c *check) everyNight() {
	c.report.Nights = int64(len(c.nights))
	if c.options.From.IsZero() {
		return
	}
	last := c.options.Until.In(paris()).AddDate(0, 0, -1)
	for day := c.options.From.In(paris()); !day.After(last); day = day.AddDate(0, 0, 1) {
		if date := day.Format(time.DateOnly); !c.nights[date] {
			c.find(Run, c.report.Facts, "", "no retention run ended on "+date)
		}
	}
}
