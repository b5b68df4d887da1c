package changes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"greffe/domain"
	"greffe/domain/policy"
	"greffe/projections/index"
)

// crowd is what the index and the log say of persons whom changes are about: who is one
// person, and who named them first. It is the same for every recipient, and remembered
// for one question.
type crowd struct {
	f      *Feed
	below  domain.Position
	people map[domain.ID][]domain.ID
	firsts map[domain.ID]firstFact
	asked  int // persons that the index was asked for
}

// firstFact is where a person was named first, and by which source.
type firstFact struct {
	known    bool
	position domain.Position
	source   domain.ID
}

func (f *Feed) crowd(below domain.Position) *crowd {
	return &crowd{f: f, below: below, people: map[domain.ID][]domain.ID{}, firsts: map[domain.ID]firstFact{}}
}

func (c *crowd) who(r policy.Recipient) *who {
	w := &who{crowd: c, r: r, reads: map[domain.ID][]read{}}
	if r.Source != "" {
		w.source = c.f.Source(r.Source)
	}
	return w
}

// tired reports that the index would have to be asked about a change's person, and was
// asked often enough.
func (w *who) tired(e entry) bool {
	if w.asked < maxAsked || e.subject.IsZero() || w.r.Source == "" {
		return false
	}
	if _, known := w.firsts[e.subject]; !known {
		return true
	}
	_, known := w.people[e.subject]
	return !known && !e.solo
}

// connected are the contacts that are one person, the change's own first. Of more
// than can be told of at once the change's own stands alone.
func (c *crowd) connected(ctx context.Context, subject domain.ID) ([]domain.ID, error) {
	if known, ok := c.people[subject]; ok {
		return known, nil
	}
	c.asked++
	people, err := c.f.People.Connected(ctx, subject, c.below)
	if errors.Is(err, index.ErrLarge) {
		people, err = []domain.ID{subject}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	if len(people) > maxPeople {
		people = people[:maxPeople]
	}
	c.people[subject] = people
	return people, nil
}

// first is the person's first fact, which names them as its source does.
func (c *crowd) first(ctx context.Context, subject domain.ID) (firstFact, error) {
	if known, ok := c.firsts[subject]; ok {
		return known, nil
	}
	c.asked++
	out, ok := c.f.View.firsts.find(subject)
	if !ok || out.position >= c.below {
		var err error
		if out, err = c.look(ctx, subject); err != nil {
			return firstFact{}, err
		}
		c.f.View.firsts.keep(subject, out)
	}
	c.firsts[subject] = out
	return out, nil
}

func (c *crowd) look(ctx context.Context, subject domain.ID) (firstFact, error) {
	places, err := c.f.People.Positions(ctx, subject, 0, c.below, 1)
	if err != nil || len(places) == 0 {
		return firstFact{}, err
	}
	f, err := c.f.fact(ctx, places[0])
	if err != nil {
		return firstFact{}, err
	}
	return firstFact{true, places[0], f.Source}, nil
}

// firstFacts remembers, from one question to the next, where persons were named first: a
// log is only appended to, so that stays. It may be used concurrently; when it is full it
// begins anew.
type firstFacts struct {
	mu sync.Mutex
	of map[domain.ID]firstFact
}

// maxFirsts bounds what is remembered, to some 2 MiB.
const maxFirsts = 16_384

func (m *firstFacts) find(subject domain.ID) (firstFact, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.of[subject]
	return f, ok
}

// keep remembers a first fact; that there is none yet is not remembered.
func (m *firstFacts) keep(subject domain.ID, f firstFact) {
	if !f.known {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil || len(m.of) >= maxFirsts {
		m.of = map[domain.ID]firstFact{}
	}
	m.of[subject] = f
}
