package verify

import (
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
)

// TestGenerations: what was recorded in one group with an order that came after it
// may be sealed under the key of the class's next generation, as what comes after
// is; that this key exists shows nothing.
func TestGenerations(t *testing.T) {
	t.Parallel()
	who, order := domain.ID{1}, domain.ID{2}
	d := newDestructions()
	for i, f := range []*event.Fact{
		{Type: event.ErasureOrdered, ID: order, Subject: who, Codes: event.Codes{}.With("classes", []string{"notes"})},
		{Type: event.SubjectErased, ID: domain.ID{3}, Subject: who, Codes: event.Codes{}.With("order", order.String())},
	} {
		d.take(domain.Position(10+i), f)
	}
	for _, c := range []struct {
		at        domain.Position
		epoch     string
		part, key state
	}{{9, "2026", gone, gone}, {9, "2026.1", gone, stays}, {10, "2026", stays, stays}, {12, "2026.1", stays, stays}} {
		ref := event.PartRef{Owner: part.SubjectOwner(who), Class: "notes", Epoch: c.epoch}
		if v := d.judge(c.at, &event.Fact{ID: domain.ID{4}, Subject: who}, &ref); v != (verdict{c.part, c.key}) {
			t.Errorf("at %d under %s: %+v", c.at, c.epoch, v)
		}
	}
	if len(d.open) != 0 {
		t.Error("what is certified is kept open")
	}
}
