package projections

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
)

// windowBatches is how many decoded batches the feed keeps for the projections
// that are a little behind the first.
const windowBatches = 8

// feed reads the log and decodes each fact once for all followers that are near
// its end; one that is further behind decodes for itself.
type feed struct {
	log   eventstore.Log
	size  int
	turn  chan struct{} // held while the window is read or moved
	facts []Fact        // consecutive; elements are never overwritten, only appended
}

func newFeed(log eventstore.Log, size int) *feed {
	return &feed{log: log, size: size, turn: make(chan struct{}, 1)}
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
	f.facts = append(f.facts, facts...)
	if over := len(f.facts) - windowBatches*f.size; over > 0 {
		f.facts = f.facts[over:]
	}
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
