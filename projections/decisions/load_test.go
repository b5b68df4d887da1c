package decisions

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

// TestLoadAll reads many at once: of each what is read of it alone, in their
// order, whoever among them is unknown, repeated or too large.
func TestLoadAll(t *testing.T) {
	t.Parallel()
	w, _ := newWorld(t)
	const large = 5
	for n := range loadedTogether + 40 {
		many := 1 + n%4
		if n == large {
			many = maxRecords + 1
		}
		facts := make([]projections.Fact, many)
		for i := range facts {
			facts[i] = projections.Fact{Position: domain.Position(len(w.facts)), Fact: &event.Fact{ID: id(len(w.facts)), Type: event.ContactChanged, Subject: id(n),
				Time: domain.NewTime(noon.Add(time.Duration(i) * time.Second)), Recorded: domain.NewTime(noon)}}
			w.facts = append(w.facts, facts[i])
		}
		if err := w.store.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	var asked []domain.ID
	for n := range loadedTogether + 60 {
		asked = append(asked, id(n))
	}
	asked = append(asked, id(large), id(7), id(7))
	got, err := w.store.loadAll(t.Context(), asked, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range asked {
		alone, err := w.store.load(t.Context(), s, math.MaxInt64)
		if s == id(large) {
			if !errors.Is(err, errLarge) || !got[i].large || got[i].records != nil {
				t.Errorf("the large one at %d: %v, %v", i, err, got[i].large)
			}
			continue
		}
		same := func(a, b record) bool { return a.position == b.position && a.fact.ID == b.fact.ID }
		if err != nil || got[i].subject != s || got[i].last != alone.last || !slices.EqualFunc(got[i].records, alone.records, same) {
			t.Errorf("%d: %d records, alone %d; %v", i, len(got[i].records), len(alone.records), err)
		}
	}
}
