package app

import (
	"context"
	"sync"
	"time"
)

// The bounds of what is counted over everybody.
const (
	countQuick    = time.Second      // what takes no longer is counted anew whenever it is asked for
	countFor      = time.Hour        // what does is kept so long
	countPatience = 10 * time.Second // of who asks for what was never counted
	maxCounts     = 16
)

// reckonings keeps, in memory, what takes long to count. One count of a kind goes on at a time,
// and goes on when who asked for it has left; the end of the process ends it.
type reckonings[K comparable, V any] struct {
	now    func() time.Time
	beside func(func(context.Context))
	mu     sync.Mutex
	of     map[K]*reckoning[V]
}

// reckoning is one kind: the last that was made, and the one under way.
type reckoning[V any] struct {
	value   V
	at      time.Time // zero: never
	took    time.Duration
	err     error         // of the last
	running chan struct{} // closed at the end; nil: none is under way
}

func newReckonings[K comparable, V any](now func() time.Time, beside func(func(context.Context))) *reckonings[K, V] {
	return &reckonings[K, V]{now: now, beside: beside, of: map[K]*reckoning[V]{}}
}

// reckoned is a count as it is answered. The zero time says that there is none yet.
type reckoned[V any] struct {
	value V
	at    time.Time
	going bool // another is under way
}

// get gives what work counts: anew if that is quick, else the last one of the hour. It
// begins another if there is none, and waits for it, within bounds, if there was never one.
func (c *reckonings[K, V]) get(ctx context.Context, key K, work func(context.Context) (V, error)) (reckoned[V], error) {
	c.mu.Lock()
	x := c.of[key]
	if x == nil {
		c.room()
		x = &reckoning[V]{}
		c.of[key] = x
	}
	if x.running == nil && (x.took <= countQuick || c.now().Sub(x.at) >= countFor || x.err != nil) {
		x.running = c.begin(x, work)
	}
	running, slow := x.running, !x.at.IsZero() && x.took > countQuick
	c.mu.Unlock()
	if running != nil && !slow {
		patience := time.NewTimer(countPatience)
		defer patience.Stop()
		select {
		case <-running:
		case <-patience.C:
		case <-ctx.Done():
			return reckoned[V]{}, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return reckoned[V]{x.value, x.at, x.running != nil}, x.err
}

// begin counts beside the requests. The caller holds the lock.
func (c *reckonings[K, V]) begin(x *reckoning[V], work func(context.Context) (V, error)) chan struct{} {
	done := make(chan struct{})
	c.beside(func(ctx context.Context) {
		at, began := c.now(), time.Now()
		value, err := work(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		defer close(done)
		x.running, x.took, x.err = nil, time.Since(began), err
		if err == nil {
			x.value, x.at = value, at
		}
	})
	return done
}

// room forgets kinds that nobody waits for, if there are too many. The caller holds the lock.
func (c *reckonings[K, V]) room() {
	for key, x := range c.of {
		if len(c.of) >= maxCounts && x.running == nil {
			delete(c.of, key)
		}
	}
}
