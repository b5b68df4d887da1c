package contactability

import (
	"slices"
	"time"

	"greffe/domain/consent"
	"greffe/domain/holidays"
)

// call finds what founds a human call to a consumer, a callback and a denial
// aside. Consent comes first: it alone can open other slots.
func (d *deciding) call() RuleID {
	switch {
	case d.status.Allows():
		return d.because(PhoneConsent, d.status.Event)
	case d.contract(d.related):
		return PhoneContract
	case d.q.Sector == "press":
		return d.informed(PhonePress, PhonePressUninformed)
	case !d.optIn():
		return d.informed(PhoneBefore, PhoneBeforeUninformed)
	}
	return d.lacking(PhoneNoConsent, PhoneUnproven, PhoneExpired)
}

// optIn reports whether the law of 11 August 2026 is in force, as soon as it is
// in one of the person's zones.
func (d *deciding) optIn() bool {
	return d.past(d.optInBegins())
}

func (d *deciding) optInBegins() (begins time.Time) {
	for _, z := range d.places.orHome() {
		begins = sooner(begins, d.r.PhoneOptInFrom.Begins(z.loc))
	}
	return begins
}

// contract shows a running contract of the controller that fits: the one that
// began last.
func (d *deciding) contract(fits func(*Contract) bool) bool {
	last := d.standing(fits)
	if last != nil {
		d.show(last.Event)
	}
	return last != nil
}

// standing is the latest of the contracts with the controller that stand and fit; nil
// if none does.
func (d *deciding) standing(fits func(*Contract) bool) (last *Contract) {
	for i := range d.s.Contracts {
		c := &d.s.Contracts[i]
		if c.Controller != d.q.Controller || !fits(c) || c.Started.IsZero() || !d.past(c.Started) ||
			d.over(c.EndsAt) || d.over(c.Ended) {
			continue
		}
		if last == nil || c.Started.After(last.Started) || c.Started.Equal(last.Started) && c.Position > last.Position {
			last = c
		}
	}
	return last
}

func (d *deciding) over(end time.Time) bool { return !end.IsZero() && d.past(end) }

// related: the offer is about the contract's object, or of its sector ("other"
// names none).
func (d *deciding) related(c *Contract) bool {
	return d.q.Object != "" && d.q.Object == c.Object || d.sameSector(c)
}

func (d *deciding) sameSector(c *Contract) bool {
	return d.q.Sector != "" && d.q.Sector != "other" && d.q.Sector == c.Sector
}

// callback finds the latest request to be called about exactly this that still
// stands: for CallbackDays working days (R223-4), until the person says no.
func (d *deciding) callback() (last *Callback) {
	for i := range d.s.Callbacks {
		c := &d.s.Callbacks[i]
		if !c.Proven || c.Controller != d.q.Controller || c.Purpose != d.q.Purpose || c.Purpose == "" || !d.sameOffer(c) || !d.past(c.Time) {
			continue
		}
		if d.past(d.callbackEnds(c.Time)) || d.refusedSince(c.Time) {
			continue
		}
		if last == nil || c.Time.After(last.Time) || c.Time.Equal(last.Time) && c.Position > last.Position {
			last = c
		}
	}
	return last
}

// sameOffer: a request that names no sector says nothing of a banned one.
func (d *deciding) sameOffer(c *Callback) bool {
	return c.Sector == d.q.Sector || c.Sector == "" && !slices.Contains(d.r.Banned, d.q.Sector)
}

// callbackEnds is the end of the last working day, where it comes first.
func (d *deciding) callbackEnds(asked time.Time) (ends time.Time) {
	for _, z := range d.places.orHome() {
		day := holidays.AddWorking(holidays.Of(asked.In(z.loc)), d.r.CallbackDays, z.region)
		ends = sooner(ends, day.AddDays(1).Begins(z.loc))
	}
	return ends
}

func (d *deciding) refusedSince(t time.Time) (yes bool) {
	if d.denied() && !d.status.Since.Before(t) {
		return true
	}
	for i := range d.s.Calls {
		if c := &d.s.Calls[i]; c.Refused && d.counts(c) && !c.Time.Before(t) && d.past(c.Time) {
			yes = true
		}
	}
	return yes
}

// counts: calls that are known to be no prospecting, or another company's, are
// left out.
func (d *deciding) counts(c *Call) bool {
	if c.Controller != d.q.Controller && c.Controller != "" && c.Controller != consent.Any {
		return false
	}
	p, known := d.r.Purposes[c.Purpose]
	return !known || p.Prospecting
}

// banned judges the sector (L223-8). Post is not concerned.
func (d *deciding) banned(basis RuleID) RuleID {
	if d.q.Channel == Postal || !slices.Contains(d.r.Banned, d.q.Sector) || basis == PhoneCallback || basis == PhoneContract ||
		d.contract(d.sameSector) {
		return ""
	}
	d.shown = 0
	return SectorBanned
}

// called judges when a call founded on basis may be made.
func (d *deciding) called(basis RuleID) RuleID {
	var agreed []Slot
	anyTime := false
	switch basis {
	case PhoneConsent:
		if d.proof != nil {
			agreed = d.proof.Slots
		}
	case PhoneCallback:
		agreed, anyTime = d.asked.Slots, d.r.CallbackAnyTime
	}
	var ends time.Time
	if !anyTime {
		var rule RuleID
		if rule, ends = d.slot(agreed); rule != "" {
			d.shown = 0
			d.soon(ends)
			return rule
		}
	}
	if rule := d.tooMuch(basis); rule != "" {
		return rule // the end of the slot would not change that
	}
	d.soon(ends)
	return basis
}

// tooMuch looks at the calls that were made. A callback is no prospecting, but
// without news of the dialer nobody knows whether it was made or refused.
func (d *deciding) tooMuch(basis RuleID) RuleID {
	if !d.s.DialerSilentSince.IsZero() && d.past(d.s.DialerSilentSince) {
		d.shown = 0
		return DialerSilent
	}
	if basis == PhoneCallback {
		return ""
	}
	if rule := d.attempts(); rule != "" {
		return rule
	}
	return d.silence()
}

// attempts counts calls out in the last AttemptDays, over all numbers and
// subcontractors.
func (d *deciding) attempts() RuleID {
	var latest [4]*Call
	most := min(max(d.r.MaxAttempts, 1), len(latest))
	window := time.Duration(d.r.AttemptDays) * 24 * time.Hour
	n := 0
	for i := range d.s.Calls {
		c := &d.s.Calls[i]
		if c.Inbound || !d.counts(c) || !d.past(c.Time) || d.q.At.Sub(c.Time) >= window {
			continue
		}
		for at := range most {
			if latest[at] == nil || latest[at].before(c) {
				latest[at], c = c, latest[at]
			}
			if c == nil {
				break
			}
		}
		n++
	}
	if n < most {
		return ""
	}
	d.shown = 0
	for _, c := range latest[:most] {
		d.show(c.Event)
	}
	d.soon(latest[most-1].Time.Add(window))
	return FourAttempts
}

func (c *Call) before(o *Call) bool {
	if !c.Time.Equal(o.Time) {
		return c.Time.Before(o.Time)
	}
	return c.Position < o.Position
}

// silence looks for a refusal in a call: SilenceDays full calendar days must have
// passed where the person is ("jours calendaires révolus", D223-9).
func (d *deciding) silence() RuleID {
	var last *Call
	var ends time.Time
	for i := range d.s.Calls {
		c := &d.s.Calls[i]
		if c.Refused && d.counts(c) && d.past(c.Time) && (last == nil || last.before(c)) {
			last = c
		}
	}
	if last == nil {
		return ""
	}
	for _, z := range d.places.orHome() {
		if e := holidays.Of(last.Time.In(z.loc)).AddDays(d.r.SilenceDays + 1).Begins(z.loc); e.After(ends) {
			ends = e
		}
	}
	if d.past(ends) {
		return ""
	}
	d.shown = 0
	return d.because(Silence, last.Event)
}
