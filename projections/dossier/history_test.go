package dossier_test

import (
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

// TestHistoryNewestFirst: the history of two merged contacts, of pages of any length, is
// in the one order what it is turned in the other, and so are its consents; what is
// recorded between two pages is on none.
func TestHistoryNewestFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.record("contact.created", "C-1", `{"kind":"client","person":{"given_name":"Anne"}}`).Subject
	other := o.record("contact.created", "C-2", `{"kind":"client","person":{"given_name":"Bob"}}`).Subject
	o.record("contact.merged", "C-2", `{"into":{"source":"s","subject":"C-1"}}`)
	consent := func(contact string) {
		o.record("consent.withdrawn", contact, `{"purpose":"prospecting","channels":["email"],"method":"web_form"}`)
	}
	for i := range 9 {
		consent([]string{"C-1", "C-2", "C-1"}[i%3])
		o.record("contact.changed", "C-2", `{"set":{"person.given_name":"Rob"}}`)
	}
	receipt := o.receipt(s, other)
	for _, l := range []struct {
		name string
		list func(from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error)
		n    int
	}{
		{"history", func(from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error) {
			return o.History(t.Context(), receipt, s, from, newest, limit)
		}, 21},
		{"consents", func(from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error) {
			return o.Consents(t.Context(), receipt, s, from, newest, limit)
		}, 9},
	} {
		old, next, err := l.list(0, false, 1000)
		if err != nil || next != 0 || len(old) != l.n {
			t.Fatalf("%s: %d, next %d, %v", l.name, len(old), next, err)
		}
		for limit := 1; limit < 24; limit++ {
			var got []domain.Position
			for from, pages := domain.Position(0), 0; pages == 0 || from > 0; pages++ {
				items, next, err := l.list(from, true, limit)
				if err != nil || len(items) > limit || pages > 40 {
					t.Fatalf("%s by %d: %d on page %d, %v", l.name, limit, len(items), pages, err)
				}
				for _, it := range items {
					got = append(got, it.Position)
				}
				if from = next; limit == 5 {
					o.record("contact.changed", "C-1", `{"set":{"person.given_name":"Late"}}`)
				}
			}
			want := make([]domain.Position, 0, len(old))
			for _, it := range slices.Backward(old) {
				want = append(want, it.Position)
			}
			if limit > 5 && l.name == "history" { // some came since
				got = slices.DeleteFunc(got, func(p domain.Position) bool { return p > want[0] })
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s by %d: %v, want %v", l.name, limit, got, want)
			}
		}
	}
	if items, _, err := o.History(t.Context(), receipt, s, 0, true, 1); err != nil || items[0].Type != event.ContactChanged || len(items[0].Fields) == 0 {
		t.Errorf("the newest is not opened: %+v, %v", items, err)
	}
	if _, _, err := o.History(t.Context(), access.Receipt{}, s, 0, true, 10); err == nil {
		t.Error("without a receipt the newest are listed")
	}
}
