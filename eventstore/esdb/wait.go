package esdb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

// pollEvery is how often the head is asked for while somebody waits. Appends
// and Heads of this Log wake waiters at once; this is for other nodes' appends.
const pollEvery = 50 * time.Millisecond

// wake is closed when the head moves, the log closes, or asking failed.
type wake struct {
	moved chan struct{}
	err   error // set before moved is closed
}

func newWake() *wake { return &wake{moved: make(chan struct{})} }

// wakeAll is called with mu held.
func (l *Log) wakeAll(err error) {
	l.wake.err = err
	close(l.wake.moved)
	l.wake = newWake()
}

// Wait implements eventstore.Log by asking for the head, bounded to one
// question at a time for all who wait.
func (l *Log) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	joined := false
	defer func() {
		if joined {
			l.mu.Lock()
			l.waiters--
			l.mu.Unlock()
		}
	}()
	for {
		l.mu.Lock()
		head, w, closed := l.known, l.wake, l.closed
		if !joined && head <= after && !closed {
			joined = true
			l.waiters++
			if !l.polling {
				l.polling = true
				go l.poll()
			}
		}
		l.mu.Unlock()
		switch {
		case closed:
			return 0, eventstore.ErrClosed
		case head > after:
			return head, nil
		}
		select {
		case <-w.moved:
			if w.err != nil {
				return 0, w.err
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// poll asks for the head until nobody waits. What it cannot learn within
// Config.Timeout it tells everyone who waits.
func (l *Log) poll() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.life.Done():
			return
		}
		ctx, cancel := context.WithTimeout(l.life, l.timeout)
		_, err := l.head(ctx)
		cancel()
		l.mu.Lock()
		if err != nil && !errors.Is(err, eventstore.ErrClosed) && !l.closed {
			l.wakeAll(err)
		}
		if l.waiters == 0 || l.closed {
			l.polling = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		timer.Reset(pollEvery/2 + rand.N(pollEvery))
	}
}
