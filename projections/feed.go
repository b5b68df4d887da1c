package projections

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
)

// windowBatches is how many decoded batches the feed keeps for the projections
// that are a little behind the first.
const windowBatches = 5

// patience bounds how long the first of the followers waits for the others, so
// that they need not decode for themselves what would leave the window.
const patience = 100 * time.Millisecond

// feed reads the log and decodes each fact once for all followers that are near
// its end; one that is further behind decodes for itself.
type feed struct {
	log   eventstore.Log
	size  int
	turn  chan struct{} // held while the window is read or moved
	facts []Fact        // consecutive; never overwritten: followers hold parts of it

	mu    sync.Mutex
	needs map[string]domain.Position // by follower: what it will ask for next
	moved chan struct{}              // closed and replaced when one of them changes
}

func newFeed(log eventstore.Log, size int) *feed {
	return &feed{log: log, size: size, turn: make(chan struct{}, 1), needs: map[string]domain.Position{}, moved: make(chan struct{})}
}

// take is next for a named follower, of which others know how far it is.
func (f *feed) take(ctx context.Context, who string, from domain.Position) ([]Fact, error) {
	f.note(func() { f.needs[who] = from })
	if err := f.await(ctx, who, from); err != nil {
		return nil, err
	}
	facts, err := f.next(ctx, from)
	f.note(func() { f.needs[who] = from + domain.Position(len(facts)) })
	return facts, err
}

// leave says that the follower asks no more.
func (f *feed) leave(who string) { f.note(func() { delete(f.needs, who) }) }

func (f *feed) note(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.moved)
	f.moved = make(chan struct{})
}

// await waits, up to patience, while reading on from from would push facts out of
// the window that another follower needs next.
func (f *feed) await(ctx context.Context, who string, from domain.Position) error {
	var late <-chan time.Time
	for {
		lo, hi, err := f.leaving(ctx, from)
		if err != nil {
			return err
		}
		f.mu.Lock()
		needed, moved := false, f.moved
		for other, p := range f.needs {
			needed = needed || other != who && p >= lo && p < hi
		}
		f.mu.Unlock()
		if !needed {
			return nil
		}
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-moved:
		case <-late:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leaving is the range that reading a batch from from pushes out of the window;
// empty if from is in it or before it.
func (f *feed) leaving(ctx context.Context, from domain.Position) (lo, hi domain.Position, err error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	defer func() { <-f.turn }()
	n := len(f.facts)
	over := n + f.size - windowBatches*f.size
	if n == 0 || over <= 0 || from <= f.facts[n-1].Position {
		return 0, 0, nil
	}
	lo = f.facts[0].Position
	return lo, lo + domain.Position(over), nil
}

// poisonError is a fact that cannot be decoded.
type poisonError struct {
	at  domain.Position
	err error
}

func (e *poisonError) Error() string { return fmt.Sprintf("fact at %d: %v", e.at, e.err) }
func (e *poisonError) Unwrap() error { return e.err }

// next returns up to size facts from position from, none if the log ends there.
// Facts before a poisonous one come first, without an error.
func (f *feed) next(ctx context.Context, from domain.Position) ([]Fact, error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if n := len(f.facts); n > 0 && from < f.facts[0].Position {
		<-f.turn
		return f.read(ctx, from)
	}
	defer func() { <-f.turn }()
	if n := len(f.facts); n > 0 {
		if i := from - f.facts[0].Position; i < domain.Position(n) {
			to := min(int(i)+f.size, n)
			return f.facts[i:to:to], nil
		}
	}
	facts, err := f.read(ctx, from)
	f.push(facts)
	return facts, err
}

// push moves the window forward over facts.
func (f *feed) push(facts []Fact) {
	if len(facts) == 0 {
		return
	}
	if n := len(f.facts); n > 0 && f.facts[n-1].Position+1 != facts[0].Position {
		f.facts = nil
	}
	keep := f.facts
	if over := len(keep) + len(facts) - windowBatches*f.size; over > 0 {
		keep = keep[min(over, len(keep)):]
	}
	f.facts = slices.Concat(keep, facts) // an array of its own, so that what left the window can go
}

func (f *feed) read(ctx context.Context, from domain.Position) ([]Fact, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	if from > head {
		return nil, fmt.Errorf("%w: next is %d, the head is %d", ErrAhead, from, head)
	}
	to := min(head, from+domain.Position(f.size))
	facts := make([]Fact, 0, to-from)
	err = f.log.Read(ctx, from, to, func(p domain.Position, b []byte) error {
		d, err := event.DecodeFact(b)
		if err != nil {
			return &poisonError{at: p, err: err}
		}
		facts = append(facts, Fact{Position: p, Fact: d})
		return nil
	})
	if len(facts) > 0 {
		return facts, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read from %d: %w", from, err)
	}
	return facts, nil
}
