package decisions

import (
	"maps"
	"sync"
	"time"

	"greffe/domain"
)

const (
	cachedPeople = 4096
	cachedFor    = 5 * time.Second // no longer than the vault's own keys are
)

// cache holds what was opened of persons, by subject and the position of the last
// fact about it: whatever changes a person, its erasure first of all, is a fact.
type cache struct {
	mu   sync.Mutex
	held map[cached]kept5s
}

type cached struct {
	subject domain.ID
	last    domain.Position
}

type kept5s struct {
	values map[domain.Position]*values
	until  time.Time
}

// key is of everybody that p is: the last fact about any of them.
func (p *person) key() cached {
	k := cached{subject: p.own().subject}
	for _, f := range p.files {
		k.last = max(k.last, f.last)
	}
	return k
}

// get is a copy of what is held of p, never nil.
func (c *cache) get(p *person, now time.Time) map[domain.Position]*values {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x, ok := c.held[p.key()]; ok && now.Before(x.until) {
		return maps.Clone(x.values)
	}
	return map[domain.Position]*values{}
}

// put holds what was opened of p, from the first time on for a while.
func (c *cache) put(p *person, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil || len(c.held) >= cachedPeople {
		c.held = make(map[cached]kept5s, cachedPeople)
	}
	until := now.Add(cachedFor)
	if x, ok := c.held[p.key()]; ok && now.Before(x.until) {
		until = x.until
	}
	c.held[p.key()] = kept5s{p.seen, until}
}

// forget drops what is held of a subject.
func (c *cache) forget(subject domain.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.held, func(k cached, _ kept5s) bool { return k.subject == subject })
}
