package decisions

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
)

// zoneless knows the zones of the machine's Go.
type zoneless struct{}

func (zoneless) Location(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// world stands in for what a Decider asks. Its maps are by event or token.
type world struct {
	mu       sync.Mutex
	store    *Store
	facts    []projections.Fact
	holders  map[token.Token][]domain.ID
	tokens   map[domain.ID][]token.Entry
	listed   map[token.Token]Listed
	sealed   map[domain.Position]Opened
	merged   map[domain.ID][]domain.ID
	openings [][]domain.Position
	broken   map[string]bool
	now      time.Time
}

var errBroken = errors.New("broken")

func (w *world) fails(what string) error {
	if w.broken[what] {
		return errBroken
	}
	return nil
}

func (w *world) FindAll(_ context.Context, _ token.Kind, tokens []token.Token, limit int) ([][]domain.ID, error) {
	out := make([][]domain.ID, len(tokens))
	for i, t := range tokens {
		out[i] = w.holders[t][:min(len(w.holders[t]), limit)]
	}
	return out, w.fails("holders")
}

func (w *world) Links(_ context.Context, l []token.Token) ([]domain.ID, error) {
	out := make([]domain.ID, len(l))
	for i, t := range l {
		if h := w.holders[t]; len(h) > 0 {
			out[i] = h[0]
		}
	}
	return out, w.fails("links")
}

func (w *world) Tokens(_ context.Context, events []domain.ID) ([][]byte, error) {
	out := make([][]byte, len(events))
	for i, id := range events {
		out[i], _ = token.Pack(w.tokens[id])
	}
	return out, w.fails("tokens")
}

func (w *world) Connected(_ context.Context, id domain.ID, _ domain.Position) ([]domain.ID, error) {
	return append([]domain.ID{id}, w.merged[id]...), w.fails("merges")
}

func (w *world) Listed(_ context.Context, addresses [][]token.Token, below domain.Position) ([]Listed, error) {
	out := make([]Listed, len(addresses))
	for i, a := range addresses {
		for _, e := range w.listed[a[0]].Entries {
			if e.Position < below {
				out[i].Entries = append(out[i].Entries, e)
			}
		}
		out[i].Lifts = w.listed[a[0]].Lifts
	}
	return out, w.fails("list")
}

func (w *world) Open(_ context.Context, at []domain.Position, _ []string) ([]Opened, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.openings = append(w.openings, slices.Clone(at))
	out := make([]Opened, len(at))
	for i, p := range at {
		out[i] = w.sealed[p]
	}
	return out, w.fails("opener")
}

func (w *world) Rules(context.Context, int64) (*contactability.Rules, error) {
	r := contactability.Law(zoneless{})
	r.Controllers = append(r.Controllers, "acme-retail")
	return &r, w.fails("rules")
}

func newWorld(t testing.TB) (*world, *Decider) {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "decisions.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{store: s, holders: map[token.Token][]domain.ID{}, tokens: map[domain.ID][]token.Entry{}, listed: map[token.Token]Listed{},
		sealed: map[domain.Position]Opened{}, merged: map[domain.ID][]domain.ID{}, broken: map[string]bool{}, now: noon}
	d := &Decider{Store: s, Holders: w, Vault: w, Merges: w, List: w, Opener: w, Rules: w, Peppers: token.Derive([32]byte{1}), Now: func() time.Time { return w.now }}
	w.tell(t, domain.ID{}, event.PolicyPublished, noon.AddDate(-1, 0, 0), event.Codes{}.With("version", int64(1)))
	return w, d
}

// noon is a Tuesday, 12:00 in Paris.
var noon = time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC)

func id(n int) domain.ID { return domain.DeriveID([]byte{14: byte(n >> 8), 15: byte(n)}) }

var anna, bob = id(9001), id(9002)

// tell applies one fact and returns its position.
func (w *world) tell(t testing.TB, who domain.ID, typ event.Type, at time.Time, codes event.Codes, fields ...string) domain.Position {
	t.Helper()
	n := len(w.facts)
	f := &event.Fact{ID: id(n + 1), Type: typ, Subject: who, Source: id(8001), Controller: "acme", Time: domain.NewTime(at), Recorded: domain.NewTime(at),
		Policy: 1, Codes: codes, Fields: fields}
	return w.add(t, f)
}

func (w *world) add(t testing.TB, f *event.Fact) domain.Position {
	t.Helper()
	fact := projections.Fact{Position: domain.Position(len(w.facts)), Fact: f}
	w.facts = append(w.facts, fact)
	if err := w.store.Apply(t.Context(), []projections.Fact{fact}); err != nil {
		t.Fatal(err)
	}
	return fact.Position
}

func codes(pairs ...any) (c event.Codes) {
	for i := 0; i < len(pairs); i += 2 {
		c = c.With(pairs[i].(string), pairs[i+1])
	}
	return c
}

func (w *world) created(t testing.TB, who domain.ID, fields ...string) domain.Position {
	t.Helper()
	return w.tell(t, who, event.ContactCreated, noon.AddDate(0, -6, 0), codes("kind", "client"), fields...)
}

func (w *world) granted(t testing.TB, who domain.ID, channels ...string) {
	t.Helper()
	w.tell(t, who, event.ConsentGranted, noon.AddDate(0, 0, -10), codes("purpose", "prospecting", "channels", channels, "evidence", "proven", "method", "web_form"))
}

func ask(who domain.ID, channel string) Check {
	return Check{Subject: who, Query: contactability.Query{Channel: channel, Purpose: "prospecting", Controller: "acme", At: noon}}
}

func (w *world) rules(t testing.TB, d *Decider, checks ...Check) (l []contactability.RuleID) {
	t.Helper()
	got, err := d.Check(t.Context(), checks, Known{Below: math.MaxInt64, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		l = append(l, got[i].Rule)
	}
	return l
}

func (w *world) want(t testing.TB, d *Decider, check Check, rule contactability.RuleID) {
	t.Helper()
	if got := w.rules(t, d, check); got[0] != rule {
		t.Errorf("%s, want %s", got[0], rule)
	}
}
