package decisions

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/projtest"
)

// TestRecordsReadAsTheyWere, of every fact of a long history.
func TestRecordsReadAsTheyWere(t *testing.T) {
	t.Parallel()
	world, seen := projtest.NewWorld(7, 50), 0
	var want []record
	chunk := []byte{chunkOfFacts}
	for i := range 3000 {
		f := projections.Fact{Position: domain.Position(i * 1000), Fact: world.Next()}
		r, ok := keep(&f)
		if !ok {
			continue
		}
		seen++
		r.fact.Source = sourceID(uint64(i % 5))
		chunk = r.append(chunk)
		r.fact.Fields = r.fields.list()
		want = append(want, r)
	}
	got, tombstone, err := readChunk(nil, chunk, math.MaxInt64)
	if err != nil || tombstone || seen < 500 {
		t.Fatal(err, tombstone, seen)
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(record{})); d != "" {
		t.Error(d)
	}
	t.Logf("%d bytes a fact", len(chunk)/seen)
	half := want[seen/2].position
	if got, _, _ = readChunk(nil, chunk, half); len(got) != seen/2 {
		t.Errorf("%d of %d below the middle", len(got), seen)
	}
}

func FuzzReadChunk(f *testing.F) {
	r := record{position: 3, fact: event.Fact{ID: id(1), Type: event.ContactCreated, Controller: "acme", Codes: codes("kind", "x", "collection.purposes", []string{"a"})}}
	f.Add(r.append([]byte{chunkOfFacts}))
	f.Add([]byte{chunkOfTombstone, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, tombstone, err := readChunk(nil, b, math.MaxInt64); err == nil && tombstone && len(l) == 0 {
			t.Error("a tombstone that says nothing")
		}
	})
}

// TestKnownBelowIsWhatWasKnown: a store that goes on knows below each position
// what one that stopped there knows.
func TestKnownBelowIsWhatWasKnown(t *testing.T) {
	t.Parallel()
	world := projtest.NewWorld(11, 12)
	w, _ := newWorld(t)
	for i := range 400 {
		f := projections.Fact{Position: domain.Position(i + 1), Fact: world.Next()}
		if f.Type == event.ErasureOrdered || f.Type == event.SubjectErased {
			f.Fact = world.Fact(event.InteractionRecorded)
		}
		w.facts = append(w.facts, f)
	}
	if err := w.store.Apply(t.Context(), w.facts[1:]); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{1, 2, 77, 150, 255, 399} {
		stopped, err := Open(filepath.Join(t.TempDir(), "d.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := stopped.Apply(t.Context(), w.facts[:at]); err != nil {
			t.Fatal(err)
		}
		for _, f := range w.facts {
			if f.Subject.IsZero() {
				continue
			}
			now, err := w.store.load(t.Context(), f.Subject, domain.Position(at))
			if err != nil {
				t.Fatal(err)
			}
			then, err := stopped.load(t.Context(), f.Subject, math.MaxInt64)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(then.records, now.records, cmp.AllowUnexported(record{})); d != "" {
				t.Fatalf("below %d: %s", at, d)
			}
		}
		if err := stopped.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// bytesOf are all files of a directory, by name.
func bytesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if out[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func found(t *testing.T, dir string, ids []domain.ID) (n int) {
	t.Helper()
	for _, b := range bytesOf(t, dir) {
		for _, id := range ids {
			if bytes.Contains(b, id[:]) {
				n++
			}
		}
	}
	return n
}

// TestNothingIsLeftOfTheErased but a tombstone, in no file; everybody else stays.
func TestNothingIsLeftOfTheErased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "decisions.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w, d := newWorld(t)
	w.store, d.Store = s, s
	w.facts = nil
	w.tell(t, domain.ID{}, event.PolicyPublished, noon.AddDate(-1, 0, 0), codes("version", int64(1)))
	var hers, his []domain.ID
	for range 150 { // more than one chunk each
		hers = append(hers, w.facts[w.created(t, anna, "person.emails")].ID)
		his = append(his, w.facts[w.created(t, bob, "person.emails")].ID)
	}
	hers = append(hers, w.facts[w.tell(t, anna, event.ContactMerged, noon, codes("into", bob.String()))].ID)
	if found(t, dir, hers) < len(hers) || found(t, dir, his) < len(his) {
		t.Fatal("the search finds nothing")
	}
	if err := s.Gone(t.Context(), anna); !errors.Is(err, ErrHeld) {
		t.Errorf("before the erasure: %v", err)
	}
	if err := s.Gone(t.Context(), id(12345)); err != nil {
		t.Errorf("of nobody: %v", err)
	}
	w.tell(t, anna, event.ErasureOrdered, noon, codes("whole", false))
	if err := s.Gone(t.Context(), anna); !errors.Is(err, ErrHeld) {
		t.Errorf("after the erasure of a class: %v", err)
	}
	order := w.facts[w.tell(t, anna, event.ErasureOrdered, noon, codes("whole", true))].ID
	late := w.facts[w.tell(t, anna, event.SubjectErased, noon, codes("order", order.String()))].ID
	if err := s.Gone(t.Context(), anna); err != nil {
		t.Fatalf("after the erasure: %v", err)
	}
	if n := found(t, dir, append(slices.Clone(hers), late)); n != 0 {
		t.Errorf("%d of her facts are in the files still", n)
	}
	if n := found(t, dir, his); n < len(his) {
		t.Errorf("only %d of his facts are left", n)
	}
	got, err := d.Check(t.Context(), []Check{ask(anna, "email")}, Known{Below: 5, Now: noon})
	if err != nil || got[0].Rule != contactability.PersonErased || got[0].Evidence[0] != order {
		t.Errorf("as known long ago: %v %v", got, err)
	}
}

// TestARestoredErasureErases, though the log lacks its order.
func TestARestoredErasureErases(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	w.created(t, anna)
	w.created(t, bob)
	w.granted(t, bob, "email")
	w.tell(t, anna, event.SubjectErased, noon, codes("restored", true))
	w.tell(t, bob, event.SubjectErased, noon, codes("restored", true, "whole", false))
	got := w.rules(t, d, ask(anna, "email"), ask(bob, "email"))
	if got[0] != contactability.PersonErased || got[1] != contactability.ElectronicConsent {
		t.Error(got)
	}
}
