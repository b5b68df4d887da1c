package audittest

import (
	"testing"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/projtest"
)

// checkNewest pages from the newest row to the first while facts arrive: of what there
// was when the first page was asked for no row is missed or doubled, and nothing that
// came later is among them.
func checkNewest(t *testing.T, open Open, w *projtest.World, m *model) {
	d, had := open(t, w), size/3
	if err := d.Apply(t.Context(), m.facts[:had]); err != nil {
		t.Fatalf("apply: %v", err)
	}
	at := had
	arrive := func() {
		t.Helper()
		next := min(at+170, len(m.facts))
		if next == at {
			return
		}
		if err := d.Apply(t.Context(), m.facts[at:next]); err != nil {
			t.Fatalf("apply: %v", err)
		}
		at = next
	}
	first := model{facts: m.facts[:had], opener: w}

	f := audit.Filter{Newest: true, Limit: 130}
	var events []audit.Event
	for {
		page := gather(t, d.Events(t.Context(), f))
		if events = append(events, page...); len(page) < f.Limit {
			break
		}
		f.Before = page[len(page)-1].Position
		arrive()
	}
	same(t, "events, the newest first", events, first.events(audit.Filter{Newest: true}))

	known := model{facts: m.facts[:at], opener: w}
	a := audit.AccessFilter{Newest: true, Limit: 7, Before: domain.Position(at)}
	var accesses []audit.Access
	for {
		page := gather(t, d.Accesses(t.Context(), a))
		if accesses = append(accesses, page...); len(page) < a.Limit {
			break
		}
		a.Before = page[len(page)-1].Position
		arrive()
	}
	want := known.accesses(audit.AccessFilter{Newest: true})
	if len(want) < 10*a.Limit || at < size {
		t.Fatalf("%d accesses, %d facts in the end: the check says little", len(want), at)
	}
	same(t, "accesses, the newest first", accesses, want)
}
