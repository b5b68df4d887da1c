package projections_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/eventstore"
	"greffe/eventstore/vault"
	"greffe/projections"
)

type coded int

func (coded) Error() string { return "a code of SQLite" }
func (c coded) Code() int   { return int(c) }

func TestNoRoomIsSQLitesFull(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{13: true, 13 | 1<<8: true, 10: false, 11: false} {
		if got := errors.Is(projections.NoRoom(coded(code)), projections.ErrNoRoom); got != want {
			t.Errorf("code %d: no room is %v", code, got)
		}
	}
}

// TestFullDiskIsTriedAgain: a projection whose disk is full stalls, says so, and
// goes on by itself once there is room; it does not halt.
func TestFullDiskIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := filled(t, 5)
		var full atomic.Bool
		full.Store(true)
		l := &list{name: "full", fail: func(f projections.Fact) error {
			if f.Position == 3 && full.Load() {
				return projections.ErrNoRoom
			}
			return nil
		}}
		r := projections.NewRunner(log, 0, l)
		r.OnHalt = func(h *projections.HaltError) { t.Errorf("halted: %v", h) }
		stop := start(t, r)
		time.Sleep(time.Minute) // of the bubble's clock
		states, err := r.States(t.Context())
		if err != nil || !errors.Is(states[0].Stalled, projections.ErrNoRoom) || states[0].Halted != nil || l.seen() != 3 {
			t.Errorf("with a full disk: %+v, %d facts, %v", states[0], l.seen(), err)
		}
		full.Store(false)
		if err := r.WaitFor(t.Context(), 4); err != nil {
			t.Error(err)
		}
		if states, err := r.States(t.Context()); err != nil || states[0].Stalled != nil {
			t.Errorf("with room again: %+v, %v", states[0], err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestStoresAwayAreTriedAgain: a projection that cannot reach its store, the log or the
// vault stalls for as long as that lasts, an hour here, and goes on by itself.
func TestStoresAwayAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, away := range []error{projections.ErrUnavailable, eventstore.ErrUnavailable, vault.ErrUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			log, _ := filled(t, 5)
			var back atomic.Bool
			l := &list{name: "reads stores", fail: func(f projections.Fact) error {
				if f.Position == 3 && !back.Load() {
					return fmt.Errorf("not committed: tokens of events: %w", away)
				}
				return nil
			}}
			r := projections.NewRunner(log, 0, l)
			r.OnHalt = func(h *projections.HaltError) { t.Errorf("halted: %v", h) }
			stop := start(t, r)
			time.Sleep(time.Hour) // of the bubble's clock
			if states, err := r.States(t.Context()); err != nil || !errors.Is(states[0].Stalled, away) {
				t.Errorf("%v: %+v, %v", away, states[0], err)
			}
			back.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := r.WaitFor(ctx, 4); err != nil {
				t.Errorf("%v: not healed within 10 s: %v", away, err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
