package checker

import "time"

// Years are the numbers that a company's policy may change, in months.
type Years struct {
	Prospect  int // after collection, or the last act of the person (délib. 2021-131)
	Answer    int // to say yes, once asked
	Client    int // after the relationship
	Supplier  int // after the relationship
	Candidate int // after the last contact (CNIL, guide des durées)
	Contract  int // in the archive, after its end (C. civ. 2224)
	Large     int // electronic contracts of 120 EUR or more (C. conso. L213-1)
	Billing   int // after the end of the invoice's year (C. com. L123-22)
	Evidence  int // after it is relied on (C. civ. 2224)
	Requests  int // after the request is closed (C. civ. 2224)
}

// Law are the numbers of the policy as it is shipped.
func Law() Years {
	return Years{Prospect: 36, Answer: 1, Client: 36, Supplier: 12, Candidate: 24, Contract: 60, Large: 120, Billing: 120, Evidence: 60, Requests: 60}
}

// start is what a term begins with.
type start func(p *life, k *sealed, l law) (since time.Time, open bool)

// term is one duration: of data of these classes, of persons of these kinds (none: of
// all), for one purpose.
type term struct {
	purpose    string
	classes    []string
	kinds      []string
	start      start
	months     int
	ask        bool // at its end the person is asked first
	wait       int  // months to answer
	leaves     bool // at its end it goes to the archive
	archive    bool // how long it is in the archive
	electronic bool
}

type law []term

func lawOf(y Years) law {
	person := []string{"identity", "contact_details", "commercial", "notes"}
	return law{
		{purpose: "prospecting", classes: person, kinds: []string{"prospect"}, start: lastContact, months: y.Prospect, ask: true, wait: y.Answer},
		{purpose: "prospecting", classes: person, kinds: []string{"client", "former_client"}, start: relationshipEnd, months: y.Client},
		{purpose: "contract", classes: person, kinds: []string{"supplier_contact"}, start: relationshipEnd, months: y.Supplier},
		{purpose: "contract", classes: []string{"contract"}, start: contractEnd, leaves: true},
		{purpose: "contract", classes: []string{"contract"}, start: contractEnd, months: y.Contract, archive: true},
		{purpose: "contract", classes: []string{"contract"}, start: delivery, months: y.Large, archive: true, electronic: true},
		{purpose: "billing", classes: []string{"billing"}, start: yearEnd, leaves: true},
		{purpose: "billing", classes: []string{"billing"}, start: yearEnd, months: y.Billing, archive: true},
		{purpose: "recruitment", classes: []string{"identity", "contact_details", "recruitment", "notes"}, kinds: []string{"candidate"}, start: lastRecruited, months: y.Candidate},
		{purpose: "proof", classes: []string{"evidence"}, start: reliedOn, leaves: true},
		{purpose: "proof", classes: []string{"evidence"}, start: reliedOn, months: y.Evidence, archive: true},
		{purpose: "compliance", classes: []string{"requests"}, start: requestClosed, leaves: true},
		{purpose: "compliance", classes: []string{"requests"}, start: requestClosed, months: y.Requests, archive: true},
	}
}

func lastContact(p *life, _ *sealed, _ law) (time.Time, bool) {
	return newest(p.collected, p.lastAct), false
}

func lastRecruited(p *life, _ *sealed, _ law) (time.Time, bool) {
	return newest(p.collected, p.lastAct, p.recruited), false
}

// relationshipEnd is when the last contract ended; without contracts, what the person
// did tells of the relationship.
func relationshipEnd(p *life, _ *sealed, _ law) (time.Time, bool) {
	if p.started == 0 {
		return newest(p.lastEnd, p.collected, p.lastAct), false
	}
	end, open := p.contractsEnd()
	return newest(end, p.collected, p.lastAct), open
}

func contractEnd(p *life, _ *sealed, _ law) (time.Time, bool) {
	end, open := p.contractsEnd()
	return newest(end, p.collected), open
}

func delivery(p *life, _ *sealed, _ law) (time.Time, bool) {
	if !p.delivered.IsZero() {
		return p.delivered, false
	}
	end, open := p.contractsEnd()
	return newest(end, p.lastStart, p.collected), open
}

func yearEnd(p *life, k *sealed, _ law) (time.Time, bool) {
	at := or(k.invoice, newest(k.last, p.collected))
	return time.Date(at.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC), false
}

func requestClosed(p *life, k *sealed, _ law) (time.Time, bool) {
	return newest(p.requestClosed, k.last, p.collected), len(p.requests)+len(p.restrictions) > 0
}

// reliedOn is until when a proof is relied on: as long as the person may be in the
// active base by name or address, or until a consent ended later.
func reliedOn(p *life, _ *sealed, l law) (time.Time, bool) {
	switch {
	case !p.erased.IsZero():
		return newest(p.erased, p.consentEnd), false
	case !p.stripped.IsZero() && !p.named:
		return newest(p.stripped, p.consentEnd), false
	}
	var last span
	for _, class := range [...]string{"identity", "contact_details"} {
		_, keep := l.of(p, class, &sealed{last: p.collected})
		last = last.later(keep)
	}
	return newest(last.at, p.collected, p.consentEnd), last.open
}

// span is a term that runs.
type span struct {
	*term
	since, at time.Time
	open      bool // what starts it has not come
}

func (s span) later(o span) span {
	switch {
	case s.term == nil:
		return o
	case o.term == nil || s.open || !o.open && !o.at.After(s.at):
		return s
	}
	return o
}

// of is until when data of a class may be in the active base, and at all. No term: no
// limit is known.
func (l law) of(p *life, class string, k *sealed) (active, keep span) {
	anybody := !l.meant(p, class)
	for _, purpose := range [...]string{"prospecting", "contract", "billing", "recruitment", "proof", "compliance"} {
		var here, there, plain span
		for i := range l {
			t := &l[i]
			if t.purpose != purpose || !has(t.classes, class) || !anybody && !t.fits(p) {
				continue
			}
			since, open := t.start(p, k, l)
			s := span{t, since, later(since, 0, t.months), open}
			switch {
			case !t.archive:
				here = here.later(s)
			case t.electronic && !p.electronic:
			default:
				plain = plain.later(s)
			}
		}
		there = plain
		active = active.later(here)
		keep = keep.later(here.later(there))
	}
	return active, keep
}

// fits reports whether a term is for persons of p's kind.
func (t *term) fits(p *life) bool {
	if len(t.kinds) == 0 {
		return true
	}
	for kind := range p.kinds {
		if has(t.kinds, kind) {
			return true
		}
	}
	return false
}

// meant reports whether some term of a class is for persons of p's kind. If none is,
// all count: the longest wins.
func (l law) meant(p *life, class string) bool {
	for i := range l {
		if has(l[i].classes, class) && l[i].fits(p) {
			return true
		}
	}
	return false
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
