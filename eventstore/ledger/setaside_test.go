package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

func aside(id, raw string) ledger.Aside {
	return ledger.Aside{Source: "crm/eu", ID: id, Subject: "C-1", Raw: []byte(raw), Refusal: event.Refusal{Code: "mapping_failed"}}
}

func (w *world) setAside(all ...ledger.Aside) []ledger.Result {
	w.t.Helper()
	res, err := w.SetAside(w.t.Context(), all)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

// items are the quarantine facts and how each was closed.
func (w *world) items() (held []*event.Fact, closed map[string]string) {
	closed = map[string]string{}
	for _, f := range w.facts() {
		switch f.Type {
		case event.IngestQuarantined:
			held = append(held, f)
		case event.IngestReleased:
			closed[f.Codes.String("item")] = f.Codes.String("outcome")
		}
	}
	return held, closed
}

func TestSetAsideIsSealedWithItsReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(created("e0", "C-1", "anne@example.org"))
	res := w.setAside(aside("r1", `{"broken":`))
	if res[0].Status != ledger.Quarantined || res[0].ID != "r1" || res[0].Quarantine.IsZero() || res[0].Refusal.Code != "mapping_failed" {
		t.Fatalf("%+v", res[0])
	}
	held, _ := w.items()
	if len(held) != 1 || held[0].Codes.String("reason") != "mapping_failed" || held[0].Source.IsZero() || held[0].Subject.IsZero() {
		t.Fatalf("%+v", held)
	}
	raw, err := w.Held(t.Context(), held[0])
	if err != nil || !bytes.Equal(raw, []byte(`{"broken":`)) {
		t.Errorf("opened %q: %v", raw, err)
	}
}

func TestSetAsideAgainReplacedAndReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.setAside(aside("r1", "x"))[0]
	if again := w.setAside(aside("r1", "x"))[0]; again.Quarantine != first.Quarantine {
		t.Errorf("the same again is item %s, not %s", again.Quarantine, first.Quarantine)
	}
	second := w.setAside(aside("r1", "y"))[0]
	w.record(created("r1", "C-1", "anne@example.org"))
	held, closed := w.items()
	if len(held) != 2 || closed[first.Quarantine.String()] != "replaced" || closed[second.Quarantine.String()] != "recorded" {
		t.Errorf("%d items, closed %v", len(held), closed)
	}
	if late := w.setAside(aside("r1", "z"))[0]; late.Status != ledger.Conflict {
		t.Errorf("after the event was recorded: %+v", late)
	}
}

func TestSetAsideRefusesWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := len(w.facts())
	for name, change := range map[string]func(*ledger.Aside){
		"no source":     func(a *ledger.Aside) { a.Source = "" },
		"no id":         func(a *ledger.Aside) { a.ID = "" },
		"long id":       func(a *ledger.Aside) { a.ID = strings.Repeat("x", 513) },
		"not UTF-8":     func(a *ledger.Aside) { a.Subject = "\xff" },
		"words as code": func(a *ledger.Aside) { a.Refusal.Code = "Jean Martin" },
	} {
		a := aside("r", "x")
		change(&a)
		if _, err := w.SetAside(t.Context(), []ledger.Aside{aside("ok", "x"), a}); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(w.facts()); n != head {
		t.Errorf("%d facts were written for what was refused", n-head)
	}
}

func TestSetAsideInGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []ledger.Aside
	for i := range 2300 {
		all = append(all, aside(fmt.Sprintf("r%d", i), fmt.Sprintf("x%d", i)))
	}
	seen := map[string]bool{}
	for i, r := range w.setAside(all...) {
		if r.Status != ledger.Quarantined || r.ID != all[i].ID {
			t.Fatalf("%d: %+v", i, r)
		}
		seen[r.Quarantine.String()] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d items for %d inputs", len(seen), len(all))
	}
}
