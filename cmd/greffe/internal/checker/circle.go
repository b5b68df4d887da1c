package checker

import (
	"maps"
	"slices"
	"time"
)

// person is one contact.
type person struct {
	id string
	*life
	merged     []*person // with whom it was merged, and not unmerged
	circle     *circle
	objections []objection
	words      map[use]word // on consent
}

// circle are contacts that are one person: what one did all did.
type circle struct {
	members []*person
	since   time.Time // when anything about them was last taken in
	over    map[key]time.Time
	late    map[key]time.Time // by the archive
	told    map[key]bool
}

func newCircle(members ...*person) *circle {
	c := &circle{members: members, over: map[key]time.Time{}, late: map[key]time.Time{}, told: map[key]bool{}}
	for _, m := range members {
		m.circle = c
	}
	return c
}

// meet gathers anew who is one person with p.
func meet(p *person, since time.Time) *circle {
	seen := []*person{p}
	for i := 0; i < len(seen); i++ {
		for _, m := range seen[i].merged {
			if !slices.Contains(seen, m) {
				seen = append(seen, m)
			}
		}
	}
	c := newCircle(seen...)
	c.since = since
	return c
}

// link merges a with b, or takes that back.
func link(a, b *person, at time.Time, apart bool) {
	if a == b {
		return
	}
	for _, x := range [...][2]*person{{a, b}, {b, a}} {
		if apart {
			x[0].merged = slices.DeleteFunc(x[0].merged, func(m *person) bool { return m == x[1] })
		} else if !slices.Contains(x[0].merged, x[1]) {
			x[0].merged = append(x[0].merged, x[1])
		}
	}
	meet(b, at)
	meet(a, at)
}

// life is that of all of them together.
func (c *circle) life() *life {
	if len(c.members) == 1 {
		return c.members[0].life
	}
	all := newLife()
	whole := true
	for _, m := range c.members {
		all.join(m.life)
		whole = whole && !m.erased.IsZero()
	}
	if !whole {
		all.erased = time.Time{}
	}
	all.named = all.has("identity") || all.has("contact_details")
	return all
}

func (p *life) join(o *life) {
	maps.Copy(p.kinds, o.kinds)
	maps.Copy(p.requests, o.requests)
	maps.Copy(p.holds, o.holds)
	maps.Copy(p.needed, o.needed)
	maps.Copy(p.restrictions, o.restrictions)
	if p.collected.IsZero() || !o.collected.IsZero() && o.collected.Before(p.collected) {
		p.collected = o.collected
	}
	for _, t := range [...]struct {
		to   *time.Time
		from time.Time
	}{{&p.lastAct, o.lastAct}, {&p.deceased, o.deceased}, {&p.recruited, o.recruited}, {&p.former, o.former}, {&p.consentEnd, o.consentEnd},
		{&p.requestClosed, o.requestClosed}, {&p.stripped, o.stripped}, {&p.erased, o.erased}, {&p.lastStart, o.lastStart}, {&p.lastEnd, o.lastEnd},
		{&p.lastTerm, o.lastTerm}, {&p.delivered, o.delivered}} {
		*t.to = newest(*t.to, t.from)
	}
	p.opposed, p.electronic, p.retermed = p.opposed || o.opposed, p.electronic || o.electronic, p.retermed || o.retermed
	p.started, p.ended, p.termed = p.started+o.started, p.ended+o.ended, p.termed+o.termed
	for purpose, at := range o.asked {
		p.asked[purpose] = newest(p.asked[purpose], at)
	}
	for k, s := range o.keys {
		p.share(k, s)
	}
}

// share has data under a key in common: it is in the archive if it is for each.
func (p *life) share(k key, s *sealed) {
	has := p.keys[k]
	if has == nil {
		p.keys[k] = &sealed{s.last, s.invoice, s.archived}
		return
	}
	has.last, has.invoice = newest(has.last, s.last), newest(has.invoice, s.invoice)
	if has.archived.IsZero() || s.archived.IsZero() {
		has.archived = time.Time{}
	} else {
		has.archived = newest(has.archived, s.archived)
	}
}
