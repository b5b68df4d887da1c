package storetest

import (
	"context"
	"errors"
	"sync"

	"greffe/domain"
	"greffe/eventstore"
)

// waiting starts n Waits and gives each outcome.
type outcome struct {
	head domain.Position
	err  error
}

func (h *harness) waiting(c context.Context, n, after int) <-chan outcome {
	out := make(chan outcome, n)
	log := h.log
	var begun sync.WaitGroup
	begun.Add(n)
	for range n {
		go func() {
			begun.Done()
			head, err := log.Wait(c, domain.Position(after))
			out <- outcome{head, err}
		}()
	}
	begun.Wait()
	return out
}

func (h *harness) outcomes(what string, out <-chan outcome) []outcome {
	h.Helper()
	var all []outcome
	h.await(what, func() {
		for range cap(out) {
			all = append(all, <-out)
		}
	})
	return all
}

func waitWakes(h *harness) {
	h.open()
	const waiters = 20
	first, third := h.waiting(ctx(), waiters, 0), h.waiting(ctx(), waiters, 2)
	h.append(0, fact(0, 1))
	for _, o := range h.outcomes("waiters for the first fact", first) {
		if o.err != nil || o.head != 1 {
			h.Errorf("waiting beyond 0: head %d, error %v; want 1", o.head, o.err)
		}
	}
	h.append(1, fact(1, 1))
	select {
	case o := <-third:
		h.Errorf("waiting beyond 2 returned %d, %v with the head at 2", o.head, o.err)
	default:
	}
	h.append(2, fact(2, 1), fact(3, 1))
	for _, o := range h.outcomes("waiters for the third fact", third) {
		if o.err != nil || o.head != 4 {
			h.Errorf("waiting beyond 2: head %d, error %v; want 4", o.head, o.err)
		}
	}
	for _, o := range h.outcomes("a wait for what is there", h.waiting(ctx(), 1, 1)) {
		if o.err != nil || o.head != 4 {
			h.Errorf("waiting beyond 1 with the head at 4: head %d, error %v", o.head, o.err)
		}
	}
}

func waitContext(h *harness) {
	h.open()
	h.append(0, fact(0, 1))
	gone, cancel := context.WithCancel(ctx())
	waiters := h.waiting(gone, 3, 1)
	cancel()
	for _, o := range h.outcomes("waiters whose ctx ended", waiters) {
		if !errors.Is(o.err, context.Canceled) {
			h.Errorf("ctx ended while waiting: %v", o.err)
		}
	}
	for _, o := range h.outcomes("a wait with an ended ctx", h.waiting(gone, 1, 5)) {
		if !errors.Is(o.err, context.Canceled) {
			h.Errorf("ctx ended before waiting: %v", o.err)
		}
	}
}

func waitClose(h *harness) {
	log := h.open()
	h.append(0, fact(0, 1))
	waiters := h.waiting(ctx(), 5, 1)
	if err := log.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	for _, o := range h.outcomes("waiters of a closed log", waiters) {
		if !errors.Is(o.err, eventstore.ErrClosed) {
			h.Errorf("log closed while waiting: %v, want ErrClosed", o.err)
		}
	}
}

func closed(h *harness) {
	log := h.open()
	h.append(0, batch(0, 3, 3)...)
	for range 3 {
		if err := log.Close(); err != nil {
			h.Errorf("close: %v", err)
		}
	}
	nothing := func(domain.Position, []byte) error { return nil }
	calls := map[string]func() error{
		"append":          func() error { return log.Append(ctx(), 3, batch(3, 1, 1)) },
		"append nothing":  func() error { return log.Append(ctx(), 3, nil) },
		"append too late": func() error { return log.Append(ctx(), 0, batch(0, 1, 1)) },
		"read":            func() error { return log.Read(ctx(), 0, 3, nothing) },
		"read nothing":    func() error { return log.Read(ctx(), 0, 0, nothing) },
		"head":            func() error { _, err := log.Head(ctx()); return err },
		"wait":            func() error { _, err := log.Wait(ctx(), 0); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, eventstore.ErrClosed) {
			h.Errorf("%s after close: %v, want ErrClosed", name, err)
		}
	}
	if h.store.Volatile {
		return
	}
	h.open()
	h.holds(batch(0, 3, 3))
}

// closeWhileBusy closes beside a writer and readers: each ends with ErrClosed,
// and what was acked, no more, is there after.
func closeWhileBusy(h *harness) {
	log := h.open()
	h.append(0, fact(0, 10))
	errs := make(chan error, 5)
	enough := make(chan struct{})
	acked := 1
	go func() {
		for {
			if err := log.Append(ctx(), domain.Position(acked), batch(acked, 2, 10)); err != nil {
				errs <- err
				return
			}
			if acked += 2; acked == 41 {
				close(enough)
			}
		}
	}()
	for range cap(errs) - 1 {
		go func() {
			for {
				head, err := log.Head(ctx())
				if err == nil {
					_, err = collect(log, 0, int(head))
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	h.awaitDone("a writer beside readers", enough)
	if err := log.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	h.await("callers of a closed log", func() {
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, eventstore.ErrClosed) {
				h.Errorf("log closed beside a caller: %v, want ErrClosed", err)
			}
		}
	})
	if h.store.Volatile {
		return
	}
	h.open()
	h.holds(batch(0, acked, 10))
}
