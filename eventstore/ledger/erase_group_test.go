package ledger_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// TestOrderInOneGroup: an event and the order that comes right behind it, in one
// transaction: what was recorded before the order is sealed under the keys that
// the order dooms, and needs no key that it forbids.
func TestOrderInOneGroup(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{true, false} {
		w := newMemWorld(t, true)
		go func() { w.gate.open <- struct{}{} }()
		res, err := w.Record(t.Context(), [][]byte{[]byte(created("1", "C-1", "anne@example.net"))})
		if err != nil {
			t.Fatal(err)
		}
		anne := res[0].Subject
		<-w.gate.came
		var wg sync.WaitGroup
		queued := func(send func()) {
			before := w.Waiting()
			wg.Go(send)
			for w.Waiting() == before {
				runtime.Gosched()
			}
		}
		filler := func(i int) func() {
			return func() {
				if _, err := w.Record(t.Context(), [][]byte{[]byte(created(fmt.Sprint("f", i), fmt.Sprint("F-", i), "x@example.net"))}); err != nil {
					t.Error(err)
				}
			}
		}
		wg.Go(filler(0))
		<-w.gate.came // stands in the append; two more groups fill what is before it
		for i := 1; w.Waiting() == 0; i++ {
			wg.Go(filler(i))
			for range 1000 {
				runtime.Gosched()
			}
		}
		last := make([]ledger.Result, 1)
		queued(func() {
			res, err := w.Record(t.Context(), [][]byte{[]byte(upstream("2", "invoice.issued", "C-1", `{"reference":"F-1"}`))})
			if err != nil {
				t.Error(err)
				return
			}
			last = res
		})
		queued(func() {
			e := orderOf(anne)
			if e.Whole = whole; !whole {
				e.Classes = []string{"billing", "identity"}
			}
			if _, err := w.Erase(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
		close(w.gate.open)
		wg.Wait()
		if err := w.Cause(); err != nil || last[0].Status != ledger.Recorded {
			t.Fatalf("whole %v: the ledger stopped: %v, %+v", whole, err, last)
		}
		for _, f := range w.facts() {
			for _, p := range f.Parts {
				if f.Type == event.InvoiceIssued && (p.Owner != part.SubjectOwner(anne) || p.Epoch != "2026" && p.Epoch != "whole") {
					t.Errorf("whole %v: recorded before the order, sealed under %s", whole, p.KeyID())
				}
			}
		}
	}
}
