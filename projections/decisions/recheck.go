package decisions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/eventstore"
)

// Clock brackets how many facts were recorded by an instant, and tells where those
// about a person stand; *index.Index is one.
type Clock interface {
	Recorded(ctx context.Context, t time.Time) (lo, hi domain.Position, err error)
	Positions(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]domain.Position, error)
}

// Made is a contact that was made: a message sent, a letter posted, a call.
type Made struct {
	Position domain.Position
	Fact     *event.Fact
	Query    contactability.Query
	Decision contactability.Decision // as known when it was made
}

// Totals count what was looked at.
type Totals struct {
	End      domain.Position // before it everything was looked at
	Checked  int64           // contacts decided again
	Breaches int64           // of them, those that were not allowed
	Before   int64           // contacts before the ledger knew anything; not judged
	Untold   int64           // contacts whose purpose was not told, and that nothing else forbade; not judged
	Rules    map[contactability.RuleID]int64
}

// Span is the range [From, To) of facts that are looked at. Calls known below
// Calls count. Most bounds the contacts that are looked at; 0 is no bound.
type Span struct {
	From, To, Calls domain.Position
	Most            int
}

// checkedAtOnce is how many contacts are gathered before they are decided.
const checkedAtOnce = 1000

// errMost ends the reading of a span: so many contacts were looked at.
var errMost = errors.New("so many contacts were looked at")

// Recheck decides again on every contact whose fact stands in the span, and gives
// report those that were not allowed, in the order of positions.
//
// A contact is judged by what the ledger had recorded at its instant, under the
// policy of then: what came later accuses nobody. Calls are the exception: all
// that are known by now count against the four attempts and the refusals, since
// who calls knows of his own calls before the ledger does; a silent dialer is then
// no matter. An offer is taken for similar, as no fact tells what was offered. A
// message that came back was sent, also where no fact tells of its sending; it is
// judged at the instant of its return.
func (d *Decider) Recheck(ctx context.Context, log eventstore.Log, clock Clock, s Span, report func(*Made) error) (t Totals, err error) {
	t.Rules, t.End = map[contactability.RuleID]int64{}, s.To
	c := &rechecking{d: d, calls: s.Calls, ticks: ticks{log: log, clock: clock}, report: report, totals: &t}
	together, left := checkedAtOnce, s.Most
	if left > 0 {
		together = min(together, left)
	}
	err = log.Read(ctx, s.From, s.To, func(p domain.Position, b []byte) error {
		if !perhapsContact(b) {
			return nil
		}
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", p, err)
		}
		q, ok := queryOf(f)
		if !ok {
			return nil
		}
		c.made = append(c.made, Made{Position: p, Fact: f, Query: q})
		if len(c.made) < together {
			return nil
		}
		if err := c.decide(ctx); err != nil || s.Most == 0 {
			return err
		}
		if left -= together; left > 0 {
			together = min(together, left)
			return nil
		}
		t.End = p + 1
		return errMost
	})
	switch {
	case errors.Is(err, errMost):
		err = nil
	case err == nil:
		err = c.decide(ctx)
	}
	if err != nil {
		return t, fmt.Errorf("check contacts of [%d, %d) again: %w", s.From, s.To, err)
	}
	return t, nil
}

// perhapsContact is false only for the bytes of facts that queryOf leaves out: it costs
// a hundredth of reading them. Facts are stored in RFC 8785's form, which has one
// spelling of each.
func perhapsContact(fact []byte) bool {
	if !bytes.Contains(fact, []byte(`"`+event.InteractionRecorded+`"`)) {
		return false
	}
	const name = `"kind":"`
	for {
		i := bytes.Index(fact, []byte(name))
		if i < 0 {
			return false
		}
		fact = fact[i+len(name):]
		end := bytes.IndexByte(fact, '"')
		if end < 0 {
			return false
		}
		switch string(fact[:end]) {
		case "sent", "bounce", "post_sent", "call", "call_attempt":
			return true
		}
	}
}

// queryOf reads a contact that went out. What its fact does not tell is left
// open, which denies. A bounce may be told as coming in.
func queryOf(f *event.Fact) (q contactability.Query, ok bool) {
	kind := f.Codes.String("kind")
	if f.Type != event.InteractionRecorded || f.Subject.IsZero() || f.Codes.String("direction") == "in" && kind != "bounce" {
		return q, false
	}
	q = contactability.Query{Channel: f.Codes.String("channel"), Purpose: f.Codes.String("object"), Controller: f.Controller,
		At: f.Time.Time, Offer: "similar", Sector: f.Codes.String("sector")}
	switch kind {
	case "sent", "bounce":
		if q.Channel == "" {
			q.Channel = contactability.Email
		}
	case "post_sent":
		q.Channel = contactability.Postal
	case "call", "call_attempt":
		q.Channel = contactability.Phone
	default:
		return q, false
	}
	return q, true
}

// rechecking is one run.
type rechecking struct {
	d      *Decider
	calls  domain.Position
	ticks  ticks
	made   []Made
	report func(*Made) error
	totals *Totals
}

// decide judges what was gathered; contacts as of one position go together.
func (c *rechecking) decide(ctx context.Context) error {
	if err := c.sendings(ctx); err != nil {
		return err
	}
	below := make([]domain.Position, len(c.made))
	byTime := make([]int, len(c.made))
	for i := range byTime {
		byTime[i] = i
	}
	slices.SortFunc(byTime, func(a, b int) int { return c.made[a].Query.At.Compare(c.made[b].Query.At) })
	groups := map[domain.Position][]int{}
	var order []domain.Position
	for _, i := range byTime {
		p, err := c.ticks.knownAt(ctx, c.made[i].Query.At)
		if err != nil {
			return err
		}
		below[i] = min(p, c.made[i].Position)
		if groups[below[i]] == nil {
			order = append(order, below[i])
		}
		groups[below[i]] = append(groups[below[i]], i)
	}
	for _, p := range order {
		if err := c.group(ctx, p, groups[p]); err != nil {
			return err
		}
	}
	for i := range c.made {
		m := &c.made[i]
		switch {
		case below[i] == 0:
			c.totals.Before++
			continue
		case m.Query.Purpose == "" && m.Decision.Rule == contactability.InputPurpose:
			c.totals.Untold++
			continue
		case m.Decision.Allowed:
			c.totals.Checked++
			continue
		}
		c.totals.Checked++
		c.totals.Breaches++
		c.totals.Rules[m.Decision.Rule]++
		if err := c.report(m); err != nil {
			return err
		}
	}
	c.made = c.made[:0]
	return nil
}

func (c *rechecking) group(ctx context.Context, below domain.Position, of []int) error {
	if below == 0 { // not even a policy was in force
		return nil
	}
	checks := make([]Check, len(of))
	for n, i := range of {
		m := &c.made[i]
		checks[n] = Check{Subject: m.Fact.Subject, Query: m.Query, except: m.Fact.ID}
	}
	got, err := c.d.Check(ctx, checks, Known{Below: below, callsBelow: c.calls})
	if err != nil {
		return err
	}
	for n, i := range of {
		c.made[i].Decision = got[n]
	}
	return nil
}

// ticks tells how many facts were recorded by an instant; it keeps the times of
// the facts last looked at, and when the first of all was recorded.
type ticks struct {
	log   eventstore.Log
	clock Clock
	lo    domain.Position
	times []time.Time
	first time.Time
}

// knownAt is the position below which everything was recorded by t.
func (k *ticks) knownAt(ctx context.Context, t time.Time) (domain.Position, error) {
	if k.first.IsZero() {
		first, err := k.read(ctx, nil, 0, 1)
		if err != nil {
			return 0, err
		}
		k.first = first[0]
	}
	if t.Before(k.first) {
		return 0, nil
	}
	if !k.among(t) {
		lo, hi, err := k.clock.Recorded(ctx, t)
		if err != nil {
			return 0, err
		}
		if lo != k.lo || int(hi-lo) != len(k.times) {
			if k.times, err = k.read(ctx, k.times[:0], lo, hi); err != nil {
				return 0, err
			}
			k.lo = lo
		}
	}
	n := len(k.times)
	for n > 0 && k.times[n-1].After(t) {
		n--
	}
	return k.lo + domain.Position(n), nil
}

// among reports that the times at hand tell: one of them is at or before t, and one after.
func (k *ticks) among(t time.Time) bool {
	return len(k.times) > 0 && !t.Before(k.times[0]) && t.Before(k.times[len(k.times)-1])
}

// read appends when the facts of [lo, hi) were recorded.
func (k *ticks) read(ctx context.Context, times []time.Time, lo, hi domain.Position) ([]time.Time, error) {
	err := k.log.Read(ctx, lo, hi, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", p, err)
		}
		times = append(times, f.Recorded.Time)
		return nil
	})
	return times, err
}
