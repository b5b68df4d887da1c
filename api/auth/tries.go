package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"greffe/domain/account"
)

// maxTried bounds the names whose wrong passwords a node remembers.
const maxTried = 10_000

// Wrong passwords and codes of one network: so many at once, then one in each
// interval, whatever names they are for.
const (
	networkBurst    = 30
	networkInterval = 20 * time.Second
)

// loginKey stands for a login in memory.
type loginKey [sha256.Size]byte

// tries counts wrong passwords and codes on this node. From the third in a row on they
// are facts too, which all nodes go by; names that do not exist are counted in the same
// way, here and there, so that nobody learns which do. A flood of names is beyond its
// bound counted here alone.
type tries struct {
	now      func() time.Time
	networks *Limiter
	// strangers bounds what is put into the log of names that nobody has.
	strangers *Limiter

	mu sync.Mutex
	at map[loginKey]account.Throttle
}

func newTries(now func() time.Time) *tries {
	return &tries{now: now, networks: NewLimiter(1/networkInterval.Seconds(), networkBurst, now),
		strangers: NewLimiter(1/strangersInterval.Seconds(), strangersBurst, now), at: map[loginKey]account.Throttle{}}
}

// of is what is counted of a name here and in the log.
func (t *tries) of(k loginKey, logged account.Throttle) account.Throttle {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[k].Later(logged)
}

// take counts one try as wrong until clear says otherwise, or tells how long there
// is to wait.
func (t *tries) take(k loginKey, logged account.Throttle) (wait time.Duration) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	was, there := t.at[k]
	was = was.Later(logged)
	if wait = was.Wait(now); wait > 0 {
		return wait
	}
	if !there && len(t.at) >= maxTried {
		t.forget(now)
	}
	t.at[k] = was.Fail(now)
	return 0
}

// forget makes room: it drops what no longer counts, else the one with the fewest
// failures of some. The log has the third and later ones.
func (t *tries) forget(now time.Time) {
	for k, v := range t.at {
		if v.Forgotten(now) {
			delete(t.at, k)
		}
	}
	if len(t.at) < maxTried {
		return
	}
	const some = 32
	var least loginKey
	n := 0
	for k, v := range t.at {
		if n == 0 || v.Failures < t.at[least].Failures {
			least = k
		}
		if n++; n == some {
			break
		}
	}
	delete(t.at, least)
}

// clear forgets the wrong ones of a name, as a right one came.
func (t *tries) clear(k loginKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.at, k)
}
