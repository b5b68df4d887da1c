package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

// TestManyCallers: 64 callers send the same 50 ids, half of them with a body of
// their own, and ids that only they send. Each id is recorded once.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	const callers, shared = 64, 50
	w := newWorld(t)
	var counts [3]atomic.Int64
	var places sync.Map
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			raws := many(shared+1, func(i int) string {
				switch {
				case i == shared:
					return visit(fmt.Sprint("own", c), fmt.Sprint("C-", c%7))
				case c%2 == 0:
					return visit(fmt.Sprint("e", i), fmt.Sprint("C-", i%5))
				}
				return visit(fmt.Sprint("e", i), fmt.Sprint("C-other-", c))
			})
			res, err := w.Record(t.Context(), raws)
			if err != nil {
				t.Error(err)
				return
			}
			for i, r := range res {
				switch r.Status {
				case ledger.Recorded:
					counts[0].Add(1)
				case ledger.Duplicate:
					counts[1].Add(1)
				case ledger.Conflict:
					counts[2].Add(1)
				}
				if r.Status == ledger.Conflict || i == shared {
					continue
				}
				if was, known := places.LoadOrStore(i, r.Position); known && was != r.Position {
					t.Errorf("id e%d is answered at %d and at %d", i, was, r.Position)
				}
			}
		})
	}
	wg.Wait()
	if n := counts[0].Load(); n != shared+callers {
		t.Errorf("%d recorded, want %d", n, shared+callers)
	}
	if n := counts[1].Load() + counts[2].Load(); n != callers*shared-shared {
		t.Errorf("%d duplicates and conflicts, want %d", n, callers*shared-shared)
	}
	facts := w.facts()
	places.Range(func(i, at any) bool {
		if f := facts[at.(domain.Position)]; f.Type != event.InteractionRecorded {
			t.Errorf("position %d of e%d holds %s", at, i, f.Type)
		}
		return true
	})
	if n := w.count(event.InteractionRecorded); n != shared+callers {
		t.Errorf("%d facts, want %d", n, shared+callers)
	}
}

// TestOneGroup: what waits behind an append becomes one append.
func TestOneGroup(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, true)
	var wg sync.WaitGroup
	send := func(i int) {
		wg.Go(func() {
			if res, err := w.Record(t.Context(), many(1, func(int) string { return visit(fmt.Sprint("e", i%10), "C-1") })); err != nil || res[0].Status == ledger.Conflict {
				t.Errorf("%v %v", res, err)
			}
		})
	}
	send(0)
	<-w.gate.came
	for i := range 100 {
		send(i)
	}
	close(w.gate.open)
	wg.Wait()
	if n := w.count(event.InteractionRecorded); n != 10 {
		t.Errorf("%d facts, want 10", n)
	}
	if n := len(w.gate.came); n > 11 {
		t.Errorf("%d appends for 100 callers", n)
	}
}

// TestBackpressure fills the queue behind an append that hangs. Nobody more is
// taken, callers may leave, and all that was taken is recorded in the end.
func TestBackpressure(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, true)
	leave, gone := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var refused atomic.Int64
	for c := range 20 {
		ctx := t.Context()
		if c%2 == 0 {
			ctx = leave
		}
		wg.Go(func() {
			res, err := w.Record(ctx, many(1000, func(i int) string { return visit(fmt.Sprintf("e%d-%d", c, i), fmt.Sprint("C-", i)) }))
			switch {
			case c%2 == 0 && errors.Is(err, ledger.ErrBusy): // it left before it was queued
				refused.Add(1000)
			case c%2 == 0 && !errors.Is(err, ledger.ErrUnknown) || c%2 == 1 && err != nil:
				t.Errorf("caller %d: %v", c, err)
			case c%2 == 1 && res[999].Status != ledger.Recorded:
				t.Errorf("caller %d: %+v", c, res[999])
			}
		})
	}
	for !w.Full() {
		runtime.Gosched()
	}
	short, over := context.WithCancel(t.Context())
	over()
	if _, err := w.Record(short, many(1, func(int) string { return visit("late", "C-1") })); !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("a full queue answers %v", err)
	}
	if _, err := w.Write(short, []ledger.Own{{Type: event.ExportProduced}}); !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("a full queue answers a write %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := w.Record(leave, many(1, func(int) string { return visit("late", "C-1") }))
		waiting <- err
	}()
	<-w.gate.came
	gone()
	if err := <-waiting; !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("who left the line got %v", err)
	}
	close(w.gate.open)
	wg.Wait()
	for !w.Idle() { // what the callers left behind is still recorded
		runtime.Gosched()
	}
	if n, want := w.count(event.InteractionRecorded), 20_000-int(refused.Load()); n != want {
		t.Errorf("%d facts, want %d", n, want)
	}
}

// TestFailedWhileFull: when the append fails behind a full queue, everybody gets
// an answer and Close returns.
func TestFailedWhileFull(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, true)
	w.mem.Inject(memory.Faults{Stop: true, Lost: func(domain.Position, [][]byte) error { return errors.New("no disk") }})
	var wg sync.WaitGroup
	for c := range 25 {
		wg.Go(func() {
			_, err := w.Record(t.Context(), many(1000, func(i int) string { return visit(fmt.Sprintf("e%d-%d", c, i), "C-1") }))
			if !errors.Is(err, ledger.ErrUnknown) && !errors.Is(err, ledger.ErrStopped) {
				t.Errorf("caller %d: %v", c, err)
			}
		})
	}
	for !w.Full() {
		runtime.Gosched()
	}
	close(w.gate.open)
	wg.Wait()
	<-w.Failed()
	if !w.Idle() || w.Cause() == nil {
		t.Errorf("room was not given back, or no cause: %v", w.Cause())
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestDiskFull: a full disk records nothing, and says so; with room again the
// same events are recorded.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	raws := many(3, func(i int) string { return created(fmt.Sprint("e", i), "C-1", "a@example.org") })
	w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Err: vault.ErrFull})
	if _, err := w.Record(t.Context(), raws); !errors.Is(err, ledger.ErrFull) {
		t.Fatalf("a full disk answers %v", err)
	}
	if n := len(w.facts()); n != 1 {
		t.Errorf("%d facts, want the policy alone", n)
	}
	res, err := w.Record(t.Context(), raws)
	if err != nil || res[0].Status != ledger.Recorded || w.count(event.ContactCreated) != 3 {
		t.Errorf("with room again: %+v %v", res, err)
	}
}

// TestFullInBetween: once a part is recorded, a full disk no longer means that
// nothing was.
func TestFullInBetween(t *testing.T) {
	t.Parallel()
	w := newMemWorld(t, false)
	raws := many(2500, func(i int) string { return visit(fmt.Sprint("e", i), fmt.Sprint("C-", i)) })
	w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Skip: 2, Err: vault.ErrFull})
	_, err := w.Record(t.Context(), raws)
	if !errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrFull) {
		t.Errorf("half recorded answers %v", err)
	}
	owns := make([]ledger.Own, 1500)
	for i := range owns {
		owns[i].Type = event.ExportProduced
	}
	w.disk.Inject(vmemory.Fault{Op: vmemory.Prepare, Skip: 1, Err: vault.ErrFull})
	if _, err := w.Write(t.Context(), owns); !errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrFull) {
		t.Errorf("one request over two groups, half recorded: %v", err)
	}
	res, err := w.Record(t.Context(), raws)
	if err != nil || res[0].Status != ledger.Duplicate || res[2499].Status != ledger.Recorded || w.count(event.InteractionRecorded) != 2500 {
		t.Errorf("again: %v", err)
	}
}

// TestVaultFails: a vault that fails, having kept the group or not, stops the
// ledger; opened again it holds the event once.
func TestVaultFails(t *testing.T) {
	t.Parallel()
	for _, op := range []vmemory.Op{vmemory.Prepare, vmemory.Intake, vmemory.Links, vmemory.Holds, vmemory.Keys} {
		for _, kept := range []bool{false, true} {
			w := newMemWorld(t, false)
			w.disk.Inject(vmemory.Fault{Op: op, Kept: kept})
			raws := many(1, func(int) string { return created("e1", "C-1", "a@example.org") })
			if _, err := w.Record(t.Context(), raws); !errors.Is(err, ledger.ErrUnknown) {
				t.Errorf("%s, kept %v: %v", op, kept, err)
			}
			<-w.Failed()
			if _, err := w.Record(t.Context(), raws); !errors.Is(err, ledger.ErrStopped) {
				t.Errorf("%s, kept %v, then: %v", op, kept, err)
			}
			w.restart()
			want := ledger.Recorded
			if op == vmemory.Prepare && kept {
				want = ledger.Duplicate
			}
			if res := w.record(string(raws[0])); res[0].Status != want || w.count(event.ContactCreated) != 1 {
				t.Errorf("%s, kept %v, after a restart: %+v", op, kept, res[0])
			}
		}
	}
}
