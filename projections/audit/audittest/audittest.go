// Package audittest is the contract of audit.Dataset: every implementation gives
// the answers of a model that looks at each fact. It complements
// projections/projtest, which holds it to the fold. For tests only.
package audittest

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/projtest"
)

// size is enough facts for several blocks, months and pages.
const size = 3000

// Open opens an empty dataset that is closed with the test.
type Open func(t *testing.T, o audit.Opener) audit.Dataset

// Run checks the dataset that open opens.
func Run(t *testing.T, open Open) {
	const seed = 7
	t.Logf("seed %d", seed)
	w := projtest.NewWorld(seed, 150)
	m := &model{facts: projtest.Decode(t, 0, w.Bytes(size)), opener: w}
	d := open(t, w)
	for at := 0; at < size; at += 700 {
		if err := d.Apply(t.Context(), m.facts[at:min(at+700, size)]); err != nil {
			t.Fatalf("apply: %v", err)
		}
	}
	t.Run("events", func(t *testing.T) { t.Parallel(); checkEvents(t, d, m) })
	t.Run("accesses", func(t *testing.T) { t.Parallel(); checkAccesses(t, d, m) })
	t.Run("pages", func(t *testing.T) { t.Parallel(); checkPages(t, d, m) })
	t.Run("newest", func(t *testing.T) { t.Parallel(); checkNewest(t, open, w, m) })
	t.Run("deeds", func(t *testing.T) { t.Parallel(); checkDeeds(t, d, m) })
	t.Run("changed", func(t *testing.T) { t.Parallel(); checkChanged(t, d, m) })
	t.Run("flow", func(t *testing.T) { t.Parallel(); checkFlow(t, d, m) })
	t.Run("hours", func(t *testing.T) { t.Parallel(); checkHours(t, d, m) })
	t.Run("seen", func(t *testing.T) { t.Parallel(); checkSeen(t, d, m) })
	t.Run("summary", func(t *testing.T) { t.Parallel(); checkSummary(t, d, m) })
	t.Run("cancel", func(t *testing.T) { t.Parallel(); checkCancel(t, d) })
	t.Run("horizon", func(t *testing.T) { t.Parallel(); checkHorizon(t, open, w, m) })
	t.Run("expired", func(t *testing.T) { t.Parallel(); checkExpired(t, open, m) })
}

func gather[T any](t *testing.T, rows iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for row, err := range rows {
		if err != nil {
			t.Fatalf("rows: %v", err)
		}
		out = append(out, row)
	}
	return out
}

func same[T any](t *testing.T, what string, got, want []T) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return // go-cmp takes seconds for thousands of rows
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// dice picks filters out of the facts, so that most have answers.
type dice struct {
	*rand.Rand
	m *model
}

func (d dice) fact() projections.Fact { return d.m.facts[d.IntN(len(d.m.facts))] }

func (d dice) span(of func(projections.Fact) domain.Time) audit.Span {
	a, b := of(d.fact()), of(d.fact())
	if b.Before(a.Time) {
		a, b = b, a
	}
	switch d.IntN(4) {
	case 0:
		return audit.Span{From: a.Time}
	case 1:
		return audit.Span{To: b.Time}
	}
	return audit.Span{From: a.Time, To: b.Time}
}

func timeOf(f projections.Fact) domain.Time     { return f.Time }
func recordedOf(f projections.Fact) domain.Time { return f.Recorded }

func (d dice) filter() audit.Filter {
	var f audit.Filter
	x := d.fact()
	f.Newest = d.IntN(2) == 0
	for range d.IntN(4) {
		switch d.IntN(11) {
		case 0:
			f.Type = x.Type
		case 1:
			f.Subject = x.Subject
		case 2:
			f.Account = x.Actor
		case 3:
			f.Source = x.Source
		case 4:
			f.Purpose = []string{"prospecting", "customer_service", "unheard_of"}[d.IntN(3)]
		case 5:
			f.Time = d.span(timeOf)
		case 6:
			f.Recorded = d.span(recordedOf)
		case 7:
			f.Cursor = domain.Position(d.IntN(size + 10))
		case 8:
			f.Limit = 1 + d.IntN(50)
		case 9:
			f.Before = domain.Position(1 + d.IntN(size+10))
		case 10:
			f.Without = []event.Type{event.AccessRecorded, x.Type, "unheard.of"}[d.IntN(3)]
		}
	}
	return f
}

func checkEvents(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(1, 2)), m}
	answers := 0
	for range 120 {
		f := r.filter()
		want := m.events(f)
		answers += len(want)
		same(t, "events", gather(t, d.Events(t.Context(), f)), want)
	}
	if answers < size {
		t.Fatalf("the filters found %d events only", answers)
	}
	same(t, "nobody", gather(t, d.Events(t.Context(), audit.Filter{Account: domain.ID{1}})), nil)
}

func checkAccesses(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(3, 4)), m}
	all := m.accesses(audit.AccessFilter{})
	if len(all) < 100 {
		t.Fatalf("%d accesses are too few to check with", len(all))
	}
	for range 120 {
		var f audit.AccessFilter
		a := all[r.IntN(len(all))]
		f.Newest = r.IntN(2) == 0
		for range r.IntN(4) {
			switch r.IntN(10) {
			case 0:
				f.Subject = a.Subjects[0]
			case 1:
				f.Account = a.Account
			case 2:
				f.Reason = a.Reason
			case 3:
				f.Action = a.Action
			case 4:
				f.Time = r.span(timeOf)
			case 5:
				f.Recorded = r.span(recordedOf)
			case 6:
				f.Limit, f.Cursor = 1+r.IntN(20), domain.Position(r.IntN(size))
			case 7:
				f.WithoutCase = true
			case 8:
				f.MinCount = int64(r.IntN(5))
			case 9:
				f.Before = domain.Position(1 + r.IntN(size))
			}
		}
		same(t, "accesses", gather(t, d.Accesses(t.Context(), f)), m.accesses(f))
	}
}

// checkPages goes through all events page by page.
func checkPages(t *testing.T, d audit.Dataset, m *model) {
	span := audit.Span{From: m.facts[100].Time.Time}
	want := m.events(audit.Filter{Time: span})
	f := audit.Filter{Time: span, Limit: 333}
	var got []audit.Event
	for {
		page := gather(t, d.Events(t.Context(), f))
		got = append(got, page...)
		if len(page) < f.Limit {
			break
		}
		f.Cursor = page[len(page)-1].Position + 1
	}
	same(t, "pages", got, want)
}

func checkSummary(t *testing.T, d audit.Dataset, m *model) {
	for _, c := range []struct {
		span     audit.Span
		from, to string
	}{
		{}, {span: audit.Span{From: date(2026, 1, 17)}, from: "2026-01"},
		{span: audit.Span{To: date(2026, 1, 1)}, to: "2026-01"}, {span: audit.Span{To: date(2026, 1, 2)}, to: "2026-02"},
		{span: audit.Span{From: date(2025, 3, 1), To: date(2025, 6, 1)}, from: "2025-03", to: "2025-06"},
	} {
		got, err := d.Summary(t.Context(), c.span)
		if err != nil {
			t.Fatalf("summary: %v", err)
		}
		want := m.summary(c.from, c.to)
		if diff := cmp.Diff(want, got); diff != "" || want.Events == 0 {
			t.Fatalf("summary of %v (-want +got):\n%s", c.span, diff)
		}
	}
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// checkCancel stops early and asks with an ended context.
func checkCancel(t *testing.T, d audit.Dataset) {
	n := 0
	for range d.Events(t.Context(), audit.Filter{}) {
		if n++; n == 3 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range d.Events(ctx, audit.Filter{}) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("events of an ended context: %v", last)
	}
}

// checkHorizon drops months before and between applying facts.
func checkHorizon(t *testing.T, open Open, w *projtest.World, m *model) {
	d := open(t, w)
	apply := func(facts []projections.Fact) {
		t.Helper()
		if err := d.Apply(t.Context(), facts); err != nil {
			t.Fatalf("apply: %v", err)
		}
	}
	apply(m.facts[:size/2])
	left := model{facts: m.facts[:size/2], opener: w, horizon: date(2025, 9, 1)}
	had := len((&model{facts: left.facts, opener: w}).accesses(audit.AccessFilter{}))
	n, err := d.DropAccessesBefore(t.Context(), date(2025, 9, 20))
	if want := had - len(left.accesses(audit.AccessFilter{})); err != nil || int(n) != want || n == 0 {
		t.Fatalf("dropped %d, %v; want %d", n, err, want)
	}
	if n, err := d.DropAccessesBefore(t.Context(), date(2025, 1, 1)); err != nil || n != 0 {
		t.Fatalf("an earlier horizon dropped %d, %v", n, err)
	}
	apply(m.facts[size/2:])
	left.facts = m.facts
	all := left.accesses(audit.AccessFilter{})
	same(t, "accesses after the horizon", gather(t, d.Accesses(t.Context(), audit.AccessFilter{})), all)
	subject := all[0].Subjects[0]
	same(t, "accesses of a subject", gather(t, d.Accesses(t.Context(), audit.AccessFilter{Subject: subject})),
		left.accesses(audit.AccessFilter{Subject: subject}))
	got, err := d.Summary(t.Context(), audit.Span{})
	if diff := cmp.Diff(left.summary("", ""), got); err != nil || diff != "" {
		t.Fatalf("summary after the horizon: %v (-want +got):\n%s", err, diff)
	}
}

// shut is an opener whose parts are destroyed, or broken.
type shut struct{ err error }

func (s shut) Subjects(context.Context, *event.Fact) (domain.ID, []domain.ID, error) {
	return domain.ID{}, nil, s.err
}

func checkExpired(t *testing.T, open Open, m *model) {
	d := open(t, shut{audit.ErrExpired})
	if err := d.Apply(t.Context(), m.facts[:200]); err != nil {
		t.Fatalf("apply: %v", err)
	}
	same(t, "accesses", gather(t, d.Accesses(t.Context(), audit.AccessFilter{})), nil)
	if n := len(gather(t, d.Events(t.Context(), audit.Filter{}))); n != 200 {
		t.Fatalf("%d events, want 200", n)
	}
	broken := errors.New("injected")
	d = open(t, shut{broken})
	if err := d.Apply(t.Context(), m.facts[:200]); !errors.Is(err, broken) {
		t.Fatalf("%v, want the opener's error", err)
	}
	if at, err := d.Checkpoint(t.Context()); err != nil || at != 0 {
		t.Fatalf("checkpoint %d, %v after a failed batch", at, err)
	}
}
