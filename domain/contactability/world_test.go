package contactability_test

import (
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/holidays"
	"greffe/domain/opposition"
)

// zones loads zones once; a test may, the domain may not.
type zones struct{ m *sync.Map }

func (z zones) Location(name string) *time.Location {
	if l, ok := z.m.Load(name); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.m.Store(name, l)
	return l
}

var loaded = zones{new(sync.Map)}

func id(n int) domain.ID { return domain.DeriveID([]byte{14: byte(n >> 8), 15: byte(n)}) }

var anna, bob = id(5001), id(5002)

// instant reads "2006-01-02 15:04[:05]" in Paris, or in the zone after a comma.
func instant(s string) time.Time {
	name := "Europe/Paris"
	for i := range len(s) {
		if s[i] == ',' {
			s, name = s[:i], s[i+1:]
			break
		}
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, loaded.Location(name)); err == nil {
			return t
		}
	}
	panic("no instant: " + s)
}

// world is one question with all that is known.
type world struct {
	q contactability.Query
	s contactability.State
	r contactability.Rules
	n int // of the last event
}

type mod func(*world)

// ask is about anna, a consumer, for prospecting by acme.
func ask(channel, at string, mods ...mod) *world {
	w := &world{q: contactability.Query{Channel: channel, Purpose: "prospecting", Controller: "acme", At: instant(at)},
		s: contactability.State{Subject: anna, Emails: []string{"anna@example.fr"}, Phones: []string{"+33612345678"}},
		r: contactability.Law(loaded)}
	w.r.Controllers = append(w.r.Controllers, "partner")
	for _, m := range mods {
		m(w)
	}
	return w
}

func (w *world) decide() contactability.Decision { return contactability.Decide(w.q, &w.s, &w.r) }

func (w *world) next() domain.ID { w.n++; return id(w.n) }

func q(f func(*contactability.Query)) mod { return func(w *world) { f(&w.q) } }

func r(f func(*contactability.Rules)) mod { return func(w *world) { f(&w.r) } }

func s(f func(*contactability.State)) mod { return func(w *world) { f(&w.s) } }

func purpose(p string) mod    { return func(w *world) { w.q.Purpose = p } }
func controller(c string) mod { return func(w *world) { w.q.Controller = c } }
func sector(c string) mod     { return func(w *world) { w.q.Sector = c } }
func offer(o string) mod      { return func(w *world) { w.q.Offer = o } }
func object(o string) mod     { return func(w *world) { w.q.Object = o } }
func address(a string) mod    { return func(w *world) { w.q.Address = a } }
func automated(w *world)      { w.q.Automated = true }
func nobody(w *world) {
	w.s.Subject, w.s.Emails, w.s.Phones = domain.ID{}, nil, nil
}

func act(t event.Type, at string, channels []string, more ...func(*consent.Act)) mod {
	return func(w *world) {
		a := consent.Act{Event: w.next(), Position: domain.Position(w.n), Type: t, Time: instant(at), Controller: "acme", Purpose: "prospecting", Channels: channels}
		if t == event.ConsentGranted {
			a.Evidence = "proven"
		}
		for _, f := range more {
			f(&a)
		}
		w.s.Consents = append(w.s.Consents, a)
		if t == event.ConsentGranted && a.Evidence == "proven" && a.Purpose != "" && len(channels) > 0 {
			w.s.Renewals = append(w.s.Renewals, opposition.Act{Event: a.Event, Time: a.Time, Subject: w.s.Subject,
				Controller: a.Controller, Purpose: a.Purpose, Channels: a.Channels, ExpiresAt: a.ExpiresAt})
		}
	}
}

func granted(at string, channels ...string) mod  { return act(event.ConsentGranted, at, channels) }
func refused(at string, channels ...string) mod  { return act(event.ConsentRefused, at, channels) }
func withdrew(at string, channels ...string) mod { return act(event.ConsentWithdrawn, at, channels) }

func proof(f func(*contactability.Proof)) mod {
	return func(w *world) {
		p := contactability.Proof{Event: w.s.Consents[len(w.s.Consents)-1].Event}
		f(&p)
		w.s.Proofs = append(w.s.Proofs, p)
	}
}

// objected enters an opposition of anna; bare with no more.
func objected(at string, more ...func(*opposition.Entry)) mod {
	return func(w *world) {
		e := opposition.Entry{Event: w.next(), Position: domain.Position(w.n), Time: instant(at), Subject: w.s.Subject, Scope: opposition.Scope{Controller: "*"}}
		for _, f := range more {
			f(&e)
		}
		w.s.Oppositions = append(w.s.Oppositions, e)
	}
}

func lifted(at, reason string) mod {
	return func(w *world) {
		last := w.s.Oppositions[len(w.s.Oppositions)-1]
		w.s.Lifts = append(w.s.Lifts, opposition.Lift{Entry: last.Event, Event: w.next(), Time: instant(at), Reason: reason})
	}
}

func stop(k contactability.StopKind, since string) mod {
	return func(w *world) {
		w.s.Stops = append(w.s.Stops, contactability.Stop{Kind: k, Event: w.next(), Since: instant(since)})
	}
}

func collected(at string, more ...func(*contactability.Collection)) mod {
	return func(w *world) {
		c := contactability.Collection{Event: w.next(), Position: domain.Position(w.n), Time: instant(at), Controller: "acme", Informed: true}
		for _, f := range more {
			f(&c)
		}
		w.s.Collections = append(w.s.Collections, c)
	}
}

// bought is a sale that meets every condition of the soft opt-in.
func bought(at string, more ...func(*contactability.Collection)) mod {
	whole := func(c *contactability.Collection) {
		c.Sale, c.ObjectionOffered, c.Addresses = contactability.Purchase, true, []string{"anna@example.fr", "+33612345678"}
	}
	return collected(at, append([]func(*contactability.Collection){whole}, more...)...)
}

func contract(started, ends, sector string, more ...func(*contactability.Contract)) mod {
	return func(w *world) {
		c := contactability.Contract{Event: w.next(), Position: domain.Position(w.n), Controller: "acme", Sector: sector, Started: instant(started)}
		if ends != "" {
			c.EndsAt = instant(ends)
		}
		for _, f := range more {
			f(&c)
		}
		w.s.Contracts = append(w.s.Contracts, c)
	}
}

func callback(at string, more ...func(*contactability.Callback)) mod {
	return func(w *world) {
		c := contactability.Callback{Event: w.next(), Position: domain.Position(w.n), Time: instant(at), Controller: "acme", Purpose: "prospecting", Proven: true}
		for _, f := range more {
			f(&c)
		}
		w.s.Callbacks = append(w.s.Callbacks, c)
	}
}

func call(at string, more ...func(*contactability.Call)) mod {
	return func(w *world) {
		c := contactability.Call{Event: w.next(), Position: domain.Position(w.n), Time: instant(at), Controller: "acme", Purpose: "prospecting"}
		for _, f := range more {
			f(&c)
		}
		w.s.Calls = append(w.s.Calls, c)
	}
}

func calls(at ...string) mod {
	return func(w *world) {
		for _, t := range at {
			call(t)(w)
		}
	}
}

func no(c *contactability.Call) { c.Refused = true }

func professional(w *world) {
	w.s.Professional = contactability.Professional{Event: w.next(), Flag: true, Company: true, Role: true}
}

func born(y int, m time.Month, d int) mod {
	return func(w *world) { w.s.BirthDate = holidays.Date{Year: y, Month: m, Day: d} }
}

func lives(zone, country, postal string) mod {
	return func(w *world) {
		w.s.Place = contactability.Place{TimeZone: zone, Country: country, PostalCode: postal}
	}
}

func number(e164 string) mod { return func(w *world) { w.s.Phones = []string{e164} } }
