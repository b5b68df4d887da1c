package breach

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// maxScope bounds each list of a scope.
const maxScope = 50

// Scope asks whom the accesses show that match everything which is given: of one of
// the accounts, by one of the sources, about one of the categories, within a period.
type Scope struct {
	Accounts   []domain.ID     `json:"accounts,omitempty" doc:"That read; any if absent."`
	Sources    []domain.ID     `json:"sources,omitempty" doc:"Systems that reported the access, by the ledger's id; any if absent."`
	Categories []string        `json:"categories,omitempty" doc:"Retention classes that were read, one of them; any if absent."`
	From       time.Time       `json:"from" doc:"Of the accesses."`
	To         time.Time       `json:"to" doc:"Exclusive."`
	Before     domain.Position `json:"before" doc:"Accesses recorded at this position or later are not among them."`
}

// Counted is what a scope came to.
type Counted struct {
	Accesses int64            `json:"accesses"`
	Persons  int64            `json:"persons" doc:"Different ones, by name."`
	Unnamed  int64            `json:"unnamed" doc:"Persons counted by accesses that name nobody, such as exports of everything: who they were is not known here, and some may be among persons."`
	ByClass  map[string]int64 `json:"accesses_by_category" doc:"One access may be about several."`
	First    time.Time        `json:"first,omitzero"`
	Last     time.Time        `json:"last,omitzero"`
}

// ScopeDone is a scope that was measured.
type ScopeDone struct {
	Step
	Scope   Scope   `json:"scope"`
	Counted Counted `json:"counted"`
}

// Check says what of a scope cannot be.
func (q *Scope) Check(now time.Time) error {
	switch {
	case q.From.IsZero():
		return &casefile.FieldError{Field: "from", Missing: true}
	case len(q.Accounts) > maxScope || slices.ContainsFunc(q.Accounts, domain.ID.IsZero):
		return &casefile.FieldError{Field: "accounts"}
	case len(q.Sources) > maxScope || slices.ContainsFunc(q.Sources, domain.ID.IsZero):
		return &casefile.FieldError{Field: "sources"}
	case len(q.Categories) > maxScope || slices.ContainsFunc(q.Categories, func(c string) bool { return !event.IsCode(c) }):
		return &casefile.FieldError{Field: "categories"}
	}
	if q.To.IsZero() {
		q.To = now
	}
	q.From, q.To = domain.NewTime(q.From).Time, domain.NewTime(q.To).Time
	if q.From.Year() < 1900 || q.To.Year() > 9000 || !q.From.Before(q.To) {
		return &casefile.FieldError{Field: "to"}
	}
	return nil
}

// Scoped is the step by which a measured scope stands in the file.
func Scoped(s *casefile.Summary, q *Scope, n *Counted) (casefile.Draft, error) {
	if err := casefile.StillOpen(s); err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With("from", domain.FormatTime(q.From)).With("to", domain.FormatTime(q.To)).With("before", int64(q.Before)).
		With("accesses", n.Accesses).With("persons", n.Persons).With("unnamed", n.Unnamed)
	for _, x := range []struct {
		name string
		ids  []domain.ID
	}{{"accounts", q.Accounts}, {"sources", q.Sources}} {
		if len(x.ids) > 0 {
			list := make([]string, len(x.ids))
			for i, id := range x.ids {
				list[i] = id.String()
			}
			c = c.With(x.name, list)
		}
	}
	if len(q.Categories) > 0 {
		c = c.With("categories", q.Categories)
	}
	if !n.First.IsZero() {
		c = c.With("first", domain.FormatTime(n.First)).With("last", domain.FormatTime(n.Last))
	}
	return casefile.Draft{Type: event.BreachScoped, Codes: c.With("by_class", counts(n.ByClass))}, nil
}

// counts writes numbers by class as codes.
func counts(by map[string]int64) []string {
	out := []string{}
	for class, n := range by {
		out = append(out, class+":"+domain.Position(n).String())
	}
	slices.Sort(out)
	return out
}

// ScopeOf is the scope that a fact of a file measured.
func ScopeOf(f *event.Fact) *Scope {
	q := readScope(f.Codes)
	return &q
}

func readScope(c event.Codes) Scope {
	ids := func(name string) (out []domain.ID) {
		for _, s := range c.Strings(name) {
			if id, err := domain.ParseID(s); err == nil {
				out = append(out, id)
			}
		}
		return out
	}
	return Scope{Accounts: ids("accounts"), Sources: ids("sources"), Categories: c.Strings("categories"), From: c.Time("from"), To: c.Time("to"),
		Before: domain.Position(c.Int("before"))}
}

func readCounted(c event.Codes) Counted {
	n := Counted{Accesses: c.Int("accesses"), Persons: c.Int("persons"), Unnamed: c.Int("unnamed"), First: c.Time("first"), Last: c.Time("last"), ByClass: map[string]int64{}}
	for _, s := range c.Strings("by_class") {
		class, number, _ := strings.Cut(s, ":")
		n.ByClass[class], _ = strconv.ParseInt(number, 10, 64)
	}
	return n
}
