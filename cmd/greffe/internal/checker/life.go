package checker

import (
	"strings"
	"time"
)

// key is what data is destroyed by.
type key struct{ class, epoch string }

// sealed is data under one key of a person.
type sealed struct {
	last, invoice time.Time // the latest event in it, the latest invoice
	archived      time.Time
}

// life is what facts tell of how long data about a person may be kept.
type life struct {
	kinds                                       map[string]time.Time // one, unless joined
	collected, lastAct, deceased, recruited     time.Time
	former                                      time.Time
	consentEnd, requestClosed, stripped, erased time.Time
	opposed, electronic, retermed               bool
	started, ended, termed                      int
	lastStart, lastEnd, lastTerm, delivered     time.Time
	requests, holds, restrictions               map[string]bool
	needed                                      map[string]bool      // open requests that cannot be answered without the data
	asked                                       map[string]time.Time // by purpose
	keys                                        map[key]*sealed
	named                                       bool // keeps identity or contact details
}

func newLife() *life {
	return &life{kinds: map[string]time.Time{}, requests: map[string]bool{}, holds: map[string]bool{}, restrictions: map[string]bool{}, needed: map[string]bool{},
		asked: map[string]time.Time{}, keys: map[key]*sealed{}}
}

func (p *life) blocked() bool { return len(p.holds)+len(p.restrictions) > 0 }

// contractsEnd is when the last contract ended; open while one runs on.
func (p *life) contractsEnd() (time.Time, bool) {
	end, endless := newest(p.lastEnd, p.lastTerm), p.started-p.termed
	if p.retermed && p.started == 1 {
		endless = 0
	}
	if endless == 0 || p.ended >= p.started {
		return end, false
	}
	if _, former := p.kinds["former_client"]; former && len(p.kinds) == 1 && p.former.After(p.lastStart) {
		return newest(end, p.former), false
	}
	if !p.deceased.IsZero() {
		return newest(end, p.deceased), false
	}
	return end, true
}

// upstream are the types that systems send: what is known of a person begins with them.
func upstream(t string) bool {
	switch t {
	case "contact.created", "contact.changed", "contact.merged", "contact.unmerged", "contact.rekeyed", "contact.deleted", "interaction.recorded",
		"contract.started", "contract.changed", "contract.ended", "invoice.issued", "recruitment.closed", "notice.served", "consent.requested",
		"consent.granted", "consent.refused", "consent.withdrawn", "opposition.registered", "request.received", "person.deceased", "restriction.placed":
		return true
	}
	return false
}

// act is when the person did something, of the person's own; zero: nothing of the kind.
// An opened message, one that we sent, an import or a change of the record are none.
func act(f *fact) time.Time {
	switch f.Type {
	case "contract.started":
		return f.Time
	case "consent.granted":
		if f.Said.Evidence == "proven" && f.Said.Method != "import" {
			return f.Time
		}
	case "interaction.recorded":
		switch f.Said.Kind {
		case "purchase", "order", "login", "visit", "click", "reply", "callback_request":
			if f.Said.Direction != "out" {
				return f.Time
			}
		case "call":
			if f.Said.Direction == "in" {
				return f.Time
			}
		}
	case "contact.created", "contact.changed":
		if !f.Said.ActivityAt.After(f.Time) {
			return f.Said.ActivityAt
		}
	}
	return time.Time{}
}

// add takes a fact in.
func (p *life) add(f *fact) {
	if upstream(f.Type) {
		at := f.Time
		if !f.Said.CollectedAt.IsZero() && f.Said.CollectedAt.Before(at) {
			at = f.Said.CollectedAt
		}
		if p.collected.IsZero() || at.Before(p.collected) {
			p.collected = at
		}
	}
	p.lastAct = newest(p.lastAct, act(f))
	for _, x := range f.Parts {
		if x.Owner == "" {
			p.seal(key{x.Class, x.Epoch}, f)
		}
	}
	p.fact(f)
	p.named = p.has("identity") || p.has("contact_details")
}

func (p *life) has(class string) bool {
	for k := range p.keys {
		if k.class == class {
			return true
		}
	}
	return false
}

func (p *life) seal(k key, f *fact) {
	s := p.keys[k]
	if s == nil {
		s = &sealed{}
		p.keys[k] = s
	}
	s.last = newest(s.last, f.Time)
	if f.Type == "invoice.issued" {
		s.invoice = newest(s.invoice, or(f.Said.IssuedAt, f.Time))
	}
}

func (p *life) fact(f *fact) {
	d := &f.Said
	switch f.Type {
	case "contact.created", "contact.changed":
		p.kind(d.Kind, f.Time)
	case "contract.started", "contract.changed", "contract.ended":
		p.contract(f)
	case "recruitment.closed":
		p.recruited = newest(p.recruited, f.Time)
	case "person.deceased":
		p.deceased = newest(p.deceased, or(d.DiedOn, f.Time))
	case "consent.withdrawn", "consent.refused", "consent.expired":
		p.consentEnd = newest(p.consentEnd, f.Time)
	case "opposition.registered":
		p.opposed = true
	case "opposition.lifted":
		p.opposed = false
	case "request.received":
		p.requests[f.ID] = true
		switch d.Right {
		case "erasure", "objection", "consent_withdrawal":
		default:
			p.needed[f.ID] = true
		}
		p.opposed = p.opposed || d.Right == "objection"
	case "request.refused":
		delete(p.needed, d.Case)
	case "request.dispatched":
		if d.Of == "answer" {
			delete(p.needed, d.Case)
		}
	case "request.closed", "request.withdrawn":
		delete(p.needed, d.Case)
		delete(p.requests, d.Case)
		p.requestClosed = newest(p.requestClosed, f.Time)
	case "restriction.placed":
		p.restrictions[f.ID] = true
	case "restriction.lifted":
		delete(p.restrictions, d.Restriction)
		p.requestClosed = newest(p.requestClosed, f.Time)
	case "hold.placed":
		p.holds[f.ID] = true
	case "hold.released":
		delete(p.holds, d.Hold)
	case "retention.asked":
		p.asked[d.Purpose] = newest(p.asked[d.Purpose], f.Time)
	case "retention.archived":
		for k, s := range p.keys {
			if takes(d, k) && s.archived.IsZero() {
				s.archived = f.Time
			}
		}
	case "erasure.ordered":
		p.destroyed(f)
	}
}

func (p *life) kind(kind string, at time.Time) {
	for _, known := range p.kinds {
		if kind == "" || at.Before(known) {
			return
		}
	}
	if kind == "" {
		return
	}
	if _, same := p.kinds[kind]; kind != "former_client" {
		p.former = time.Time{}
	} else if !same {
		p.former = at
	}
	p.kinds = map[string]time.Time{kind: at}
}

func (p *life) contract(f *fact) {
	d := &f.Said
	p.lastTerm, p.delivered = newest(p.lastTerm, d.EndsAt), newest(p.delivered, d.DeliveredAt)
	p.electronic = p.electronic || d.Electronic
	switch f.Type {
	case "contract.started":
		p.started++
		if !d.EndsAt.IsZero() {
			p.termed++
		}
		p.lastStart = newest(p.lastStart, f.Time)
	case "contract.changed":
		p.retermed = p.retermed || !d.EndsAt.IsZero()
	case "contract.ended":
		p.ended++
		p.lastEnd = newest(p.lastEnd, or(d.EndedAt, f.Time))
	}
}

// takes reports whether what a fact names is data under a key.
func takes(d *said, k key) bool {
	if d.Whole {
		return !has(d.Kept, k.class)
	}
	if !has(d.Classes, k.class) {
		return false
	}
	narrow := false
	for _, e := range d.Epochs {
		narrow = narrow || strings.HasPrefix(e, k.class+"/")
	}
	return !narrow || has(d.Epochs, k.class+"/"+k.epoch)
}

func (p *life) destroyed(f *fact) {
	if f.Said.Whole {
		p.erased = newest(p.erased, f.Time)
	}
	for k := range p.keys {
		if takes(&f.Said, k) {
			delete(p.keys, k)
			if k.class == "identity" || k.class == "contact_details" {
				p.stripped = newest(p.stripped, f.Time)
			}
		}
	}
}
