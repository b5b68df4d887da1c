package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

// DefaultBatch is how many facts a projection applies in one transaction.
const DefaultBatch = 2000

// Retry delays while the log cannot be read.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Runner follows the log for a set of projections, each in its own goroutine.
type Runner struct {
	// OnHalt, if set before Run, is told of each halt at once, from the
	// projection's goroutine.
	OnHalt func(*HaltError)

	feed  *feed
	log   eventstore.Log
	slots []*slot

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change of a slot
	started bool
	stopped bool
}

// slot is one projection and its state, guarded by Runner.mu.
type slot struct {
	p     Projection
	state State
}

// NewRunner makes a runner that applies at most batch facts in a transaction;
// batch 0 means DefaultBatch. It panics if two projections share a name.
func NewRunner(log eventstore.Log, batch int, ps ...Projection) *Runner {
	if batch <= 0 {
		batch = DefaultBatch
	}
	r := &Runner{feed: newFeed(log, batch), log: log, changed: make(chan struct{})}
	names := map[string]bool{}
	for _, p := range ps {
		if names[p.Name()] {
			panic("projections: two projections are named " + p.Name())
		}
		names[p.Name()] = true
		r.slots = append(r.slots, &slot{p: p, state: State{Name: p.Name()}})
	}
	return r
}

// Run follows the log until ctx ends, the log is closed, or every projection has
// halted. It returns the halts, joined, or nil. All its goroutines have ended
// when it returns. A Runner runs once.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.started {
		r.mu.Unlock()
		return ErrRunning
	}
	r.started = true
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range r.slots {
		wg.Go(func() { r.follow(ctx, s) })
	}
	wg.Wait()
	r.update(func() { r.stopped = true })
	var errs []error
	for _, s := range r.slots {
		if h := s.state.Halted; h != nil {
			errs = append(errs, h)
		}
	}
	return errors.Join(errs...)
}

func (r *Runner) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	close(r.changed)
	r.changed = make(chan struct{})
}

// States reports every projection, in the order given to NewRunner.
func (r *Runner) States(ctx context.Context) ([]State, error) {
	head, err := r.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("states: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]State, len(r.slots))
	for i, s := range r.slots {
		out[i] = s.state
		if head > s.state.Checkpoint {
			out[i].Lag = uint64(head - s.state.Checkpoint)
		}
	}
	return out, nil
}

// Halted is the halt of the named projection, nil while it follows.
func (r *Runner) Halted(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slot(name); s != nil && s.state.Halted != nil {
		return s.state.Halted
	}
	return nil
}

// WaitFor returns nil once the named projections, or all if none is named, have
// applied the fact at position p. It returns a HaltError as soon as one of them
// cannot, ErrStopped after Run ended, or ctx's error.
func (r *Runner) WaitFor(ctx context.Context, p domain.Position, names ...string) error {
	if len(names) == 0 {
		for _, s := range r.slots {
			names = append(names, s.state.Name)
		}
	}
	for _, n := range names {
		if _, err := r.Next(ctx, n, p); err != nil {
			return fmt.Errorf("wait for position %d: %w", p, err)
		}
	}
	return nil
}

// Next returns the named projection's checkpoint as soon as it is greater than
// after, as eventstore.Log's Wait does of the head; subscribers loop over it.
// Errors as for WaitFor.
func (r *Runner) Next(ctx context.Context, name string, after domain.Position) (domain.Position, error) {
	s := r.slot(name)
	if s == nil {
		return 0, fmt.Errorf("%w: %s", ErrUnknownName, name)
	}
	for {
		r.mu.Lock()
		state, stopped, changed := s.state, r.stopped, r.changed
		r.mu.Unlock()
		switch {
		case state.Checkpoint > after:
			return state.Checkpoint, nil
		case state.Halted != nil:
			return 0, state.Halted
		case stopped:
			return 0, ErrStopped
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Applied is the lowest checkpoint of the named projections: everything below it
// is in all of them.
func (r *Runner) Applied(names ...string) (low domain.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := true
	for _, n := range names {
		if s := r.slot(n); s != nil && (first || s.state.Checkpoint < low) {
			low, first = s.state.Checkpoint, false
		}
	}
	return low
}

func (r *Runner) slot(name string) *slot {
	for _, s := range r.slots {
		if s.state.Name == name {
			return s
		}
	}
	return nil
}
