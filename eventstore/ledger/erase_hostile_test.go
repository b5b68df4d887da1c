package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// crowded is an erasure of n persons whose orders are long: everything is kept.
func crowded(n int) ledger.Erasure {
	var classes []string // of a policy that has many
	for i := range 20 {
		classes = append(classes, "class_"+string(rune('a'+i)))
	}
	grounds, until := slices.Repeat([]string{"art17.3.b"}, len(classes)), slices.Repeat([]string{"2037-01-01T00:00:00Z"}, len(classes))
	e := ledger.Erasure{Whole: true, Codes: event.Codes{}.With("ground", "art17.1.b").With("classes", classes).With("kept", classes).
		With("kept_grounds", grounds).With("kept_until", until).With("whole", true)}
	for i := range n {
		e.Orders = append(e.Orders, ledger.SubjectOrder{ID: domain.ID{0xee, byte(i), byte(i >> 8), 6: 0x40, 8: 0x80}, Subject: domain.ID{0xdd, byte(i), byte(i >> 8), 6: 0x40, 8: 0x80}})
	}
	return e
}

// TestOrdersThatDoNotFit: an erasure of more persons than one append takes is
// refused, or goes in parts of one operation; it does not stop the ledger.
func TestOrdersThatDoNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := crowded(1000)
	if _, err := w.Erase(t.Context(), all); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("1,000 long orders: %v", err)
	}
	if w.record(created("1", "C-1", "anne@example.net"))[0].Status != ledger.Recorded {
		t.Fatal("the ledger stopped")
	}
	fits := all.Fits()
	if fits < 200 || fits >= 1000 {
		t.Fatalf("%d fit", fits)
	}
	rest := all.Orders
	for len(rest) > 0 {
		all.Orders = rest[:min(fits, len(rest))]
		rest = rest[len(all.Orders):]
		if _, err := w.Erase(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		all.Operation = domain.ID{0xee, 6: 0x40, 8: 0x80}
	}
	if n := w.count(event.ErasureOrdered); n != 1000 {
		t.Errorf("%d orders", n)
	}
	for _, f := range w.facts() {
		if f.Type == event.ErasureOrdered && f.Codes.ID("operation") != all.Operation {
			t.Fatalf("order %s is of operation %s", f.ID, f.Codes.ID("operation"))
		}
	}
}

// TestMergedIntoTheErased: a command that merges with somebody who was erased
// meanwhile is refused, whichever of the two it is.
func TestMergedIntoTheErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "bob@example.net"))
	w.order(res[0].Subject)
	for _, pair := range [][2]domain.ID{{res[0].Subject, res[1].Subject}, {res[1].Subject, res[0].Subject}} {
		own := ledger.Own{Type: event.ContactMerged, Subject: pair[0], Codes: event.Codes{}.With("into", pair[1].String())}
		if _, err := w.Write(t.Context(), []ledger.Own{own}); !errors.Is(err, ledger.ErrErased) {
			t.Errorf("%v", err)
		}
	}
}

// TestWordsAfterErasure: an objection for an address of somebody erased is
// recorded; what it says about the person goes nowhere under the person's name.
func TestWordsAfterErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.erase(anne)
	res := w.record(upstream("2", "opposition.registered", "C-1",
		`{"scope":"all","address":{"email":"anne@example.net"},"reason":"never again","detail":"words","person":{"given_name":"Anne"},"notes":"call her"}`),
		upstream("3", "opposition.registered", "C-1", `{"scope":"all","reason":"never again"}`))
	if res[0].Status != ledger.Recorded || !res[0].Subject.IsZero() || res[1].Status != ledger.Erased {
		t.Fatalf("%+v", res)
	}
	for _, f := range w.facts() {
		if f.ID != res[0].Event {
			continue
		}
		for _, p := range f.Parts {
			if p.Owner.Kind != part.Ledger {
				t.Errorf("a part of %s under %s", p.Class, p.Owner)
			}
		}
	}
}

// TestWordsOfOneGroup: an order and what still comes about the person in the same
// group; contested and acknowledged in turns leave one word.
func TestWordsOfOneGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.erase(anne)
	change, gone := `contact.changed|{"set":{"notes":"x"}}`, `contact.deleted|{}`
	var raws []string
	for i, x := range []string{change, change, gone, change, gone, gone, change} {
		typ, data, _ := strings.Cut(x, "|")
		raws = append(raws, upstream("g"+string(rune('a'+i)), typ, "C-1", data))
	}
	for _, r := range w.record(raws...) {
		if r.Status != ledger.Erased {
			t.Errorf("%+v", r)
		}
	}
	var said []event.Type
	for _, f := range w.facts() {
		if f.Type == event.ErasureContested || f.Type == event.NotificationTaken {
			said = append(said, f.Type)
		}
	}
	want := []event.Type{event.ErasureContested, event.NotificationTaken, event.ErasureContested, event.NotificationTaken, event.ErasureContested}
	if !slices.Equal(said, want) {
		t.Errorf("%v", said)
	}
	w.record(upstream("later", "contact.changed", "C-1", `{"set":{"notes":"y"}}`))
	if w.count(event.ErasureContested) != 3 {
		t.Error("the same word twice")
	}
}
