package auth

import (
	"context"
	"slices"
	"sync"
	"time"

	"greffe/api/problem"
)

const (
	hashesAtATime = 2
	hashesWaiting = 64 // in all: a flood must not be queued
	hashesOfOne   = 4  // of them from one source
	// hashAgainIn is how long a source that waits for enough already is told to stay away.
	hashAgainIn = 2 * time.Second
)

// gate lets so many passwords be hashed at a time, so that memory is bounded, and gives
// the sources that wait their turns one after the other, so that a flood from one makes
// another wait for one hash and not for all of it. A source is a network, a device on
// which somebody signed in, or a session.
type gate struct {
	mu      sync.Mutex
	running int
	waiting int
	queues  map[string][]chan bool // true: it is its turn; false: it has to go
	turns   []string               // sources that wait, the next one first
}

func newGate() *gate { return &gate{queues: map[string][]chan bool{}} }

// enter waits for its turn; leave must be called. Errors: rate_limited for a source that
// waits for enough already, busy when too many sources wait, or the context's.
func (g *gate) enter(ctx context.Context, source string) (leave func(), err error) {
	turn, err := g.join(source)
	if err != nil {
		return nil, err
	}
	select {
	case mine := <-turn:
		if !mine {
			return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: hashAgainIn}
		}
		return g.leave, nil
	case <-ctx.Done():
		if !g.quit(source, turn) && <-turn { // its turn came meanwhile
			g.leave()
		}
		return nil, problem.Because(problem.Busy, ctx.Err())
	}
}

func (g *gate) join(source string) (turn chan bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	turn = make(chan bool, 1)
	if g.running < hashesAtATime {
		g.running++
		turn <- true
		return turn, nil
	}
	q := g.queues[source]
	if len(q) >= hashesOfOne {
		return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: hashAgainIn}
	}
	if g.waiting >= hashesWaiting && (len(q) > 0 || !g.makeRoom()) {
		return nil, problem.New(problem.Busy)
	}
	if len(q) == 0 {
		g.turns = append(g.turns, source)
	}
	g.queues[source] = append(q, turn)
	g.waiting++
	return turn, nil
}

// makeRoom sends the last one away of the source that waits for most, if for several.
func (g *gate) makeRoom() bool {
	most := slices.MaxFunc(g.turns, func(a, b string) int { return len(g.queues[a]) - len(g.queues[b]) })
	q := g.queues[most]
	if len(q) < 2 {
		return false
	}
	q[len(q)-1] <- false
	g.queues[most] = q[:len(q)-1]
	g.waiting--
	return true
}

// quit takes one who waits out; false if it was told already.
func (g *gate) quit(source string, turn chan bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.queues[source], turn)
	if at < 0 {
		return false
	}
	g.keep(source, slices.Delete(g.queues[source], at, at+1))
	return true
}

// keep is what of a source goes on waiting, after one less.
func (g *gate) keep(source string, q []chan bool) {
	g.waiting--
	if g.queues[source] = q; len(q) == 0 {
		delete(g.queues, source)
		g.turns = slices.DeleteFunc(g.turns, func(s string) bool { return s == source })
	}
}

// leave gives the turn to the source that waits longest for one.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.turns) == 0 {
		g.running--
		return
	}
	source := g.turns[0]
	q := g.queues[source]
	q[0] <- true
	g.turns = append(g.turns[1:], source)
	g.keep(source, q[1:])
}
