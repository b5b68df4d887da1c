// Package projections turns the log into read models. A Runner follows the fact
// log and hands decoded facts, in order and without gaps, to Projections; each
// keeps its own store and its own checkpoint.
//
// Promises:
//   - A projection's content is a function of the facts below its checkpoint,
//     whatever the batching, the restarts and the repetitions (craft I8).
//   - Nothing is skipped: a fact that a projection cannot take in, or a panic,
//     halts that projection at the fact's position with the reason; the facts
//     before it are applied, the other projections go on (craft I9).
//   - Views hold no personal data in clear: ids, codes, tokens, times only.
//
// Assumed: a projection is followed by one Runner at a time, and the log is the
// one it was built from. A crash leaves each batch applied with its checkpoint
// or not at all; the next Run goes on from the checkpoint.
package projections

import (
	"context"
	"errors"
	"fmt"
	"io"

	"greffe/domain"
	"greffe/domain/event"
)

var (
	// ErrGap: the facts given do not follow on the checkpoint. Not committed.
	ErrGap = errors.New("the facts do not follow on the projection's checkpoint")
	// ErrAhead: the projection has seen more facts than the log holds; the log
	// was rolled back, or is another one.
	ErrAhead = errors.New("the projection is ahead of the log")
	// ErrPanic: a projection panicked while it applied a fact.
	ErrPanic = errors.New("the projection panicked")
	// ErrNoRoom: the disk is full. Not committed; the runner tries again.
	ErrNoRoom = errors.New("the disk has no room for the projection")
	// ErrUnavailable: the projection's store cannot be reached. What was being
	// applied is applied whole or not at all; the runner tries again.
	ErrUnavailable = errors.New("the projection's store cannot be reached")
	// ErrUnknownName: the runner has no projection of this name.
	ErrUnknownName = errors.New("no such projection")
	// ErrStopped: the runner no longer follows the log.
	ErrStopped = errors.New("the runner is stopped")
	// ErrRunning: Run was called twice.
	ErrRunning = errors.New("the runner was started already")
)

// Fact is a decoded fact at its position. It is shared between projections,
// which must not change it.
type Fact struct {
	Position domain.Position
	*event.Fact
}

// Projection is one read model. Apply is called from one goroutine at a time;
// its queries may run beside it.
type Projection interface {
	// Name is short, stable and unique in a runner.
	Name() string
	// Checkpoint is the position of the next fact to apply; 0 for a new store.
	Checkpoint(ctx context.Context) (domain.Position, error)
	// Apply takes consecutive facts in one transaction together with the new
	// checkpoint. Facts below the checkpoint are ignored; a first fact above it
	// is ErrGap. After an error the batch is applied whole or not at all, and
	// Checkpoint tells which.
	Apply(ctx context.Context, facts []Fact) error
	// Reset empties the store and sets the checkpoint to 0.
	Reset(ctx context.Context) error
	// Dump writes the content in a canonical text form: equal contents give
	// equal bytes, whatever way led to them.
	Dump(ctx context.Context, w io.Writer) error
}

// HaltError says where and why a projection stopped.
type HaltError struct {
	Projection string
	Position   domain.Position // of the first fact that is not applied
	Err        error
}

func (e *HaltError) Error() string {
	return fmt.Sprintf("projection %s halted at position %d: %v", e.Projection, e.Position, e.Err)
}

// Unwrap gives the reason.
func (e *HaltError) Unwrap() error { return e.Err }

// State is what a runner knows of one projection.
type State struct {
	Name       string
	Checkpoint domain.Position // next fact to apply
	Lag        uint64          // facts in the log that are not applied
	Halted     *HaltError      // nil unless it stopped for good
	Stalled    error           // the log's last answer while it cannot be read; nil once it can
}

// NoRoom marks an error of SQLite as ErrNoRoom if it says that the disk is full,
// and returns any other as it is.
func NoRoom(err error) error {
	const sqliteFull = 13
	var e interface{ Code() int }
	if errors.As(err, &e) && e.Code()&0xff == sqliteFull {
		return errors.Join(ErrNoRoom, err)
	}
	return err
}

// Fresh returns the facts at and above checkpoint, or ErrGap if the first of
// them is not at checkpoint or they are not consecutive.
func Fresh(checkpoint domain.Position, facts []Fact) ([]Fact, error) {
	for i := 1; i < len(facts); i++ {
		if facts[i].Position != facts[i-1].Position+1 {
			return nil, fmt.Errorf("%w: %d after %d", ErrGap, facts[i].Position, facts[i-1].Position)
		}
	}
	for len(facts) > 0 && facts[0].Position < checkpoint {
		facts = facts[1:]
	}
	if len(facts) > 0 && facts[0].Position != checkpoint {
		return nil, fmt.Errorf("%w: %d where %d is next", ErrGap, facts[0].Position, checkpoint)
	}
	return facts, nil
}
