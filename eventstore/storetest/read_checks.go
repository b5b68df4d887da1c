package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"greffe/domain"
)

func readRanges(h *harness) {
	log := h.open()
	var want [][]byte
	for _, n := range []int{1, 5, 2, 4} {
		facts := batch(len(want), n, 11)
		h.append(len(want), facts...)
		want = append(want, facts...)
	}
	for from := range len(want) + 3 {
		for to := range len(want) + 3 {
			if from <= to && to <= len(want) {
				if err := equal(h.read(from, to), want[from:to]); err != nil {
					h.Errorf("read [%d, %d): %v", from, to, err)
				}
				continue
			}
			calls := 0
			err := log.Read(ctx(), domain.Position(from), domain.Position(to), func(domain.Position, []byte) error {
				calls++
				return nil
			})
			if err == nil || calls > 0 {
				h.Errorf("read [%d, %d) with the head at %d: %d calls, error %v", from, to, len(want), calls, err)
			}
		}
	}
}

func fnError(h *harness) {
	log := h.open()
	h.append(0, batch(0, 4, 10)...)
	h.append(4, batch(4, 4, 10)...)
	mine := errors.New("fn's own")
	for at := range 8 {
		calls := 0
		err := log.Read(ctx(), 0, 8, func(p domain.Position, _ []byte) error {
			calls++
			if int(p) >= at {
				return mine
			}
			return nil
		})
		if err != mine { // as it is, not wrapped
			h.Errorf("fn failed at %d: read returned %v", at, err)
		}
		if calls != at+1 {
			h.Errorf("fn failed at %d: called %d times", at, calls)
		}
	}
}

func readContext(h *harness) {
	log := h.open()
	const n = 64
	for i := range n / 4 {
		h.append(i*4, batch(i*4, 4, 10)...)
	}
	gone, cancel := context.WithCancel(ctx())
	cancel()
	read := func(c context.Context, each func()) (int, error) {
		calls := 0
		err := log.Read(c, 0, n, func(domain.Position, []byte) error { calls++; each(); return nil })
		return calls, err
	}
	if _, err := read(gone, func() {}); !errors.Is(err, context.Canceled) {
		h.Errorf("read with an ended ctx: %v", err)
	}
	during, cancel := context.WithCancel(ctx())
	defer cancel()
	calls, err := read(during, cancel)
	if err == nil && calls != n {
		h.Errorf("ctx ended during a read: %d of %d facts and no error", calls, n)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		h.Errorf("ctx ended during a read: %v", err)
	}
	if err := log.Append(gone, n, batch(n, 1, 1)); !errors.Is(err, context.Canceled) {
		h.Errorf("append with an ended ctx: %v", err)
	}
	h.holds(batch(0, n, 10))
}

func appendWithinRead(h *harness) {
	log := h.open()
	h.append(0, batch(0, 10, 10)...)
	next := 10
	var err error
	h.await("appends from within a read", func() {
		err = log.Read(ctx(), 0, 10, func(domain.Position, []byte) error {
			next++
			return log.Append(ctx(), domain.Position(next-1), batch(next-1, 1, 10))
		})
	})
	if err != nil {
		h.Fatalf("append from within a read: %v", err)
	}
	h.holds(batch(0, 20, 10))
}

// batchWhole looks at the head and the last batch while batches are appended.
func batchWhole(h *harness) {
	log := h.open()
	const size, rounds, readers = 7, 80, 2
	var done atomic.Bool
	var looks [readers]int
	faults := make(chan error, readers)
	look := func() error {
		p, err := log.Head(ctx())
		if err != nil || p == 0 {
			return err
		}
		if p%size != 0 {
			return fmt.Errorf("the head %d is inside a batch of %d", p, size)
		}
		got, err := collect(log, int(p)-size, int(p))
		if err != nil {
			return err
		}
		return equal(got, batch(int(p)-size, size, 30))
	}
	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			for !done.Load() {
				looks[r]++
				if err := look(); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	for i := range rounds {
		if err := log.Append(ctx(), domain.Position(i*size), batch(i*size, size, 30)); err != nil {
			h.Errorf("append: %v", err)
			break
		}
	}
	done.Store(true)
	h.await("readers", wg.Wait)
	select {
	case err := <-faults:
		h.Errorf("a reader beside a writer: %v", err)
	default:
	}
	h.holds(batch(0, size*rounds, 30))
}

// followers wait and read, as projections do, while batches are appended.
func followers(h *harness) {
	log := h.open()
	const readers, total = 4, 1200
	faults := make(chan error, readers)
	var wg sync.WaitGroup
	follow := func() error {
		for next := 0; next < total; {
			head, err := log.Wait(ctx(), domain.Position(next))
			if err != nil {
				return fmt.Errorf("wait at %d: %w", next, err)
			}
			err = log.Read(ctx(), domain.Position(next), head, func(p domain.Position, b []byte) error {
				if int(p) != next || !bytes.Equal(b, fact(next, next%50)) {
					return fmt.Errorf("follower at %d got another fact", next)
				}
				next++
				return nil
			})
			if err == nil && next != int(head) {
				err = fmt.Errorf("follower at %d read less than the head %d", next, head)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for range readers {
		wg.Go(func() {
			if err := follow(); err != nil {
				faults <- err
			}
		})
	}
	for next, n := 0, 1; next < total; n = n%9 + 1 {
		facts := make([][]byte, min(n, total-next))
		for i := range facts {
			facts[i] = fact(next+i, (next+i)%50)
		}
		h.append(next, facts...)
		next += len(facts)
	}
	h.await("followers", wg.Wait)
	select {
	case err := <-faults:
		h.Errorf("%v", err)
	default:
	}
}
