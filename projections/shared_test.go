package projections_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/projections"
)

// TestSharedIsWrittenByOne: of two nodes that follow one log into one store, the
// one whose turn it is writes each fact once; the other sees it there, and goes on
// with it when the turn is its own.
func TestSharedIsWrittenByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, w := filled(t, 5)
		at := domain.Position(5)
		add := func(n int) {
			if err := log.Append(t.Context(), at, w.Bytes(n)); err != nil {
				t.Fatal(err)
			}
			at += domain.Position(n)
		}
		store := &list{name: "store"}
		var turn atomic.Int32
		var stops []func() error
		var nodes []*projections.Runner
		for i := range 2 {
			r := projections.NewRunner(log, 2, &projections.Shared{Projection: store, Every: time.Second, Mine: func() bool { return int(turn.Load()) == i }})
			nodes, stops = append(nodes, r), append(stops, start(t, r))
		}
		for _, r := range nodes {
			if err := r.WaitFor(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
		}
		turn.Store(1)
		add(5)
		for _, r := range nodes {
			if err := r.WaitFor(t.Context(), 9); err != nil {
				t.Fatal(err)
			}
		}
		if n := store.seen(); n != 10 {
			t.Errorf("10 facts were applied %d times", n)
		}
		turn.Store(7) // nobody's
		add(1)
		wait, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := nodes[0].WaitFor(wait, 10); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody writes, and the fact is said to be there: %v", err)
		}
		for _, stop := range stops {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestUnavailableIsTriedAgain: a projection whose store, or the vault it reads,
// cannot be reached stalls and goes on by itself; also when it is so at the start.
func TestUnavailableIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := filled(t, 5)
		var away atomic.Bool
		away.Store(true)
		l := &list{name: "away", fail: func(projections.Fact) error {
			if away.Load() {
				return projections.ErrUnavailable
			}
			return nil
		}}
		r := projections.NewRunner(log, 0, l)
		r.OnHalt = func(h *projections.HaltError) { t.Errorf("halted: %v", h) }
		stop := start(t, r)
		time.Sleep(time.Minute) // of the bubble's clock
		if states, err := r.States(t.Context()); err != nil || !errors.Is(states[0].Stalled, projections.ErrUnavailable) {
			t.Errorf("while the store is away: %+v, %v", states, err)
		}
		away.Store(false)
		if err := r.WaitFor(t.Context(), 4); err != nil {
			t.Error(err)
		}
		if n := r.Applied("away"); n != 5 {
			t.Errorf("applied up to %d", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// late is a list whose store is away at first.
type late struct {
	list
	looked atomic.Int32
}

func (l *late) Checkpoint(ctx context.Context) (domain.Position, error) {
	if l.looked.Add(1) < 4 {
		return 0, projections.ErrUnavailable
	}
	return l.list.Checkpoint(ctx)
}

func TestAwayAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := filled(t, 5)
		r := projections.NewRunner(log, 0, &late{list: list{name: "late"}})
		stop := start(t, r)
		if err := r.WaitFor(t.Context(), 4); err != nil {
			t.Error(err)
		}
		if states, err := r.States(t.Context()); err != nil || states[0].Stalled != nil {
			t.Errorf("%+v, %v", states, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
