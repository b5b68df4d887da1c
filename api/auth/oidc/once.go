package oidc

import (
	"maps"
	"sync"
	"time"
)

// once remembers for some time what was done, so that it is done once on this node.
type once struct {
	mu    sync.Mutex
	until map[string]time.Time
}

const maxOnce = 20_000

func newOnce() *once { return &once{until: map[string]time.Time{}} }

// take reports that key was not taken before, and takes it until a time. A full
// memory forgets what is over, or else what would be over first.
func (o *once) take(key string, now, until time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t, ok := o.until[key]; ok && now.Before(t) {
		return false
	}
	if len(o.until) >= maxOnce {
		maps.DeleteFunc(o.until, func(_ string, t time.Time) bool { return !now.Before(t) })
	}
	if len(o.until) >= maxOnce {
		delete(o.until, o.first())
	}
	o.until[key] = until
	return true
}

// release gives a key back whose deed was not done.
func (o *once) release(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.until, key)
}

func (o *once) first() (key string) {
	for k, t := range o.until {
		if key == "" || t.Before(o.until[key]) {
			key = k
		}
	}
	return key
}
