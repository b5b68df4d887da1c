package consent

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain/event"
	"greffe/domain/policy"
)

const phone = "phone"

// Law is how long a grant counts besides what it says itself.
type Law struct {
	Phone     policy.Period // consent to be called, C. conso. R223-1 (décret 2026-662)
	PhoneFrom time.Time     // from when that is the law: no earlier end is told
}

// Current is the law as of November 2026: one year, without tacit renewal, since
// 11 August 2026 in metropolitan France.
func Current() Law {
	return Law{Phone: policy.Period{Years: 1}, PhoneFrom: time.Date(2026, time.August, 10, 22, 0, 0, 0, time.UTC)}
}

// Solicits reports whether a purpose is prospecting (prospection): every purpose
// but those the ledger knows to be something else.
func Solicits(purpose string) bool {
	return !slices.Contains([]string{"customer_service", "contract", "billing", "recruitment", "compliance", "security"}, purpose)
}

// Term is when a grant ends for some of its channels; none means every channel.
type Term struct {
	At       time.Time
	Channels []string
}

// Terms lists when a grant ends: by what it says, and for calls by law, whichever
// is earlier. One that never ends has none.
func (l Law) Terms(a *Act) []Term {
	if a.Type != event.ConsentGranted {
		return nil
	}
	year := l.call(a)
	others := slices.DeleteFunc(slices.Clone(a.Channels), func(c string) bool { return c == phone })
	switch {
	case year.IsZero(), !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(year):
		if a.ExpiresAt.IsZero() {
			return nil
		}
		return []Term{{a.ExpiresAt, a.Channels}}
	case a.ExpiresAt.IsZero(), len(a.Channels) > 0 && len(others) == 0:
		return []Term{{year, []string{phone}}}
	}
	return []Term{{year, []string{phone}}, {a.ExpiresAt, others}}
}

// call is when the law ends the grant for calls; zero if it is not for calls or
// for no prospecting.
func (l Law) call(a *Act) time.Time {
	if len(a.Channels) > 0 && !slices.Contains(a.Channels, phone) || !Solicits(a.Purpose) {
		return time.Time{}
	}
	return l.ends(a.Time)
}

func (l Law) ends(granted time.Time) time.Time {
	if end := l.Phone.After(granted); end.After(l.PhoneFrom) {
		return end
	}
	return l.PhoneFrom
}

// All is All of the acts under the law: a consent to be called ends after its
// year, also where the grant names a later end or none, so calls have a line of
// their own wherever a line says every channel. It takes the person for a
// consumer.
func (l Law) All(acts []Act, at time.Time) []Entry {
	out := All(acts, at)
	for _, e := range out {
		q := Query{e.Controller, e.Purpose, phone}
		if e.Channel == Any && !slices.ContainsFunc(out, func(x Entry) bool { return x.Query == q }) {
			out = append(out, Entry{q, Of(acts, q, at)})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Controller, b.Controller), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Channel, b.Channel))
	})
	for i := range out {
		e := &out[i]
		if e.State != Granted || e.Channel != phone || !Solicits(e.Purpose) {
			continue
		}
		end := l.ends(e.Since)
		if e.Until.IsZero() || end.Before(e.Until) {
			e.Until = end
		}
		if !at.Before(e.Until) {
			e.State, e.Since = Expired, e.Until
		}
	}
	return out
}
