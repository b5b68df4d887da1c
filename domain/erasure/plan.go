package erasure

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// Kept is a class that the law lets the controller keep.
type Kept struct {
	Class  string
	Ground string      // art17.3.b, art17.3.e …
	Until  domain.Time // zero: as long as what it is kept for goes on, such as a running contract
}

// Order is what one erasure is to destroy and to keep.
type Order struct {
	Whole   bool // the person is erased: nothing is recorded about it any more
	Classes []string
	// Epochs are, of classes that do not go altogether, the keys that do.
	Epochs []ClassEpoch
	Kept   []Kept
}

// outside are classes that no erasure of a person touches: they are the ledger's
// own, or their owner is another.
var outside = []string{"access", "accounts", "opposition"}

// Plan says what an erasure destroys. asked are the classes that were asked for;
// none means all that the law does not let the controller keep. facts are those of
// the person. Asking for every class there is anything of erases the person.
func Plan(p *policy.Policy, facts []*event.Fact, asked []string, now time.Time) Order {
	has := held(facts)
	if len(asked) > 0 {
		o := Order{Classes: sorted(asked), Whole: true}
		for _, class := range has {
			o.Whole = o.Whole && (slices.Contains(asked, class) || class == "requests")
		}
		if o.Whole && slices.Contains(has, "requests") && !slices.Contains(asked, "requests") {
			o.Kept = []Kept{{Class: "requests", Ground: "art17.3.e", Until: until(p, "requests", facts, now)}}
		}
		return o
	}
	o := Order{Whole: true}
	keeps := p.Keeps()
	for _, class := range p.Classes() {
		if slices.Contains(outside, class.Code) {
			continue
		}
		at := slices.IndexFunc(keeps, func(k policy.Keep) bool { return k.Class == class.Code })
		if at >= 0 && slices.Contains(has, class.Code) {
			end := until(p, class.Code, facts, now)
			if end.IsZero() || end.After(now) {
				o.Kept = append(o.Kept, Kept{class.Code, keeps[at].Ground, end})
				continue
			}
		}
		o.Classes = append(o.Classes, class.Code)
	}
	slices.Sort(o.Classes)
	return o
}

// held lists the classes of which the person has a part.
func held(facts []*event.Fact) (classes []string) {
	for _, f := range facts {
		for _, ref := range f.Parts {
			if ref.Owner.ID == f.Subject && !slices.Contains(classes, ref.Class) {
				classes = append(classes, ref.Class)
			}
		}
	}
	return sorted(classes)
}

func sorted(l []string) []string {
	l = slices.Clone(l)
	slices.Sort(l)
	return slices.Compact(l)
}

// until is when the last rule for a class runs out, by the archive durations of
// the policy and what is known of the person; zero while what starts the clock
// has not come.
func until(p *policy.Policy, class string, facts []*event.Fact, now time.Time) (end domain.Time) {
	for _, d := range p.Durations(class) {
		if d.Exit != policy.ExitDestroy || d.Condition != "" {
			continue
		}
		start, open := starts(d.Start, facts, now)
		if open {
			return domain.Time{}
		}
		if t := d.Length.After(start); t.After(end.Time) {
			end = domain.NewTime(t)
		}
	}
	return end
}

// starts is when a clock started that the facts tell of; open means that it has
// not yet. What the facts do not tell starts now.
func starts(start string, facts []*event.Fact, now time.Time) (at time.Time, open bool) {
	switch start {
	case "invoice_year_end":
		for _, f := range facts {
			if f.Type == event.InvoiceIssued {
				at = later(at, yearEnd(first(f.Codes.Time("issued_at"), f.Time.Time)))
			}
		}
	case "contract_end":
		at, open = contractEnd(facts)
	}
	if at.IsZero() {
		at = now
	}
	return at, open
}

func contractEnd(facts []*event.Fact) (at time.Time, open bool) {
	var started, ended time.Time
	for _, f := range facts {
		switch {
		case f.Type == event.ContractStarted:
			started = later(started, f.Time.Time)
			at = later(at, f.Codes.Time("ends_at"))
		case f.Type == event.ContractEnded:
			ended = later(ended, f.Time.Time)
			at = later(at, first(f.Codes.Time("ended_at"), f.Time.Time))
		case strings.HasPrefix(string(f.Type), "contract."):
			at = later(at, f.Codes.Time("ends_at"))
		}
	}
	return at, at.Before(started) && !started.Before(ended)
}

func yearEnd(t time.Time) time.Time {
	return time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func first(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
