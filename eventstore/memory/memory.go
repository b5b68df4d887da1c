// Package memory is the fact log's reference: a slice behind a mutex that
// passes storetest, with faults on demand. It is for tests and simulation only.
//
// It promises what eventstore.Log promises as long as the process lives and no
// fault is injected; nothing outlives the process. It overwrites the bytes it
// gave to a Read's fn when fn returns, so that a caller who keeps them is seen.
package memory

import (
	"context"
	"fmt"
	"sync"

	"greffe/domain"
	"greffe/eventstore"
)

// Faults are asked on each call; a nil one never fails. They run under the
// log's lock and must not call the log.
type Faults struct {
	// Lost and Kept are the two halves of an unknown outcome. An error of Lost
	// is returned and nothing is kept; an error of Kept is returned although
	// the facts are. Both are asked only of appends that would succeed.
	Lost, Kept func(base domain.Position, facts [][]byte) error
	// Stop makes a failed append behave as the embedded log's: it and all later
	// ones return ErrFailed, and facts that were kept show only after Reopen.
	// Without it a fault is a remote store's lost answer: kept facts show at once.
	Stop bool
	// Read is asked before the fact at p is given to fn.
	Read func(p domain.Position) error
	// Head is asked by Head and Wait.
	Head func() error
}

// Log is an eventstore.Log in memory.
type Log struct {
	mu     sync.Mutex
	facts  [][]byte // may be longer than head after a stopped, kept append
	head   int
	moved  chan struct{} // closed when head moves or the log closes
	closed bool
	failed bool
	faults Faults
}

var _ eventstore.Log = (*Log)(nil)

// New returns an empty log.
func New() *Log { return &Log{moved: make(chan struct{})} }

// Inject replaces the faults from the next call on. Faults{} heals.
func (l *Log) Inject(f Faults) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = f
}

// Reopen closes l and returns a log of the same facts without faults, as a
// restart of the process would.
func (l *Log) Reopen() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close()
	return &Log{moved: make(chan struct{}), facts: l.facts[:len(l.facts):len(l.facts)], head: len(l.facts)}
}

// Append implements eventstore.Log.
func (l *Log) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	if err := eventstore.CheckSize(facts); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return eventstore.ErrClosed
	case l.failed:
		return eventstore.ErrFailed
	case ctx.Err() != nil:
		return fmt.Errorf("append: not committed: %w", ctx.Err())
	case base != domain.Position(l.head):
		return &eventstore.WrongHeadError{Expected: base, Actual: domain.Position(l.head)}
	case len(facts) == 0:
		return nil
	}
	if err := ask(l.faults.Lost, base, facts); err != nil {
		return l.fail(err)
	}
	for _, f := range facts {
		l.facts = append(l.facts, append([]byte(nil), f...))
	}
	err := ask(l.faults.Kept, base, facts)
	if err != nil && l.faults.Stop {
		return l.fail(err)
	}
	l.head = len(l.facts)
	l.wake()
	return err
}

func ask(fault func(domain.Position, [][]byte) error, base domain.Position, facts [][]byte) error {
	if fault == nil {
		return nil
	}
	return fault(base, facts)
}

func (l *Log) fail(err error) error {
	if !l.faults.Stop {
		return err
	}
	l.failed = true
	return fmt.Errorf("append, outcome unknown: %w: %w", eventstore.ErrFailed, err)
}

func (l *Log) wake() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// Read implements eventstore.Log.
func (l *Log) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	var buf []byte
	if err := l.checkRange(from, to); err != nil {
		return err
	}
	for p := from; p < to; p++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read at %d: %w", p, err)
		}
		fact, err := l.fact(p)
		if err != nil {
			return err
		}
		buf = append(buf[:0], fact...)
		err = fn(p, buf)
		for i := range buf {
			buf[i] = 0xFF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) checkRange(from, to domain.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventstore.ErrClosed
	}
	if from > to || to > domain.Position(l.head) {
		return fmt.Errorf("read [%d, %d): the head is %d", from, to, l.head)
	}
	return nil
}

func (l *Log) fact(p domain.Position) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, eventstore.ErrClosed
	}
	if l.faults.Read != nil {
		if err := l.faults.Read(p); err != nil {
			return nil, err
		}
	}
	return l.facts[p], nil
}

// Head implements eventstore.Log.
func (l *Log) Head(context.Context) (domain.Position, error) {
	head, _, err := l.look()
	return head, err
}

func (l *Log) look() (domain.Position, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, nil, eventstore.ErrClosed
	}
	if l.faults.Head != nil {
		if err := l.faults.Head(); err != nil {
			return 0, nil, err
		}
	}
	return domain.Position(l.head), l.moved, nil
}

// Wait implements eventstore.Log.
func (l *Log) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	for {
		head, moved, err := l.look()
		if err != nil || head > after {
			return head, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Close implements eventstore.Log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close()
	return nil
}

func (l *Log) close() {
	if !l.closed {
		l.closed = true
		l.wake()
	}
}
