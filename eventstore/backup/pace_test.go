package backup

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

// growing is a log of which only the head is asked.
type growing struct {
	eventstore.Log
	head domain.Position
	err  error
}

func (g *growing) Head(context.Context) (domain.Position, error) { return g.head, g.err }

// TestPace rests four times as long as it worked while the log grows, a second at
// most, and not at all while it does not.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &growing{head: 10}
		p, err := newPace(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range []struct {
			recorded     domain.Position
			worked, rest time.Duration
		}{
			{0, time.Second, 0},
			{1, 50 * time.Millisecond, 200 * time.Millisecond},
			{1, 10 * time.Millisecond, 40 * time.Millisecond},
			{0, 10 * time.Millisecond, 0},
			{2000, time.Minute, time.Second},
		} {
			log.head += c.recorded
			time.Sleep(c.worked)
			start := time.Now()
			if err := p.rest(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != c.rest {
				t.Errorf("%d: rested %s, want %s", i, got, c.rest)
			}
		}
		log.head++
		time.Sleep(time.Millisecond)
		ended, end := context.WithCancel(t.Context())
		end()
		if err := p.rest(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: %v", err)
		}
		log.err = eventstore.ErrClosed
		if err := p.rest(t.Context()); !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("a closed log: %v", err)
		}
	})
}
