package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

// harness is one check's place and its one open log.
type harness struct {
	TB
	store    Store
	patience time.Duration
	log      eventstore.Log
}

func ctx() context.Context { return context.Background() }

// open closes the log that is open and opens the place again.
func (h *harness) open() eventstore.Log {
	h.Helper()
	if h.log != nil {
		if err := h.log.Close(); err != nil {
			h.Fatalf("close before opening again: %v", err)
		}
	}
	log, err := h.store.Open()
	if err != nil {
		h.Fatalf("open: %v", err)
	}
	h.log = log
	return log
}

func (h *harness) release() {
	if h.log != nil {
		_ = h.log.Close()
	}
}

func (h *harness) append(base int, facts ...[]byte) {
	h.Helper()
	if err := h.log.Append(ctx(), domain.Position(base), facts); err != nil {
		h.Fatalf("append of %d facts at %d: %v", len(facts), base, err)
	}
}

func (h *harness) head() int {
	h.Helper()
	p, err := h.log.Head(ctx())
	if err != nil {
		h.Fatalf("head: %v", err)
	}
	return int(p)
}

// read copies the facts of [from, to) and checks their positions.
func (h *harness) read(from, to int) [][]byte {
	h.Helper()
	got, err := collect(h.log, from, to)
	if err != nil {
		h.Fatalf("read [%d, %d): %v", from, to, err)
	}
	return got
}

// holds checks that the log is exactly want.
func (h *harness) holds(want [][]byte) {
	h.Helper()
	if n := h.head(); n != len(want) {
		h.Fatalf("head is %d, want %d", n, len(want))
	}
	if err := equal(h.read(0, len(want)), want); err != nil {
		h.Fatalf("log differs: %v", err)
	}
}

var errPositions = errors.New("positions are not dense and in order")

func collect(log eventstore.Log, from, to int) ([][]byte, error) {
	var got [][]byte
	err := log.Read(ctx(), domain.Position(from), domain.Position(to), func(p domain.Position, b []byte) error {
		if int(p) != from+len(got) {
			return errPositions
		}
		got = append(got, bytes.Clone(b))
		return nil
	})
	if err == nil && len(got) != to-from {
		err = errors.New("short read without an error")
	}
	return got, err
}

func equal(got, want [][]byte) error {
	if len(got) != len(want) {
		return errors.New("another number of facts")
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			return errors.New("fact " + domain.Position(i).String() + " has other bytes")
		}
	}
	return nil
}

// await runs f and fails if it takes longer than patience.
func (h *harness) await(what string, f func()) {
	h.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	h.awaitDone(what, done)
}

func (h *harness) awaitDone(what string, done <-chan struct{}) {
	h.Helper()
	timer := time.NewTimer(h.patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		h.Fatalf("%s: not done in time", what)
	}
}

// fact is content for position p that differs from its neighbours': the
// position in 8 bytes, then n pseudo-random ones.
func fact(p, n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(p), 7))
	b := binary.BigEndian.AppendUint64(make([]byte, 0, n+16), uint64(p))
	for len(b) < 8+n {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:8+n]
}

// batch is the facts of [from, from+n), each of 8+size bytes.
func batch(from, n, size int) [][]byte {
	facts := make([][]byte, n)
	for i := range facts {
		facts[i] = fact(from+i, size)
	}
	return facts
}
