package decisions

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/memory"
)

// marks is a Clock over times of recording, with a mark every so many positions.
type marks struct {
	at    []time.Time
	every int
}

func (m *marks) Recorded(_ context.Context, t time.Time) (lo, hi domain.Position, err error) {
	for n := 0; n < len(m.at) && !m.at[n].After(t); n += m.every {
		lo, hi = domain.Position(n+1), domain.Position(min(n+m.every, len(m.at)))
	}
	return lo, hi, nil
}

func (*marks) Positions(context.Context, domain.ID, domain.Position, domain.Position, int) ([]domain.Position, error) {
	return nil, nil
}

// logged is a log of facts, and when they were recorded.
func logged(t testing.TB, facts []*event.Fact) (*memory.Log, *marks) {
	t.Helper()
	log, m := memory.New(), &marks{every: 4}
	var all [][]byte
	for _, f := range facts {
		b, err := event.AppendFact(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		all, m.at = append(all, b), append(m.at, f.Recorded.Time)
	}
	if err := log.Append(t.Context(), 0, all); err != nil {
		t.Fatal(err)
	}
	return log, m
}

func interaction(n int, at time.Time, kind, direction string) *event.Fact {
	return &event.Fact{ID: id(n), Type: event.InteractionRecorded, Subject: anna, Source: id(8001), Controller: "acme", Time: domain.NewTime(at), Recorded: domain.NewTime(at),
		Policy: 1, Codes: codes("kind", kind, "direction", direction, "channel", "email", "object", "prospecting")}
}

// What was recorded by an instant is told as a slow count tells it, in whatever order
// instants come, several facts of one instant among them.
func TestKnownAtIsAnExactCount(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewPCG(1, 2))
	var facts []*event.Fact
	at := noon
	for n := range 43 {
		at = at.Add(time.Duration(d.IntN(3)) * time.Second)
		facts = append(facts, interaction(n, at, "open", "in"))
	}
	log, clock := logged(t, facts)
	var asked []time.Time
	for s := -2; s < int(at.Sub(noon)/time.Second)+3; s++ {
		asked = append(asked, noon.Add(time.Duration(s)*time.Second), noon.Add(time.Duration(s)*time.Second+time.Millisecond))
	}
	for _, order := range []string{"rising", "falling", "any"} {
		switch order {
		case "falling":
			slices.Reverse(asked)
		case "any":
			d.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
		}
		k := &ticks{log: log, clock: clock}
		for _, x := range asked {
			want := 0
			for _, r := range clock.at {
				if !r.After(x) {
					want++
				}
			}
			if got, err := k.knownAt(t.Context(), x); err != nil || got != domain.Position(want) {
				t.Fatalf("%s: by %s %d were recorded, want %d, %v", order, x.Sub(noon), got, want, err)
			}
		}
	}
}

// No fact that is judged is left unread.
func TestNoContactIsPassedOver(t *testing.T) {
	t.Parallel()
	contacts := 0
	for n, kind := range []string{"sent", "bounce", "post_sent", "call", "call_attempt", "open", "click", "reply", "visit", "purchase"} {
		for _, typ := range []event.Type{event.InteractionRecorded, event.ContactCreated, event.ContractStarted} {
			for _, direction := range []string{"in", "out"} {
				f := interaction(n, noon, kind, direction)
				f.Type = typ
				b, err := event.AppendFact(nil, f)
				if err != nil {
					t.Fatal(err)
				}
				_, judged := queryOf(f)
				if judged {
					contacts++
				}
				if judged && !perhapsContact(b) {
					t.Errorf("%s of kind %s, %s, is passed over", typ, kind, direction)
				}
				if outside := typ != event.InteractionRecorded || n > 4; outside && perhapsContact(b) {
					t.Errorf("%s of kind %s is read for nothing", typ, kind)
				}
			}
		}
	}
	if contacts != 6 {
		t.Errorf("%d contacts were judged", contacts)
	}
}

// Parts of a span, one after another, find what the whole finds, whatever their size.
func TestPartsFindWhatTheWholeFinds(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	w.created(t, anna)
	facts := []*event.Fact{w.facts[0].Fact, w.facts[1].Fact}
	for n := range 17 {
		kind := []string{"sent", "open", "sent", "click", "bounce"}[n%5]
		f := interaction(300+n, noon.Add(time.Duration(n)*time.Hour), kind, "out")
		w.add(t, f)
		facts = append(facts, f)
	}
	log, clock := logged(t, facts)
	end := domain.Position(len(facts))
	find := func(most int) (found []string, checked int64, parts int) {
		for from := domain.Position(0); from < end; parts++ {
			total, err := d.Recheck(t.Context(), log, clock, Span{From: from, To: end, Calls: end, Most: most}, func(m *Made) error {
				found = append(found, fmt.Sprintf("%d %s", m.Position, m.Decision.Rule))
				return nil
			})
			if err != nil || total.End <= from {
				t.Fatalf("from %d to %d: %v", from, total.End, err)
			}
			checked += total.Checked
			from = total.End
		}
		return found, checked, parts
	}
	whole, checked, parts := find(0)
	if len(whole) != 10 || checked != 10 || parts != 1 || !strings.HasPrefix(whole[0], "2 ") {
		t.Fatalf("the whole: %v of %d in %d", whole, checked, parts)
	}
	for most, want := range map[int]int{1: 11, 3: 4, 9: 2, 10: 2, 11: 1, 5000: 1} {
		if got, n, parts := find(most); !slices.Equal(got, whole) || n != checked || parts > want {
			t.Errorf("%d at a time: %v of %d in %d parts, want %v of %d in %d", most, got, n, parts, whole, checked, want)
		}
	}
}
