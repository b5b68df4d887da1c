package projections

import (
	"context"
	"time"
)

// Shared is a projection into a store that several nodes share: one of them
// writes, the others wait until what they were given is in the store.
type Shared struct {
	Projection
	// Mine tells whether this node writes now.
	Mine func() bool
	// Every is how often the others look.
	Every time.Duration
}

// Apply implements Projection.
func (s *Shared) Apply(ctx context.Context, facts []Fact) error {
	if len(facts) == 0 {
		return nil
	}
	last := facts[len(facts)-1].Position
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		if s.Mine() {
			return s.write(ctx, facts)
		}
		at, err := s.Checkpoint(ctx)
		if err != nil || at > last {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// write applies what the store lacks: whoever wrote before may have gone further,
// or less far, than this node was told.
func (s *Shared) write(ctx context.Context, facts []Fact) error {
	at, err := s.Checkpoint(ctx)
	if err != nil {
		return err
	}
	for len(facts) > 0 && facts[0].Position < at {
		facts = facts[1:]
	}
	if len(facts) == 0 {
		return nil
	}
	return s.Projection.Apply(ctx, facts)
}
