package index_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/index"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// same holds who is kept in memory to what the file says.
func same(t *testing.T, x *index.Index, subject domain.ID) {
	t.Helper()
	p, err := x.Person(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	want, err := x.Connected(t.Context(), subject, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.IDs(subject); !slices.Equal(got, want) {
		t.Fatalf("person %s is %v, the file says %v", subject, got, want)
	}
	for _, c := range p.Contacts {
		by, at, erased, err := x.Erased(t.Context(), c.ID)
		if err != nil || erased != c.Erased() || by != c.By || !at.Equal(c.At) {
			t.Fatalf("contact %s: erased %v by %s at %v; the file says %v by %s at %v, %v", c.ID, c.Erased(), c.By, c.At, erased, by, at, err)
		}
	}
}

// TestPersonIsWhatTheFileSays: whoever is kept in memory is, after every batch of merges,
// unmerges, erasures and others, what queries say; also between the rows of a batch and
// its commit, after a batch that was given up, and after a reset.
func TestPersonIsWhatTheFileSays(t *testing.T) {
	t.Parallel()
	var x *index.Index
	var people []domain.ID
	fail := sqlfile.Step("")
	failed := errors.New("planted")
	x, err := index.Open(filepath.Join(t.TempDir(), "index.db"), sqlfile.Options{Hook: func(s sqlfile.Step) error {
		for _, p := range people { // asked while the file changes, kept if it may be
			if _, err := x.Person(t.Context(), p); err != nil {
				return err
			}
		}
		if s == fail {
			return failed
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	w := projtest.NewWorld(7, 25)
	facts := projtest.Decode(t, 0, w.Bytes(400))
	known := map[domain.ID]bool{}
	for n := 0; len(facts) > 0; n++ {
		some := facts[:min(len(facts), 1+n%7)]
		fail = append(sqlfile.Steps(), "", "", "", "")[n%8]
		for range 2 {
			err := x.Apply(t.Context(), some)
			if fail == "" && err != nil || fail != "" && !errors.Is(err, failed) {
				t.Fatal(err)
			}
			for _, p := range people {
				same(t, x, p)
			}
			if fail == "" {
				break
			}
			fail = ""
		}
		for _, f := range some {
			for _, s := range []domain.ID{f.Subject, f.Codes.ID("into")} {
				if !s.IsZero() && !known[s] {
					if _, err := x.Person(t.Context(), s); err == nil {
						known[s], people = true, append(people, s)
					}
				}
			}
		}
		facts = facts[len(some):]
	}
	if len(people) < 15 {
		t.Fatalf("%d people: nothing was looked at", len(people))
	}
	gone := people
	people = nil
	if err := x.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Person(t.Context(), gone[0]); !errors.Is(err, index.ErrUnknown) {
		t.Errorf("after a reset: %v", err)
	}
}

// TestPersonIsNeverOlder: readers that ask without end are told, from the moment a batch
// is applied, what it changed, and never again what was before it.
func TestPersonIsNeverOlder(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	l.own(event.ContactCreated, 1)
	var applied atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := applied.Load()
				p, err := l.x.Person(t.Context(), id(byte(1+least/2))) // one that was merged before
				if err != nil || int64(len(p.Contacts)) < least+1 {
					t.Errorf("%d contacts are told of, %d were merged before: %v", len(p.Contacts), least, err)
					return
				}
			}
		})
	}
	for n := byte(2); n < 60; n++ {
		l.say(&event.Fact{Type: event.ContactMerged, Subject: id(n), Codes: event.Codes{}.With("into", id(1).String()), Time: domain.NewTime(time.Date(2026, 1, 1, 0, 0, int(n), 0, time.UTC))})
		applied.Store(int64(n - 1))
	}
	close(stop)
	all.Wait()
}

// TestPersonsAreBounded: however many are asked for, whoever was asked for long ago is
// read again, and is what it was.
func TestPersonsAreBounded(t *testing.T) {
	t.Parallel()
	x := newIndex(t)
	var facts []projections.Fact
	wide := func(n int) domain.ID {
		return domain.DeriveID([]byte{0xAB, byte(n), byte(n >> 8), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	}
	const many = 9000
	for n := range many {
		facts = append(facts, projections.Fact{Position: domain.Position(n), Fact: &event.Fact{ID: domain.DeriveID([]byte{0xEE, byte(n), byte(n >> 8), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), Type: event.ContactCreated, Subject: wide(n)}})
	}
	if err := x.Apply(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	first, err := x.Person(t.Context(), wide(0))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := x.Person(t.Context(), wide(0)); err != nil || again != first {
		t.Errorf("who was asked for a moment ago was read again: %v", err)
	}
	for n := range many {
		if _, err := x.Person(t.Context(), wide(n)); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := x.Person(t.Context(), wide(0)); err != nil || again == first || again.Contacts[0] != first.Contacts[0] {
		t.Errorf("the first of %d is kept still: %v", many, err)
	}
}
