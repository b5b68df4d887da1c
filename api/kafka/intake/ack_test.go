package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka/intake"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// An offset is committed after the ledger's answer only, whatever the ledger
// does; and the partition goes on once it can.
func TestCommitAfterTheAnswer(t *testing.T) {
	t.Parallel()
	errOdd := errors.New("odd")
	hang := func(ctx context.Context, _ [][]byte) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		before func(context.Context, [][]byte) error
		after  func([][]byte) error
	}{
		"busy":                 {before: func(context.Context, [][]byte) error { return ledger.ErrBusy }},
		"full":                 {before: func(context.Context, [][]byte) error { return ledger.ErrFull }},
		"stopped":              {before: func(context.Context, [][]byte) error { return ledger.ErrStopped }},
		"another error":        {before: func(context.Context, [][]byte) error { return errOdd }},
		"hangs":                {before: hang},
		"unknown, not kept":    {before: func(context.Context, [][]byte) error { return ledger.ErrUnknown }},
		"unknown, but kept":    {after: func([][]byte) error { return ledger.ErrUnknown }},
		"unknown, kept, hangs": {after: func([][]byte) error { return context.DeadlineExceeded }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kfake.SeedTopics(2, "crm"))
			bad := func(raws [][]byte) bool { return bytes.Contains(raws[0], []byte("C-bad")) }
			w.rec.set(func(r *recorder) {
				if c.before != nil {
					r.before = func(ctx context.Context, raws [][]byte) error {
						if bad(raws) {
							return c.before(ctx, raws)
						}
						return nil
					}
				}
				if c.after != nil {
					r.after = func(raws [][]byte) error {
						if bad(raws) {
							return c.after(raws)
						}
						return nil
					}
				}
			})
			w.send("crm", on(0, created("b1", "C-bad-1")), on(0, created("b2", "C-bad-2")), on(1, created("g1", "C-1")))
			m := w.start(crm(), func(t *intake.Tuning) { t.RecordWait = 50 * time.Millisecond })
			w.waitCommitted("crm", 1, 1)
			eventually(t, "three tries", func() bool { return w.rec.calls.Load() > 4 })
			if at := w.committed("crm", 0); at > 0 {
				t.Fatalf("committed %d without an answer", at)
			}
			p := m.State().Partitions
			if p[0].WaitingSince.IsZero() || p[0].LastError == "" || !p[1].WaitingSince.IsZero() || p[0].Position > 0 {
				t.Errorf("%+v", p)
			}
			w.rec.set(func(r *recorder) { r.before, r.after = nil, nil })
			w.waitCommitted("crm", 0, 2)
			if n := w.count(event.ContactCreated); n != 3 {
				t.Errorf("%d facts", n)
			}
			eventually(t, "it no longer waits", func() bool { p := m.State().Partitions[0]; return p.WaitingSince.IsZero() && p.LastError == "" })
		})
	}
}

// If not even the quarantine can take it, the partition waits, and says so.
func TestQuarantineThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(2, "crm"))
	w.rec.set(func(r *recorder) { r.asides = func(context.Context, []ledger.Aside) error { return ledger.ErrInvalid } })
	w.send("crm", on(0, "no json"), on(0, created("e1", "C-1")), on(1, created("e2", "C-2")))
	m := w.start(crm())
	w.waitCommitted("crm", 1, 1)
	eventually(t, "it waits", func() bool { return !m.State().Partitions[0].WaitingSince.IsZero() })
	if w.committed("crm", 0) > 0 {
		t.Error("committed what is nowhere")
	}
	w.rec.set(func(r *recorder) { r.asides = nil })
	w.waitCommitted("crm", 0, 2)
	if got := reasons(w.held()); got != "json_invalid 1" {
		t.Error(got)
	}
}

// Objections do not wait behind what cannot be taken: those of the same batch go
// first, those of the batches behind it are recorded while it waits.
func TestObjectionsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	w.rec.set(func(r *recorder) {
		r.before = func(_ context.Context, raws [][]byte) error {
			for _, raw := range raws {
				if !bytes.Contains(raw, []byte("opposition.registered")) {
					return ledger.ErrFull
				}
			}
			return nil
		}
	})
	var all []kafkago.Message
	for i := range 10 {
		all = append(all, value(created(fmt.Sprintf("e%d", i), fmt.Sprintf("C-%d", i))), value(opposed(fmt.Sprintf("o%d", i), fmt.Sprintf("C-%d", i))))
	}
	w.send("crm", all...)
	w.start(crm(), func(t *intake.Tuning) { t.BatchMessages = 5 }) // 4 batches: one is recorded, two wait, one is in hand
	eventually(t, "objections of the window", func() bool { return w.count(event.OppositionRegistered) == 10 })
	if w.count(event.ContactCreated) != 0 || w.committed("crm", 0) > 0 {
		t.Error("something else went through")
	}
	w.rec.set(func(r *recorder) { r.before = nil })
	w.waitCommitted("crm", 0, 20)
	if w.count(event.OppositionRegistered) != 10 || w.count(event.ContactCreated) != 10 {
		t.Errorf("%d objections, %d contacts", w.count(event.OppositionRegistered), w.count(event.ContactCreated))
	}
}

// While the ledger takes nothing, what is in memory has an end, and so has what
// is asked of it.
func TestBackpressureIsBounded(t *testing.T) { // alone: it measures memory
	w := newWorld(t, kfake.SeedTopics(4, "crm"))
	const n, size = 40, 100 << 10 // 16 MiB in all
	for p := range 4 {
		var all []kafkago.Message
		for i := range n {
			all = append(all, on(p, strings.Replace(created(fmt.Sprintf("e-%d-%d", p, i), "C"), "Anne", strings.Repeat("x", size), 1)))
		}
		w.send("crm", all...)
	}
	w.rec.set(func(r *recorder) { r.before = func(context.Context, [][]byte) error { return ledger.ErrBusy } })
	const window = 2 << 20
	before := heap()
	m := w.start(crm(), func(t *intake.Tuning) { t.Window = window })
	eventually(t, "all four wait, after several tries", func() bool {
		s := m.State()
		waiting := 0
		for i := range s.Partitions {
			if !s.Partitions[i].WaitingSince.IsZero() {
				waiting++
			}
		}
		return waiting == 4 && w.rec.calls.Load() > 40
	})
	if grown := heap() - before; grown > 6*window { // with what one batch of the broker is over a fetch's size
		t.Errorf("%d KiB more of memory for a window of %d MiB", grown>>10, window>>20)
	} else {
		t.Logf("%d KiB more of memory for a window of %d MiB", grown>>10, window>>20)
	}
	if most := w.rec.most.Load(); most > 8 {
		t.Errorf("%d calls at a time for 4 partitions", most)
	}
	goroutines := runtime.NumGoroutine()
	calls := w.rec.calls.Load()
	eventually(t, "more tries", func() bool { return w.rec.calls.Load() > calls+40 })
	if now := runtime.NumGoroutine(); now > goroutines+200 { // other tests run beside
		t.Errorf("%d goroutines, then %d", goroutines, now)
	}
	w.rec.set(func(r *recorder) { r.before = nil })
	for p := range 4 {
		w.waitCommitted("crm", p, n)
	}
	if got := w.count(event.ContactCreated); got != 4*n {
		t.Errorf("%d facts", got)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
