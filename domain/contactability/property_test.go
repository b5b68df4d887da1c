package contactability_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/consent"
	. "greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/holidays"
	"greffe/domain/opposition"
)

// moment draws an instant of a few weeks, mostly on the quarter of an hour, so
// that things meet.
func moment(t *rapid.T, name string) string {
	day := rapid.IntRange(-40, 20).Draw(t, name)
	quarter := rapid.IntRange(0, 95).Draw(t, name+" quarter")
	return instant("2026-08-20").AddDate(0, 0, day).Add(time.Duration(quarter) * 15 * time.Minute).Format("2006-01-02 15:04")
}

func pick[T any](t *rapid.T, name string, l ...T) T { return rapid.SampledFrom(l).Draw(t, name) }

func some(t *rapid.T, of ...string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 2, rapid.ID[string]).Draw(t, "some")
}

func drawObjection(t *rapid.T) mod {
	p, ch, who, ctl := pick(t, "purpose", "", "prospecting", "billing"), some(t, Email, Phone, SMS), pick(t, "who", anna, bob, nobodyID), pick(t, "controller", "*", "acme", "partner")
	at := moment(t, "objection")
	return objected(at, func(e *opposition.Entry) {
		e.Purpose, e.Channels, e.Subject, e.Controller = p, ch, who, ctl
		if len(ch) > 0 {
			e.Recorded = e.Time.Add(-time.Hour)
		}
	})
}

func drawDenial(t *rapid.T) mod {
	p, ctl := pick(t, "purpose", "", "prospecting"), pick(t, "controller", "*", "acme", "partner")
	return act(pick(t, "denial", event.ConsentRefused, event.ConsentWithdrawn), moment(t, "denied"), some(t, Email, Phone, SMS, Postal),
		func(a *consent.Act) { a.Purpose, a.Controller = p, ctl })
}

func drawGrant(t *rapid.T) mod {
	ends, proven := rapid.IntRange(0, 3).Draw(t, "ends"), pick(t, "proven", true, true, true, false)
	return act(event.ConsentGranted, moment(t, "granted"), some(t, Email, Phone, SMS, Postal, Social), func(a *consent.Act) {
		if ends > 0 {
			a.ExpiresAt = a.Time.AddDate(0, 0, 10*ends)
		}
		if !proven {
			a.Evidence = "unproven"
		}
	})
}

func drawRefusal(t *rapid.T) mod {
	ctl, in := pick(t, "controller", "acme", "acme", "", "partner"), rapid.Bool().Draw(t, "inbound")
	return call(moment(t, "refused"), func(c *Call) { c.Refused, c.Controller, c.Inbound = true, ctl, in })
}

func drawPermission(t *rapid.T) mod {
	sale, offered := pick(t, "sale", NoSale, Purchase, FreeAccount), pick(t, "offered", true, true, false)
	sect := pick(t, "sector", "", "energy", "energy_renovation")
	at := moment(t, "permission")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return bought(at, func(c *Collection) { c.Sale, c.ObjectionOffered, c.Informed = sale, offered, offered })
	case 1:
		return contract(at, pick(t, "end", "", moment(t, "ends")), sect)
	case 2:
		return callback(at, func(c *Callback) { c.Sector = sect })
	}
	return call(at)
}

// drawn is a world with something of everything, at an instant that matters.
func drawn(t *rapid.T) *world {
	w := ask(pick(t, "channel", Phone, Phone, Phone, Email, Email, SMS, Postal, Social), moment(t, "at"),
		sector(pick(t, "sector", "", "energy", "energy_renovation", "press")), offer(pick(t, "offer", "similar", "similar", "other", "")),
		purpose(pick(t, "purpose", "prospecting", "prospecting", "prospecting", "contract", "customer_service")))
	for _, x := range rapid.SliceOfN(rapid.IntRange(0, 24), 2, 10).Draw(t, "what") {
		switch {
		case x == 0:
			drawObjection(t)(w)
			if rapid.Bool().Draw(t, "lift") {
				lifted(moment(t, "lifted"), pick(t, "reason", "", "registered_in_error"))(w)
			}
		case x == 1:
			drawDenial(t)(w)
			if rapid.Bool().Draw(t, "ahead") {
				proof(func(p *Proof) { p.Recorded = w.s.Consents[len(w.s.Consents)-1].Time.Add(-time.Hour) })(w)
			}
		case x == 2:
			stop(pick(t, "stop", Erased, Deceased, Restricted), moment(t, "stopped"))(w)
		case x == 3:
			drawRefusal(t)(w)
		case x < 14:
			drawGrant(t)(w)
		default:
			drawPermission(t)(w)
		}
	}
	w.s.Place = pick(t, "place", Place{}, Place{}, Place{PostalCode: "97400"}, Place{TimeZone: "America/Martinique"})
	if rapid.IntRange(0, 9).Draw(t, "minor") == 0 {
		w.s.BirthDate = holidays.Date{Year: 2011, Month: time.August, Day: 20}
	}
	switch rapid.IntRange(0, 7).Draw(t, "more") {
	case 0:
		w.s.DialerSilentSince = instant(moment(t, "silent"))
	case 1:
		professional(w)
	}
	return w
}

// hours walks through the weeks, an odd while at a time.
func hours(w *world) func(func() bool) {
	return func(yield func() bool) {
		first := instant("2026-07-11 09:59")
		for at := first; at.Before(first.AddDate(0, 2, 0)); at = at.Add(13*time.Hour + 15*time.Minute) {
			if w.q.At = at; !yield() {
				return
			}
		}
	}
}

// TestAnObjectionThatBindsNeverAllows asks package opposition itself. What a contract or
// the law owes passes by objections to everything alone.
func TestAnObjectionThatBindsNeverAllows(t *testing.T) {
	t.Parallel()
	bound, owed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		drawObjection(t)(w)
		for range hours(w) {
			q := opposition.Question{Channel: w.q.Channel, Purpose: w.q.Purpose, Controller: w.q.Controller, At: w.q.At}
			any, _ := opposition.Binding(w.s.Oppositions, w.s.Lifts, w.s.Renewals, q)
			if any == nil {
				continue
			}
			q.Owed = true
			named, _ := opposition.Binding(w.s.Oppositions, w.s.Lifts, w.s.Renewals, q)
			d := w.decide()
			service, opposed := w.q.Purpose != "prospecting", d.Rule == OpposedPerson || d.Rule == OpposedAddress
			switch {
			case d.Allowed && service && named == nil && d.Rule == ServiceContract:
				owed++
			case d.Allowed, !opposed && (named != nil || !service):
				t.Fatalf("bound at %v, yet %+v", w.q.At, d)
			case !service && !slices.Contains(d.Evidence, any.Event):
				t.Fatalf("bound at %v by %v, yet shown %+v", w.q.At, any.Event, d)
			default:
				bound++
			}
		}
	})
	if bound < 100 || owed < 10 {
		t.Errorf("%d objections bound, %d uses were owed: the test shows nothing", bound, owed)
	}
}

func TestOneMoreNoNeverAllows(t *testing.T) {
	t.Parallel()
	allowed, turned := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		var before []Decision
		for range hours(w) {
			before = append(before, w.decide())
		}
		no := []func(*rapid.T) mod{drawObjection, drawDenial, drawRefusal}[rapid.IntRange(0, 2).Draw(t, "no")]
		no(t)(w)
		for range hours(w) {
			was, is := before[0], w.decide()
			before = before[1:]
			if is.Allowed && !was.Allowed {
				t.Fatalf("at %v %s became %s", w.q.At, was.Rule, is.Rule)
			}
			if was.Allowed {
				allowed++
			}
			if was.Allowed && !is.Allowed {
				turned++
			}
		}
	})
	if allowed < 100 || turned < 5 {
		t.Errorf("%d were allowed before, %d after turned: the test shows nothing", allowed, turned)
	}
}

func TestOrderOfArrivalNeverMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		var before []Decision
		for range hours(w) {
			before = append(before, w.decide())
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffle(r, w.s.Oppositions)
		shuffle(r, w.s.Lifts)
		shuffle(r, w.s.Renewals)
		shuffle(r, w.s.Stops)
		shuffle(r, w.s.Consents)
		shuffle(r, w.s.Proofs)
		shuffle(r, w.s.Collections)
		shuffle(r, w.s.Contracts)
		shuffle(r, w.s.Callbacks)
		shuffle(r, w.s.Calls)
		for range hours(w) {
			if d := cmp.Diff(before[0], w.decide()); d != "" {
				t.Fatalf("at %v: %s", w.q.At, d)
			}
			before = before[1:]
		}
	})
}

func shuffle[T any](r *rand.Rand, l []T) {
	r.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
}

// TestTheAnswerHoldsUntilItSays: nothing changes by time alone before
// ValidUntil; and what is allowed shows why.
func TestTheAnswerHoldsUntilItSays(t *testing.T) {
	t.Parallel()
	ended := 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		at, d := w.q.At, w.decide()
		if d.Allowed && len(d.Evidence) == 0 && d.Rule != GenericBox && d.Rule != ServiceObligation {
			t.Fatalf("%s without evidence", d.Rule)
		}
		last := at.AddDate(0, 3, 0)
		if !d.ValidUntil.IsZero() {
			ended++
			last = d.ValidUntil
			if !last.After(at) {
				t.Fatalf("%s valid until %v, asked at %v", d.Rule, last, at)
			}
		}
		span := int64(last.Sub(at))
		for range 20 {
			w.q.At = at.Add(time.Duration(rapid.Int64Range(0, span-1).Draw(t, "later")))
			if later := w.decide(); later.Allowed != d.Allowed || d.Allowed && later.Rule != d.Rule {
				t.Fatalf("%s at %v holds until %v, but at %v %s decides", d.Rule, at, last, w.q.At, later.Rule)
			}
		}
		w.q.At = last.Add(-1)
		if later := w.decide(); later.Allowed != d.Allowed {
			t.Fatalf("%s at %v holds until %v, but just before it %s decides", d.Rule, at, last, later.Rule)
		}
	})
	if ended < 10 {
		t.Errorf("only %d answers end: the test shows nothing", ended)
	}
}

// TestNothingGivenIsChanged: the function is pure.
func TestNothingGivenIsChanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		kept := w.s
		kept.Consents, kept.Calls, kept.Collections = slices.Clone(w.s.Consents), slices.Clone(w.s.Calls), slices.Clone(w.s.Collections)
		first := w.decide()
		if d := cmp.Diff(first, w.decide()); d != "" {
			t.Fatalf("asked twice: %s", d)
		}
		if d := cmp.Diff(kept, w.s); d != "" {
			t.Fatalf("the state changed: %s", d)
		}
	})
}
