package opposition_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/opposition"
	"greffe/projections/projtest"
)

func openTown(t testing.TB, w *town, path string) *opposition.List {
	l, err := opposition.Open(path, w, w, peppers, opposition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestObjectionsOutliveEverything: with objections, lists, lifts, acts, merges and
// erasures in any order, an address is bound at each moment by exactly the
// entries that must bind it; and a list that is built anew after the vault's
// destructions is the same.
func TestObjectionsOutliveEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	carried, runs := 0, 0
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		runs++
		w := newTown()
		at := filepath.Join(dir, "live.db")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(at + suffix)
		}
		live := openTown(outer, w, at)
		defer live.Close()
		applied := 0
		var underway []*erasure
		w.contact(event.ContactCreated, id('p', 1), 0, 1)
		w.object(id('p', 1), false)
		// Somebody whom no step meets, so that each run sees an objection outlive its person.
		apart := id('p', 5)
		w.contact(event.ContactCreated, apart, rapid.IntRange(0, addresses-1).Draw(t, "address apart"))
		w.object(apart, false)
		underway = append(underway, w.erase(apart, true))
		for range rapid.IntRange(5, 16).Draw(t, "steps") {
			underway = step(t, w, underway)
			// What is erased must be staged and applied before the vault destroys.
			if len(underway) > 0 || rapid.Bool().Draw(t, "apply") {
				w.apply(outer, live, applied, len(w.facts))
				applied = len(w.facts)
				w.check(t, live)
			}
		}
		for _, x := range underway {
			for more := true; more; {
				w.apply(outer, live, applied, len(w.facts))
				applied = len(w.facts)
				more = x.next()
			}
		}
		w.apply(outer, live, applied, len(w.facts))
		w.check(t, live)
		carried += w.carried
		want := projtest.Dump(outer, live)
		if err := live.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.apply(outer, live, 0, len(w.facts))
		if got := projtest.Dump(outer, live); !bytes.Equal(got, want) {
			t.Fatalf("a rebuild differs:\n%s\nwant\n%s", got, want)
		}
		for s := range w.erased {
			if err := live.Gone(t.Context(), s); err != nil {
				t.Fatalf("of somebody erased: %v", err)
			}
		}
	})
	if carried < runs {
		t.Errorf("%d objections in %d runs outlived an erasure, want one in each at least", carried, runs)
	}
}

func step(t *rapid.T, w *town, underway []*erasure) []*erasure {
	who := id('p', rapid.IntRange(1, 4).Draw(t, "who"))
	n := rapid.IntRange(0, addresses-1).Draw(t, "address")
	if len(underway) > 0 && rapid.IntRange(0, 2).Draw(t, "go on") > 0 {
		if !underway[0].next() {
			return underway[1:]
		}
		return underway
	}
	closed := w.erased[who]
	for _, x := range underway { // the ledger takes nothing about a person between order and destruction
		for _, s := range x.people {
			closed = closed || s == who
		}
	}
	switch kind := rapid.IntRange(0, 11).Draw(t, "kind"); {
	case kind == 0:
		w.objectAddress(n)
	case kind == 1:
		w.list(rapid.SampledFrom([]string{"clear", "sha256", "md5"}).Draw(t, "form"), n, (n+1)%addresses)
	case kind == 2 && len(w.entries) > 0:
		e := rapid.SampledFrom(w.entries).Draw(t, "entry")
		if e.listed {
			w.liftOne(e, n, rapid.SampledFrom([]string{"clear", "sha256", "md5"}).Draw(t, "known as"))
		} else {
			w.lift(e)
		}
	case closed:
	case kind == 3, kind == 4:
		w.object(who, kind == 3)
	case kind == 5:
		w.add(event.ConsentGranted, who, w.now(), event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email"}).
			With("evidence", "proven").With("method", "web_form"))
	case kind == 6, kind == 7:
		other := id('p', rapid.IntRange(1, 4).Draw(t, "other"))
		busy := w.erased[other]
		for _, x := range underway {
			for _, s := range x.people {
				busy = busy || s == other
			}
		}
		if other != who && !busy {
			w.merge(who, other, kind == 6 || rapid.Bool().Draw(t, "again"), w.now().Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "late"))*time.Minute))
		}
	case kind >= 10 && len(underway) == 0:
		return append(underway, w.erase(who, rapid.IntRange(0, 3).Draw(t, "partial") > 0))
	default:
		w.contact(event.ContactCreated, who, n)
	}
	return underway
}

func TestGone(t *testing.T) {
	t.Parallel()
	w := newTown()
	l := openTown(t, w, filepath.Join(t.TempDir(), "opposition.db"))
	defer l.Close()
	anna := id('p', 1)
	w.contact(event.ContactCreated, anna, 1)
	w.object(anna, false)
	x := w.erase(anna, true)
	w.apply(t, l, 0, len(w.facts))
	if err := l.Gone(t.Context(), anna); err == nil {
		t.Error("an objector who is ordered only is said to be gone")
	}
	if got, err := l.BySubject(t.Context(), anna); err != nil || got.Erased == nil || got.Erased.Event != x.orders[0] {
		t.Errorf("of somebody being erased: %+v, %v", got, err)
	}
	from := len(w.facts)
	x.next()
	w.apply(t, l, from, len(w.facts))
	if err := l.Gone(t.Context(), anna); err != nil {
		t.Errorf("staged: %v", err)
	}
	if err := l.Gone(t.Context(), domain.ID{9}); err != nil {
		t.Errorf("of nobody: %v", err)
	}
}
