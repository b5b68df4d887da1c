package projections

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/memory"
)

func notices(t *testing.T, n int) *memory.Log {
	t.Helper()
	log := memory.New()
	for i := range n {
		b, err := event.AppendFact(nil, &event.Fact{ID: domain.DeriveID([]byte{1, byte(i), byte(i >> 8), 15: 1}), Type: event.NoticeServed, Policy: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Append(t.Context(), domain.Position(i), [][]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// TestFeedWindow: what was handed out never changes, facts near the end are
// decoded once, and a follower far behind does not move the window back.
func TestFeedWindow(t *testing.T) {
	t.Parallel()
	f := newFeed(notices(t, 200), 5)
	next := func(from domain.Position) []Fact {
		t.Helper()
		got, err := f.next(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range got {
			if x.Position != from+domain.Position(i) {
				t.Fatalf("fact %d where %d was asked for", x.Position, from+domain.Position(i))
			}
		}
		return got
	}
	var given [][]Fact
	var kept [][]Fact
	for at := domain.Position(0); at < 200; {
		got := next(at)
		shared := next(at) // from the window
		given, kept = append(given, got, shared), append(kept, slices.Clone(got), slices.Clone(shared))
		at += domain.Position(len(got))
	}
	for i := range given {
		if !slices.Equal(given[i], kept[i]) {
			t.Fatalf("batch %d was overwritten after it was handed out", i)
		}
	}
	if a, b := next(190), next(192); a[2].Fact != b[0].Fact {
		t.Error("a fact near the end was decoded twice")
	}
	if len(f.facts) > windowBatches*5 {
		t.Errorf("the window holds %d facts", len(f.facts))
	}
	next(3)
	if f.facts[len(f.facts)-1].Position != 199 {
		t.Error("a follower far behind moved the window")
	}
	if got := next(200); len(got) != 0 {
		t.Errorf("%d facts beyond the end", len(got))
	}
	if _, err := f.next(t.Context(), 201); !errors.Is(err, ErrAhead) {
		t.Errorf("ahead of the log: %v", err)
	}
}

// TestFeedPace: the first of the followers waits for one that is about to leave
// the window, not for one that has left it, is level with it, or has gone; and
// not for ever.
func TestFeedPace(t *testing.T) {
	t.Parallel()
	const size, last = 5, domain.Position(windowBatches * 5)
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(notices(t, 200), size)
		take := func(who string, from domain.Position) (waited time.Duration) {
			t.Helper()
			began := time.Now()
			if got, err := f.take(t.Context(), who, from); err != nil || len(got) != size || got[0].Position != from {
				t.Fatalf("%s from %d: %d facts, %v", who, from, len(got), err)
			}
			return time.Since(began)
		}
		pace := func(who string, from domain.Position, want time.Duration) {
			t.Helper()
			if got := take(who, from); got != want {
				t.Fatalf("%s waited %v from %d, want %v", who, got, from, want)
			}
		}
		take("slow", 0)
		for at := domain.Position(0); at < last; at += size {
			pace("quick", at, 0)
		}
		pace("quick", last, 0) // what leaves the window is being applied by the slow one
		done := make(chan time.Duration)
		go func() { done <- take("quick", last+size) }()
		synctest.Wait()
		time.Sleep(patience / 4)
		pace("slow", 5, 0)
		if got := <-done; got != patience/4 {
			t.Fatalf("waited %v, want until the other one asked", got)
		}
		pace("quick", last+2*size, patience) // it does not ask again
		pace("quick", last+3*size, 0)        // and is out of the window now
		pace("slow", 10, 0)
		f.leave("slow")
		pace("third", last+3*size, 0)
		ctx, stop := context.WithCancel(t.Context())
		f.note(func() { f.needs["slow"] = f.facts[0].Position })
		time.AfterFunc(patience/2, stop)
		if _, err := f.take(ctx, "quick", last+4*size); !errors.Is(err, context.Canceled) {
			t.Fatalf("ended while waiting: %v", err)
		}
	})
}

func TestFresh(t *testing.T) {
	t.Parallel()
	at := func(ps ...domain.Position) []Fact {
		var out []Fact
		for _, p := range ps {
			out = append(out, Fact{Position: p})
		}
		return out
	}
	for name, c := range map[string]struct {
		facts []Fact
		n     int
		gap   bool
	}{
		"none": {at(), 0, false}, "next": {at(5, 6), 2, false}, "known": {at(3, 4), 0, false}, "partly": {at(4, 5, 6), 2, false},
		"ahead": {at(6, 7), 0, true}, "hole": {at(5, 7), 0, true}, "hole before": {at(2, 4, 5), 0, true}, "backwards": {at(5, 4), 0, true},
	} {
		got, err := Fresh(5, c.facts)
		if len(got) != c.n || errors.Is(err, ErrGap) != c.gap || len(got) > 0 && got[0].Position != 5 {
			t.Errorf("%s: %d facts, %v", name, len(got), err)
		}
	}
}
