package index_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/projections"
	"greffe/projections/index"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func newIndex(t *testing.T) *index.Index {
	t.Helper()
	x, err := index.Open(filepath.Join(t.TempDir(), "index.db"), sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func id(n byte) domain.ID {
	return domain.DeriveID([]byte{n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
}

// TestAgainstFacts compares every query with a look at each fact.
func TestAgainstFacts(t *testing.T) {
	t.Parallel()
	x := newIndex(t)
	w := projtest.NewWorld(11, 40)
	facts := projtest.Decode(t, 0, w.Bytes(1200))
	if err := x.Apply(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	places, items := map[domain.ID][]domain.Position{}, map[domain.ID][]domain.Position{}
	for _, f := range facts {
		if at, err := x.Position(t.Context(), f.ID); err != nil || at != f.Position {
			t.Fatalf("event of %d is at %d, %v", f.Position, at, err)
		}
		if !f.Subject.IsZero() {
			places[f.Subject] = append(places[f.Subject], f.Position)
		}
		for _, p := range f.Parts {
			if p.Owner.Kind == part.Quarantine {
				items[p.Owner.ID] = append(items[p.Owner.ID], f.Position)
			}
		}
		if f.Type == event.IngestQuarantined {
			items[f.ID] = append(items[f.ID], f.Position)
		}
	}
	for s, want := range places {
		got, err := x.Positions(t.Context(), s, 0, math.MaxUint64, 2000)
		n, cerr := x.Count(t.Context(), s)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || cerr != nil || n != len(want) {
			t.Fatalf("positions %v %v, %d counted (-want +got):\n%s", err, cerr, n, diff)
		}
		var back []domain.Position
		for end := domain.Position(math.MaxUint64); len(back) <= len(want); {
			page, err := x.Latest(t.Context(), s, 0, end, 3)
			if err != nil || len(page) == 0 {
				break
			}
			back, end = append(back, page...), page[len(page)-1]
		}
		if slices.Reverse(back); !slices.Equal(back, want) {
			t.Fatalf("the newest first, three by three: %v, want %v turned", back, want)
		}
		mid := want[len(want)/2]
		if got, err := x.Positions(t.Context(), s, mid, mid+1, 9); err != nil || !slices.Equal(got, []domain.Position{mid}) {
			t.Fatalf("positions in [%d, %d): %v, %v", mid, mid+1, got, err)
		}
	}
	checkLists(t, x, facts, places, items)
}

// checkLists checks what is listed of inputs, subjects and instants.
func checkLists(t *testing.T, x *index.Index, facts []projections.Fact, places, items map[domain.ID][]domain.Position) {
	t.Helper()
	for item, want := range items {
		if got, err := x.Quarantined(t.Context(), item); err != nil || !slices.Equal(got, want) {
			t.Fatalf("quarantined %v, want %v; %v", got, want, err)
		}
	}
	if len(items) == 0 {
		t.Fatal("no quarantined input to check with")
	}
	totals, err := x.Totals(t.Context())
	if err != nil || totals.Events != 1200 || int(totals.Subjects) < len(places) {
		t.Fatalf("totals %+v, %v", totals, err)
	}
	var all []domain.ID
	for cursor := int64(0); ; {
		page, next, err := x.Subjects(t.Context(), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if cursor = next; next == 0 {
			break
		}
	}
	for s := range places {
		if !slices.Contains(all, s) {
			t.Fatalf("subject %s is not listed", s)
		}
	}
	for _, f := range facts {
		lo, hi, err := x.Recorded(t.Context(), f.Recorded.Time)
		n := domain.Position(len(facts))
		for n > 0 && facts[n-1].Recorded.After(f.Recorded.Time) {
			n--
		}
		if err != nil || n < lo || n > hi || hi-lo >= 256 {
			t.Fatalf("%d facts recorded by then, bracket [%d, %d], %v", n, lo, hi, err)
		}
	}
	if lo, hi, err := x.Recorded(t.Context(), time.Unix(0, 0)); lo != 0 || hi != 0 || err != nil {
		t.Fatalf("before the first fact: [%d, %d], %v", lo, hi, err)
	}
}

// TestQuarantined follows an input from being set aside to its release.
func TestQuarantined(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	aside := &event.Fact{Type: event.IngestQuarantined}
	l.say(aside)
	l.say(&event.Fact{Type: event.NoticeServed})
	l.say(&event.Fact{Type: event.IngestReleased, Codes: event.Codes{}.With("item", aside.ID.String())})
	if got, err := l.x.Quarantined(t.Context(), aside.ID); err != nil || !slices.Equal(got, []domain.Position{0, 2}) {
		t.Fatalf("facts at %v, %v; want 0 and 2", got, err)
	}
}

// TestHeld lists the inputs that nothing was done with, as going through each of them
// does, page by page.
func TestHeld(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	d := rand.New(rand.NewPCG(3, 4))
	var aside []*event.Fact
	for range 60 {
		f := &event.Fact{Type: event.IngestQuarantined}
		aside = append(aside, f)
		l.say(f)
		if d.IntN(2) == 0 {
			l.say(&event.Fact{Type: event.IngestReleased, Codes: event.Codes{}.With("item", aside[d.IntN(len(aside))].ID.String())})
		}
	}
	var want []domain.Position
	for _, f := range aside {
		all, err := l.x.Quarantined(t.Context(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 1 {
			want = append(want, all[0])
		}
	}
	for _, limit := range []int{1, 7, len(want), 100} {
		var got []domain.Position
		for from := domain.Position(0); ; {
			page, err := l.x.Held(t.Context(), from, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("%d from %d: %v", len(page), from, err)
			}
			if got = append(got, page...); len(page) < limit {
				break
			}
			from = page[len(page)-1] + 1
		}
		if !slices.Equal(got, want) || len(want) < 20 || len(want) > 50 {
			t.Errorf("%d at a time: %v, want %v", limit, got, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	x := newIndex(t)
	if _, err := x.Position(t.Context(), id(1)); !errors.Is(err, index.ErrUnknown) {
		t.Errorf("position: %v", err)
	}
	if got, err := x.Positions(t.Context(), id(1), 0, 10, 10); got != nil || err != nil {
		t.Errorf("positions: %v, %v", got, err)
	}
	if n, err := x.Count(t.Context(), id(1)); n != 0 || err != nil {
		t.Errorf("count: %d, %v", n, err)
	}
	if got, err := x.Connected(t.Context(), id(1), 10); !slices.Equal(got, []domain.ID{id(1)}) || err != nil {
		t.Errorf("connected: %v, %v", got, err)
	}
}

// log says facts one after the other.
type log struct {
	*testing.T
	x  *index.Index
	at domain.Position
}

func (l *log) say(f *event.Fact) {
	l.Helper()
	f.ID = domain.DeriveID([]byte{0xEE, byte(l.at), byte(l.at >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	if err := l.x.Apply(l.Context(), []projections.Fact{{Position: l.at, Fact: f}}); err != nil {
		l.Fatalf("apply: %v", err)
	}
	l.at++
}

func TestConnected(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	edge := func(typ event.Type, a, b byte, day int) {
		t.Helper()
		l.say(&event.Fact{Type: typ, Subject: id(a), Codes: event.Codes{}.With("into", id(b).String()),
			Time: domain.NewTime(time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC))})
	}
	check := func(from byte, known domain.Position, want ...byte) {
		t.Helper()
		var ids []domain.ID
		for _, n := range want {
			ids = append(ids, id(n))
		}
		got, err := l.x.Connected(t.Context(), id(from), known)
		if diff := cmp.Diff(ids, got); diff != "" || err != nil {
			t.Fatalf("connected to %d at %d: %v (-want +got):\n%s", from, known, err, diff)
		}
	}
	edge(event.ContactMerged, 1, 2, 1)   // 0
	edge(event.ContactMerged, 3, 2, 2)   // 1
	edge(event.ContactMerged, 4, 5, 3)   // 2
	edge(event.ContactUnmerged, 3, 2, 5) // 3
	edge(event.ContactMerged, 3, 2, 4)   // 4: said late, about an earlier time
	edge(event.ContactMerged, 5, 1, 6)   // 5
	edge(event.ContactUnmerged, 1, 5, 9) // 6: the other direction, no such merge
	check(1, 0, 1)
	check(1, 1, 1, 2)
	check(1, 3, 1, 2, 3)
	check(2, 3, 2, 1, 3)
	check(3, 4, 3)
	check(1, 5, 1, 2)
	check(2, math.MaxUint64, 2, 1, 4, 5)
	edge(event.ContactUnmerged, 5, 1, 6) // equal time, later position
	check(1, math.MaxUint64, 1, 2)
	check(4, math.MaxUint64, 4, 5)
	bad := []projections.Fact{{Position: l.at, Fact: &event.Fact{ID: id(9), Type: event.ContactMerged, Subject: id(1)}}}
	if err := l.x.Apply(t.Context(), bad); err == nil {
		t.Error("a merge into nobody was taken")
	}
}

// TestRegistered: the names of producers are found, each by its first fact.
func TestRegistered(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	l.say(&event.Fact{Type: event.NoticeServed, Source: id(3)})
	for _, n := range []byte{2, 1, 2} {
		l.say(&event.Fact{Type: event.ProducerRegistered, Source: id(n)})
	}
	got, err := l.x.Registered(t.Context())
	if diff := cmp.Diff(map[domain.ID]domain.Position{id(2): 1, id(1): 2}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestAlikeIDs: events whose ids begin alike are told apart, also over blocks,
// batches and a restart.
func TestAlikeIDs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "index.db")
	alike := func(i int) domain.ID {
		return domain.DeriveID([]byte{9, 9, 9, 9, 9, 9, 9, 9, 0, byte(i), byte(i >> 8), 0, 0, 0, 0, 0})
	}
	for at := 0; at < 600; at += 100 {
		x, err := index.Open(path, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var facts []projections.Fact
		for i := at; i < at+100; i++ {
			facts = append(facts, projections.Fact{Position: domain.Position(i), Fact: &event.Fact{Type: event.NoticeServed, ID: alike(i)}})
		}
		if err := x.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, at / 2, at + 99} {
			if p, err := x.Position(t.Context(), alike(i)); err != nil || p != domain.Position(i) {
				t.Fatalf("event %d is at %d, %v", i, p, err)
			}
		}
		if _, err := x.Position(t.Context(), alike(5000)); !errors.Is(err, index.ErrUnknown) {
			t.Fatalf("an id that only begins alike: %v", err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFarPositions: positions beyond those stored are none.
func TestFarPositions(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	l.say(&event.Fact{Type: event.NoticeServed, Subject: id(1)})
	for _, from := range []domain.Position{1, 1 << 40, 1 << 63, math.MaxUint64} {
		if got, err := l.x.Positions(t.Context(), id(1), from, math.MaxUint64, 1); got != nil || err != nil {
			t.Errorf("positions from %d: %v, %v", from, got, err)
		}
	}
}
