package eraser_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// TestForeseenIsDone: whatever a person is like and whatever is asked, what an order
// writes down is what was foreseen the moment before, and it is refused for a hold only
// if that was foreseen.
func TestForeseenIsDone(t *testing.T) {
	t.Parallel()
	bodies := []struct{ typ, data string }{
		{"invoice.issued", `{"reference":"F-2026-1","issued_at":"2026-01-05T00:00:00Z"}`},
		{"contract.started", `{"reference":"K-1","object":"gas"}`},
		{"contact.changed", `{"set":{"notes":"tall"}}`},
		{"opposition.registered", `{"scope":"all"}`},
	}
	asks := [][]string{nil, {"notes"}, {"identity", "contact_details"}, {"billing"}, {"identity", "contact_details", "notes", "commercial", "billing", "contract", "evidence"}}
	w := newWorld(t)
	w.run()
	for n := range 1 << len(bodies) {
		who := fmt.Sprintf("C-%d", n)
		raws := []string{created(who+"-0", who, fmt.Sprintf("c%d@example.net", n))}
		for i, b := range bodies {
			if n>>i&1 == 1 {
				raws = append(raws, upstream(fmt.Sprintf("%s-%d", who, i+1), b.typ, who, b.data))
			}
		}
		subject := w.record(raws...)[0].Subject
		held := n%5 == 4
		if held {
			if _, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: subject, Codes: event.Codes{}.With("reason", "litigation")}}); err != nil {
				t.Fatal(err)
			}
		}
		r := eraser.Request{Subject: subject, Ground: "art17.1.b", Classes: asks[n%len(asks)]}
		head, _ := w.ledger.Head(t.Context())
		f, err := w.eraser.Foresee(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if after, _ := w.ledger.Head(t.Context()); after != head {
			t.Error("to foresee was written down")
		}
		op, err := w.eraser.Order(t.Context(), r)
		if errors.Is(err, ledger.ErrHeld) != held || held != (len(f.Held) > 0) {
			t.Fatalf("person %d: held %v, foreseen %v, ordered %v", n, held, f.Held, err)
		}
		if held {
			continue
		}
		i := slices.IndexFunc(w.facts(event.ErasureOrdered), func(x *event.Fact) bool { return x.Subject == subject })
		if err != nil || i < 0 {
			t.Fatal(err)
		}
		o := w.facts(event.ErasureOrdered)[i]
		var kept, grounds, until []string
		for _, k := range f.Plan.Kept {
			kept, grounds = append(kept, k.Class), append(grounds, k.Ground)
			if k.Until.IsZero() {
				until = append(until, "open")
			} else {
				until = append(until, domain.FormatTime(k.Until.Time))
			}
		}
		want := fmt.Sprint(f.Plan.Whole, f.Plan.Classes, kept, grounds, until)
		got := fmt.Sprint(o.Codes.Bool("whole"), o.Codes.Strings("classes"), o.Codes.Strings("kept"), o.Codes.Strings("kept_grounds"), o.Codes.Strings("kept_until"))
		if got != want {
			t.Errorf("person %d: ordered\n%s, foreseen\n%s", n, got, want)
		}
		c := w.done(op)
		if objects := n>>3&1 == 1; f.Objects != (objects && c.Whole) {
			t.Errorf("person %d: an objection %v, foreseen %v", n, objects, f.Objects)
		}
		if n == 3 && (f.Parts["billing"] != 1 || f.Parts["contract"] != 1 || f.Parts["commercial"] != 0) {
			t.Errorf("parts %v", f.Parts)
		}
		_, err = w.eraser.Foresee(t.Context(), eraser.Request{Subject: subject})
		if erased := errors.Is(err, ledger.ErrErased); erased != c.Whole {
			t.Errorf("person %d, whole %v, foreseen again: %v", n, c.Whole, err)
		}
	}
	if _, err := w.eraser.Foresee(t.Context(), eraser.Request{Subject: domain.ID{9}}); !errors.Is(err, eraser.ErrUnknown) {
		t.Errorf("of nobody: %v", err)
	}
}
