package eraser_test

import (
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// TestMergedBesideTheTerm: whoever is merged with a person between the look at its
// terms and the order is not taken along, as that contact's own terms were not judged;
// a person's own wish to be erased takes all of it.
func TestMergedBesideTheTerm(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		term *eraser.Term
		gone int
	}{"term": {&eraser.Term{Automatic: true, Whole: true}, 1}, "wish": {nil, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne.b@example.net"))
			w.change(func() {
				w.beside = func() {
					w.record(upstream("3", "contact.merged", "C-2", `{"into":{"source":"crm/eu","subject":"C-1"}}`))
				}
			})
			op := w.order(eraser.Request{Subject: res[0].Subject, Term: x.term})
			w.reopen()
			w.done(op)
			if got := w.facts(event.ErasureOrdered); len(got) != x.gone {
				t.Errorf("%d contacts were ordered", len(got))
			}
			left := w.record(upstream("4", "contact.changed", "C-2", `{"set":{"person.language":"fr"}}`))
			if erased := left[0].Status == ledger.Erased; erased != (x.gone == 2) {
				t.Errorf("the other contact: %+v", left[0])
			}
		})
	}
}

// TestTermOrdersNameTheRun that they are the work of.
func TestTermOrdersNameTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	run := domain.ID{7, 6: 0x80, 8: 0x80}
	w.done(w.order(eraser.Request{Subject: anne, Term: &eraser.Term{Whole: true, Codes: event.Codes{}.With("run", run.String())}}))
	if o := w.facts(event.ErasureOrdered)[0]; o.Codes.ID("run") != run {
		t.Errorf("order: %+v", o.Codes)
	}
}
