package retention

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
)

// Join adds what is known of another contact that a merge makes the same person: it is
// of each kind that one of them is, the last act of either is its last, and what stops
// one stops all. o is not changed. A key is archived if it is for each who has it.
func (c *Clocks) Join(o *Clocks) {
	for _, k := range o.Kinds {
		if i, found := slices.BinarySearch(c.Kinds, k); !found {
			c.Kinds = slices.Insert(slices.Clone(c.Kinds), i, k)
		}
	}
	if contact.Wins(o.kindAt, c.kindAt) {
		c.kindAt = o.kindAt
	}
	if c.Collected.IsZero() || !o.Collected.IsZero() && o.Collected.Before(c.Collected) {
		c.Collected = o.Collected
	}
	for _, t := range [...]struct {
		to   *time.Time
		from time.Time
	}{{&c.LastAct, o.LastAct}, {&c.Deceased, o.Deceased}, {&c.Recruited, o.Recruited}, {&c.Former, o.Former}, {&c.ConsentEnd, o.ConsentEnd},
		{&c.RequestClosed, o.RequestClosed}, {&c.Stripped, o.Stripped}} {
		latest(t.to, t.from)
	}
	if c.Erased.IsZero() || o.Erased.IsZero() {
		c.Erased = time.Time{}
	} else {
		latest(&c.Erased, o.Erased)
	}
	c.Opposed, c.Linked = c.Opposed || o.Opposed, c.Linked || o.Linked
	c.Contracts.join(&o.Contracts)
	for _, l := range [...]struct {
		to   *[]domain.ID
		from []domain.ID
	}{{&c.Requests, o.Requests}, {&c.Holds, o.Holds}, {&c.Restrictions, o.Restrictions}} {
		*l.to = slices.Concat(*l.to, l.from)
	}
	c.Asked = slices.Clone(c.Asked)
	for _, a := range o.Asked {
		c.asked(a)
	}
	c.Parts = slices.Clone(c.Parts)
	for i := range o.Parts {
		c.share(&o.Parts[i])
	}
}

func (k *Contracts) join(o *Contracts) {
	k.Started, k.Ended, k.Termed = k.Started+o.Started, k.Ended+o.Ended, k.Termed+o.Termed
	k.Retermed, k.Electronic = k.Retermed || o.Retermed, k.Electronic || o.Electronic
	latest(&k.LastStart, o.LastStart)
	latest(&k.LastEnd, o.LastEnd)
	latest(&k.LastTerm, o.LastTerm)
	latest(&k.Delivered, o.Delivered)
}

func (c *Clocks) share(o *Part) {
	i, found := slices.BinarySearchFunc(c.Parts, *o, compareParts)
	if !found {
		c.Parts = slices.Insert(c.Parts, i, *o)
		return
	}
	p := &c.Parts[i]
	latest(&p.Last, o.Last)
	latest(&p.Invoice, o.Invoice)
	p.Archived, p.Generalised = both(p.Archived, o.Archived), both(p.Generalised, o.Generalised)
}

// both is when both had happened; zero if one has not.
func both(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	return newest(a, b)
}
