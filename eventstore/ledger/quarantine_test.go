package ledger_test

import (
	"strings"
	"testing"

	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

func noTime(id, subject string) string {
	return strings.Replace(created(id, subject, "q@example.org"), `"time":"2026-03-02T09:14:07Z",`, "", 1)
}

func (w *world) count(t event.Type) int {
	n := 0
	for _, f := range w.facts() {
		if f.Type == t {
			n++
		}
	}
	return n
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.record(noTime("e1", "C-1"))[0]
	if bad.Status != ledger.Quarantined || bad.Refusal.Code != "time_missing" || bad.Quarantine.IsZero() {
		t.Fatalf("without time: %+v", bad)
	}
	if again := w.record(noTime("e1", "C-1"))[0]; again.Quarantine != bad.Quarantine || w.count(event.IngestQuarantined) != 1 {
		t.Errorf("the same again made another item: %+v", again)
	}
	var fact *event.Fact
	for _, f := range w.facts() {
		if f.ID == bad.Quarantine {
			fact = f
		}
	}
	raw, err := w.Held(t.Context(), fact)
	if err != nil || string(raw) != noTime("e1", "C-1") {
		t.Fatalf("the held input reads %q, %v", raw, err)
	}
	worse := w.record(noTime("e1", "C-2"))[0]
	if worse.Quarantine == bad.Quarantine || w.count(event.IngestReleased) != 1 {
		t.Errorf("another bad body did not replace the first: %+v", worse)
	}
	good := w.record(created("e1", "C-1", "q@example.org"))[0]
	if good.Status != ledger.Recorded || w.count(event.IngestReleased) != 2 {
		t.Errorf("the corrected resend: %+v", good)
	}
	w.close()
	w.open()
	if err := w.Sweep(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if again := w.record(noTime("e1", "C-1"))[0]; again.Status != ledger.Conflict {
		t.Errorf("a bad body under a recorded id: %+v", again)
	}
}

func TestReleasedItemsAreDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.record(noTime("e1", "C-1"))[0]
	w.record(created("e1", "C-1", "q@example.org"))
	if err := w.Sweep(t.Context(), []domainID{bad.Quarantine}); err != nil {
		t.Fatal(err)
	}
	rows, err := w.vault.Keys(t.Context(), []part.Owner{part.QuarantineOwner(bad.Quarantine)})
	if err != nil || !rows[0].Destroyed {
		t.Errorf("the key of a released item is still there: %+v %v", rows, err)
	}
	for _, f := range w.facts() {
		if f.ID == bad.Quarantine {
			if _, err := w.Held(t.Context(), f); err != ledger.ErrNotHeld {
				t.Errorf("a released item opens: %v", err)
			}
		}
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.record(noTime("e1", "C-1"), `{"not":`, "\xff\xfe{}")
	for _, b := range bad {
		if b.Status != ledger.Quarantined {
			t.Fatalf("%+v", b)
		}
	}
	for _, f := range w.facts() {
		if f.Type != event.IngestQuarantined {
			continue
		}
		fixed := created("fixed-"+f.ID.String(), "C-9", "r@example.org")
		res, err := w.Repair(t.Context(), domainID{}, f, []byte(fixed))
		if err != nil || res.Status != ledger.Recorded {
			t.Errorf("repair: %+v %v", res, err)
		}
	}
	if n := w.count(event.IngestReleased); n != 3 {
		t.Errorf("%d items were released, want 3", n)
	}
	again := w.record(`{"not":`)[0]
	if again.Status != ledger.Quarantined || again.Quarantine == bad[1].Quarantine {
		t.Errorf("a closed item's id was used again: %+v", again)
	}
}

// TestProtectiveIsNeverHeld: an objection holds whatever else is wrong with it.
func TestProtectiveIsNeverHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, raw := range map[string]string{
		"clock ahead":     `{"specversion":"1.0","id":"o1","source":"s","type":"opposition.registered","subject":"C-1","time":"2031-01-01T00:00:00Z","data":{"scope":"all"}}`,
		"unknown purpose": `{"specversion":"1.0","id":"o2","source":"s","type":"consent.withdrawn","subject":"C-1","time":"2026-01-01T00:00:00Z","data":{"purpose":"no such"}}`,
		"no data":         `{"specversion":"1.0","id":"o3","source":"s","type":"opposition.registered","subject":"C-1","time":"2026-01-01T00:00:00Z"}`,
		"broken address":  `{"specversion":"1.0","id":"o4","source":"s","type":"opposition.registered","time":"2026-01-01T00:00:00Z","data":{"address":{"phone":"06 12"}}}`,
		"no controller":   `{"specversion":"1.0","id":"o5","source":"s","type":"opposition.registered","controller":"nobody","subject":"C-1","data":{"channels":["pigeon"]}}`,
	} {
		if got := w.record(raw)[0]; got.Status != ledger.Recorded || len(got.Warnings) == 0 && name != "no data" && name != "broken address" {
			t.Errorf("%s: %+v %v", name, got, got.Refusal)
		}
	}
}
