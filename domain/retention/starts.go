package retention

import (
	"time"

	"greffe/domain/contact"
)

// ofKey reports whether each key has its own clock of this start.
func ofKey(start string) bool {
	return start == "invoice_year_end" || start == "request_closed" || start == "recorded"
}

// start is when what starts a clock happened (policy.Starts); open: it has not yet.
func (r *Rules) start(start string, c *Clocks, p *Part) (at time.Time, open bool) {
	switch start {
	case "last_contact":
		return newest(c.Collected, c.LastAct), false
	case "relationship_end":
		end, open := c.relationshipEnd()
		return newest(end, c.Collected, c.LastAct), open
	case "contract_end":
		end, open := c.contractEnd()
		return newest(end, c.Collected), open
	case "delivery":
		if !c.Contracts.Delivered.IsZero() {
			return c.Contracts.Delivered, false
		}
		end, open := c.contractEnd()
		return newest(end, c.Contracts.LastStart, c.Collected), open
	case "invoice_year_end":
		if p.Invoice.IsZero() {
			return yearEnd(newest(p.Last, c.Collected)), false
		}
		return yearEnd(p.Invoice), false
	case "consent_end":
		end, open := r.reliedOn(c)
		return newest(end, c.ConsentEnd), open
	case "request_closed":
		return newest(c.RequestClosed, p.Last, c.Collected), len(c.Requests)+len(c.Restrictions) > 0
	case "recorded":
		return newest(p.Last, c.Collected), false
	case "recruitment_last_contact":
		return newest(c.Collected, c.LastAct, c.Recruited), false
	case "collection":
		return c.Collected, false
	}
	return time.Time{}, true // prospecting_end, account_closed: nothing about a person tells it
}

// contractEnd is when the last contract ended; open while one runs. A death ends the
// contracts that would run on.
func (c *Clocks) contractEnd() (at time.Time, open bool) {
	k := &c.Contracts
	at = newest(k.LastEnd, k.LastTerm)
	endless := k.Started - k.Termed
	if k.Retermed && k.Started == 1 {
		endless = 0
	}
	switch {
	case endless == 0 || k.Ended >= k.Started: // each has its end, or was ended
		return at, false
	case len(c.Kinds) == 1 && c.Kinds[0] == "former_client" && c.Former.After(k.LastStart):
		return newest(at, c.Former), false
	case !c.Deceased.IsZero():
		return newest(at, c.Deceased), false
	}
	return at, true
}

// relationshipEnd is when the last contract ended; with none, nothing but the acts of
// the person tells of the relationship.
func (c *Clocks) relationshipEnd() (at time.Time, open bool) {
	if c.Contracts.Started == 0 {
		return c.Contracts.LastEnd, false
	}
	return c.contractEnd()
}

// reliedOn is until when a proof of consent, of information or of origin is relied on:
// as long as the person is in the active base by name or address. Erasure, or the
// destruction of both, ends that.
func (r *Rules) reliedOn(c *Clocks) (at time.Time, open bool) {
	if !c.Erased.IsZero() {
		return c.Erased, false
	}
	if !c.Stripped.IsZero() && !c.hasAny(contact.ClassIdentity, contact.ClassContactDetails) {
		return c.Stripped, false
	}
	var last term
	for _, class := range [...]string{contact.ClassIdentity, contact.ClassContactDetails} {
		for _, l := range r.byClass[class] {
			for _, rule := range l.active {
				if rule.Start == "consent_end" || !r.heldFor(rule, c) {
					continue
				}
				last = last.later(r.run(rule, c, &Part{Class: class, Last: c.Collected}))
			}
		}
	}
	return newest(last.at, c.Collected), last.open
}

func (c *Clocks) hasAny(classes ...string) bool {
	for i := range c.Parts {
		for _, class := range classes {
			if c.Parts[i].Class == class {
				return true
			}
		}
	}
	return false
}

// yearEnd is the end of t's year (C. com. L123-22: from the close of the accounts).
func yearEnd(t time.Time) time.Time {
	return time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
}

// newest is the latest of times.
func newest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
