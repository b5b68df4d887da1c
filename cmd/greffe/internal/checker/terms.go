package checker

import (
	"fmt"
	"time"
)

// patience is how long data may outlive its term: the rest of the day on which it ends,
// in Paris, and the night's run.
const patience = 30 * time.Hour

// end is when data must be gone, or something must have been done about it; never: it
// may stay.
func (l law) end(p *life, k key, s *sealed) (gone, archived time.Time, never bool) {
	active, keep := l.of(p, k.class, s)
	if keep.term == nil {
		return time.Time{}, time.Time{}, true
	}
	if s.archived.IsZero() && active.term != nil && !active.open && active.leaves && (keep.open || active.at.Before(keep.at)) {
		archived = active.at
	}
	if keep.open {
		return time.Time{}, archived, true
	}
	gone = keep.at
	if keep.ask && !p.opposed && p.deceased.IsZero() && p.erased.IsZero() {
		if asked := p.answerBy(&keep); asked.After(gone) {
			gone = asked
		}
	}
	return gone, archived, false
}

// answerBy is until when whoever was asked may answer; zero: nobody was asked since the
// term began.
func (p *life) answerBy(s *span) time.Time {
	asked := newest(p.asked[s.purpose], p.asked[""])
	if !asked.After(s.since) {
		return time.Time{}
	}
	return later(asked, 0, s.wait)
}

// settle looks at what a circle kept since the last look, until now.
func (c *check) settle(o *circle, now time.Time, at int64) {
	p := o.life()
	for k, s := range p.keys {
		gone, archived, never := c.law.end(p, k, s)
		c.wait(o.over, k, gone, !never && !p.blocked() && len(p.needed) == 0, o, now, at, Kept)
		c.wait(o.late, k, archived, !archived.IsZero(), o, now, at, Active)
	}
	o.since = now
}

// wait measures since when something was to be done, and says so once if it was not.
func (c *check) wait(over map[key]time.Time, k key, due time.Time, counts bool, o *circle, now time.Time, at int64, rule Rule) {
	if !counts || due.After(now) {
		delete(over, k)
		return
	}
	since, known := over[k]
	if !known {
		since = o.since
	}
	since = newest(since, due) // what happened meanwhile may have moved it
	over[k] = since
	told := key{string(rule) + "/" + k.class, k.epoch}
	if now.Sub(since) > patience && !o.told[told] {
		o.told[told] = true
		c.find(rule, at, o.members[0].id, fmt.Sprintf("%s/%s was due on %s and is there %s later", k.class, k.epoch, since.Format(time.DateOnly), now.Sub(since).Round(time.Hour)))
	}
}

// ordered judges an order to destroy, before it is taken in.
func (c *check) ordered(f *fact, who *person) {
	c.report.Destructions++
	c.orders[f.ID] = &order{f.at, f.Subject, f.Recorded, f.Said.Whole, f.Said.Classes}
	p := who.circle.life()
	if p.blocked() {
		c.find(Held, f.at, f.Subject, fmt.Sprintf("destruction on ground %s was ordered while %d holds and restrictions stand", f.Said.Ground, len(p.holds)+len(p.restrictions)))
	}
	if f.Said.Ground != storageLimit {
		return
	}
	if len(p.needed) > 0 {
		c.find(Held, f.at, f.Subject, "a retention term took what an open request asks for")
	}
	for k, s := range who.keys {
		if !takes(&f.Said, k) {
			continue
		}
		shared := *s
		if all := p.keys[k]; all != nil {
			shared = *all
		}
		gone, _, never := c.law.end(p, k, &shared)
		switch {
		case never:
			c.find(Early, f.at, f.Subject, fmt.Sprintf("%s/%s was still needed", k.class, k.epoch))
		case gone.After(f.Recorded):
			c.find(Early, f.at, f.Subject, fmt.Sprintf("%s/%s was not past its term before %s", k.class, k.epoch, gone.Format(time.DateOnly)))
		case c.law.unasked(p, k, &shared):
			c.find(Early, f.at, f.Subject, fmt.Sprintf("%s/%s was taken and nobody was asked", k.class, k.epoch))
		}
	}
}

// storageLimit is the ground of what a retention term ends (art. 5(1)(e)).
const storageLimit = "art5.1.e"

// unasked reports data of somebody who was to be asked first.
func (l law) unasked(p *life, k key, s *sealed) bool {
	_, keep := l.of(p, k.class, s)
	return keep.term != nil && keep.ask && !p.opposed && p.deceased.IsZero() && p.erased.IsZero() && p.answerBy(&keep).IsZero()
}

// order is one to destroy.
type order struct {
	at      int64
	subject string
	on      time.Time
	whole   bool
	classes []string
}

// certified ends an order.
func (c *check) certified(f *fact) {
	o := c.orders[f.Said.Order]
	if o == nil {
		c.find(Uncertified, f.at, f.Subject, "a certificate of no order")
		return
	}
	delete(c.orders, f.Said.Order)
	c.report.Certificates++
	switch {
	case o.subject != f.Subject:
		c.find(Uncertified, f.at, f.Subject, "a certificate of another person's order")
	case f.Said.Whole != o.whole:
		c.find(Uncertified, f.at, f.Subject, "the certificate is not of what was ordered")
	case len(f.Said.Stores) == 0 || f.Said.CheckedAt.IsZero():
		c.find(Uncertified, f.at, f.Subject, "the certificate names no store that was checked")
	case f.Recorded.Sub(o.on) > patience:
		c.find(Uncertified, f.at, f.Subject, "the certificate came "+f.Recorded.Sub(o.on).Round(time.Hour).String()+" after its order")
	}
}
