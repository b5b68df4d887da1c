package projections

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/vault"
)

// follow applies facts to one projection until it cannot go on.
func (r *Runner) follow(ctx context.Context, s *slot) {
	at, ok := r.begin(ctx, s)
	if !ok {
		return
	}
	retry := firstRetry
	defer r.feed.leave(s.p.Name())
	for {
		facts, err := r.feed.take(ctx, s.p.Name(), at)
		if err == nil && len(facts) == 0 {
			r.reads(s) // there may be nothing to apply for long
			_, err = r.log.Wait(ctx, at)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !r.survive(ctx, s, at, err, retry) {
				return
			}
			retry = min(2*retry, lastRetry)
			continue
		}
		if len(facts) > 0 {
			if at, err = r.apply(ctx, s.p, at, facts); ctx.Err() != nil && err != nil {
				return
			}
		}
		if err == nil {
			retry = firstRetry
			r.reads(s)
		}
		r.update(func() { s.state.Checkpoint = at })
		switch {
		case passing(err):
			if !r.survive(ctx, s, at, err, retry) {
				return
			}
			retry = min(2*retry, lastRetry)
		case err != nil:
			r.halt(s, at, err)
			return
		}
	}
}

// reads says that a projection stands still no more.
func (r *Runner) reads(s *slot) {
	r.mu.Lock()
	stalled := s.state.Stalled != nil
	r.mu.Unlock()
	if stalled {
		r.update(func() { s.state.Stalled = nil })
	}
}

// begin learns where a projection stands.
func (r *Runner) begin(ctx context.Context, s *slot) (at domain.Position, ok bool) {
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		at, err := s.p.Checkpoint(ctx)
		switch {
		case err == nil:
			r.update(func() { s.state.Checkpoint, s.state.Stalled = at, nil })
			return at, true
		case ctx.Err() != nil:
			return 0, false
		case !passing(err):
			r.halt(s, at, fmt.Errorf("checkpoint: %w", err))
			return 0, false
		case !r.survive(ctx, s, at, err, retry):
			return 0, false
		}
	}
}

// passing tells the errors of a projection that time may mend.
func passing(err error) bool { return errors.Is(err, ErrNoRoom) || away(err) }

// away tells that a store cannot be reached: the projection's own, or one it reads.
func away(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, vault.ErrUnavailable)
}

// survive decides what an error of the log, or a full disk, means: it is over,
// the projection halts, or it is tried again after a pause (true).
func (r *Runner) survive(ctx context.Context, s *slot, at domain.Position, err error, pause time.Duration) bool {
	var poison *poisonError
	switch {
	case errors.Is(err, eventstore.ErrClosed):
		return false
	case errors.As(err, &poison):
		r.halt(s, poison.at, poison.err)
		return false
	case errors.Is(err, ErrAhead), errors.Is(err, eventstore.ErrCorrupt):
		r.halt(s, at, err)
		return false
	}
	r.update(func() { s.state.Stalled = err })
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Runner) halt(s *slot, at domain.Position, err error) {
	h := &HaltError{Projection: s.state.Name, Position: at, Err: err}
	r.update(func() { s.state.Halted = h })
	if r.OnHalt != nil {
		r.OnHalt(h)
	}
}

// apply returns the checkpoint reached. A batch that fails is tried again fact
// by fact, so that the error is that of the fact at the position returned.
func (r *Runner) apply(ctx context.Context, p Projection, at domain.Position, facts []Fact) (domain.Position, error) {
	err := guarded(ctx, p, facts)
	if err == nil {
		return facts[len(facts)-1].Position + 1, nil
	}
	if ctx.Err() != nil {
		return at, err
	}
	if away(err) {
		return at, err // a batch that was applied all the same is left out when it comes again
	}
	if at, err = p.Checkpoint(ctx); err != nil {
		return facts[0].Position, fmt.Errorf("checkpoint after a failed batch: %w", err)
	}
	for i := range facts {
		if facts[i].Position < at {
			continue
		}
		if err := guarded(ctx, p, facts[i:i+1]); err != nil {
			return facts[i].Position, err
		}
		at = facts[i].Position + 1
	}
	return at, nil
}

// guarded turns a panic into an error that names its kind, not its value.
func guarded(ctx context.Context, p Projection, facts []Fact) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			err = fmt.Errorf("%w: %w", ErrPanic, v)
		default:
			err = fmt.Errorf("%w with a %T", ErrPanic, v)
		}
	}()
	return p.Apply(ctx, facts)
}

// CatchUp applies the facts of [checkpoint, to) to p and returns, for rebuilds
// and verification. to must not be beyond the log's head.
func CatchUp(ctx context.Context, log eventstore.Log, p Projection, to domain.Position, batch int) error {
	if batch <= 0 {
		batch = DefaultBatch
	}
	r := NewRunner(log, batch, p)
	at, err := p.Checkpoint(ctx)
	for err == nil && at < to {
		var facts []Fact
		if facts, err = r.feed.next(ctx, at); err != nil {
			var poison *poisonError
			if errors.As(err, &poison) {
				err = &HaltError{Projection: p.Name(), Position: poison.at, Err: poison.err}
			}
			break
		}
		if len(facts) == 0 {
			return fmt.Errorf("catch up %s to %d: the log ends at %d", p.Name(), to, at)
		}
		facts = facts[:min(len(facts), int(to-at))]
		if at, err = r.apply(ctx, p, at, facts); err != nil {
			err = &HaltError{Projection: p.Name(), Position: at, Err: err}
		}
	}
	if err != nil {
		return fmt.Errorf("catch up %s: %w", p.Name(), err)
	}
	return nil
}
