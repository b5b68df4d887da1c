package ledger_test

import (
	"testing"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

func TestRecordOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.record(created("e1", "C-1", "a@example.org"))[0]
	if first.Status != ledger.Recorded || first.Subject.IsZero() || first.Event.IsZero() {
		t.Fatalf("first: %+v", first)
	}
	again := w.record(created("e1", "C-1", "a@example.org"))[0]
	if again.Status != ledger.Duplicate || again.Position != first.Position || again.Event != first.Event || again.Subject != first.Subject {
		t.Errorf("the same again: %+v, want a duplicate at %d", again, first.Position)
	}
	other := w.record(created("e1", "C-1", "b@example.org"))[0]
	if other.Status != ledger.Conflict || other.Refusal == nil || other.Refusal.Code != "id_conflict" {
		t.Errorf("another body under the same id: %+v", other)
	}
	w.close()
	w.open()
	if again := w.record(created("e1", "C-1", "a@example.org"))[0]; again.Status != ledger.Duplicate || again.Position != first.Position {
		t.Errorf("after reopening: %+v", again)
	}
	n := 0
	for _, f := range w.facts() {
		if f.Type == event.ContactCreated {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d contacts were recorded", n)
	}
}
