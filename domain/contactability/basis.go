package contactability

import (
	"slices"
	"time"

	"greffe/domain/consent"
)

// consumerProspecting reports whether the rules that protect consumers from
// prospecting hold.
func (d *deciding) consumerProspecting() bool {
	return d.purpose.Prospecting && !d.professional() && !d.boxOfProfessional()
}

// professional: in doubt a consumer (regulation.md §2, sole traders).
func (d *deciding) professional() bool {
	p := &d.s.Professional
	return p.Flag && p.Company && p.Role && !p.SoleTrader
}

func (d *deciding) genericBox() bool {
	return d.purpose.Prospecting && d.q.Channel == Email && d.r.generic(d.q.Address)
}

func (d *deciding) boxOfProfessional() bool { return d.s.Professional.Flag && d.genericBox() }

// basis finds what the contact is founded on, or the rule that denies.
func (d *deciding) basis() RuleID {
	switch {
	case !d.purpose.Prospecting:
		return d.service()
	case d.boxOfProfessional():
		if d.denied() {
			return d.denial()
		}
		return d.because(GenericBox, d.s.Professional.Event)
	case d.professional():
		return d.role()
	}
	return d.consumer()
}

// denial is the rule of a refusal or withdrawal.
func (d *deciding) denial() RuleID {
	if d.status.State == consent.Refused {
		return d.because(ConsentRefused, d.status.Event)
	}
	return d.because(ConsentWithdrawn, d.status.Event)
}

// role judges a professional, who is contacted by legitimate interest.
func (d *deciding) role() RuleID {
	if d.denied() {
		return d.denial()
	}
	d.show(d.s.Professional.Event)
	if d.status.Allows() {
		return d.because(ProfessionalConsent, d.status.Event)
	}
	return d.informed(ProfessionalInterest, ProfessionalUninformed)
}

// consumer judges everybody else.
func (d *deciding) consumer() RuleID {
	granted := d.status.Allows()
	joint := granted && d.proof != nil && d.proof.Guardian
	call := d.q.Channel == Phone && !d.q.Automated
	if call {
		d.asked = d.callback()
	}
	switch {
	case !joint && !d.s.AgeUnread.IsZero():
		return d.because(AgeUnread, d.s.AgeUnread)
	case !joint && d.minorAt(d.q.At):
		return PersonMinor
	case d.asked != nil:
		return d.because(PhoneCallback, d.asked.Event)
	case d.denied():
		return d.denial()
	case granted && !joint && d.minorAt(d.status.Since):
		return d.because(MinorConsent, d.status.Event)
	case call:
		return d.call()
	case d.q.Channel == Postal && granted:
		return d.because(PostConsent, d.status.Event)
	case d.q.Channel == Postal:
		return d.informed(PostInformed, PostUninformed)
	case granted:
		return d.because(ElectronicConsent, d.status.Event)
	case d.q.Channel == Email || d.q.Channel == SMS:
		return d.softOptIn()
	}
	return d.lacking(ElectronicNoConsent, ElectronicUnproven, ElectronicExpired)
}

// lacking says why there is no consent.
func (d *deciding) lacking(none, unproven, expired RuleID) RuleID {
	switch d.status.State {
	case consent.Unproven:
		return d.because(unproven, d.status.Event)
	case consent.Expired:
		return d.because(expired, d.status.Event)
	}
	return none
}

// minorAt reports whether the person was under MinorAge at t. The
// birthday counts when it has begun in every zone of the person.
func (d *deciding) minorAt(t time.Time) bool {
	if d.s.BirthDate.IsZero() || d.s.BirthDate.Year+d.r.MinorAge+1 < t.Year() {
		return false
	}
	day := d.s.BirthDate.AddYears(d.r.MinorAge)
	var begins time.Time
	for _, z := range d.places.orHome() {
		if b := day.Begins(z.loc); b.After(begins) {
			begins = b
		}
	}
	d.soon(begins)
	return t.Before(begins)
}

// informed finds the notice by which the person knew of this purpose and of the
// right to object (art. 13, 14, 21(4)): the first one.
func (d *deciding) informed(yes, no RuleID) RuleID {
	var first *Collection
	for i := range d.s.Collections {
		c := &d.s.Collections[i]
		if c.Controller != d.q.Controller || !c.Informed && !c.ObjectionOffered ||
			len(c.Purposes) > 0 && !slices.Contains(c.Purposes, d.q.Purpose) || !d.past(c.Time) {
			continue
		}
		if first == nil || first.after(c) {
			first = c
		}
	}
	if first == nil {
		d.shown = 0
		return no
	}
	return d.because(yes, first.Event)
}

func (c *Collection) after(o *Collection) bool {
	if !c.Time.Equal(o.Time) {
		return c.Time.After(o.Time)
	}
	return c.Position > o.Position
}

// softOptIn judges the sale that meets most of the conditions of CPCE L34-5 al.
// 4, the latest of equals.
func (d *deciding) softOptIn() RuleID {
	var best *Collection
	met, rule := -1, RuleID("")
	for i := range d.s.Collections {
		c := &d.s.Collections[i]
		if c.Sale == NoSale || c.Controller != d.q.Controller || !d.past(c.Time) {
			continue
		}
		if n, r := d.sale(c); n > met || n == met && c.after(best) {
			best, met, rule = c, n, r
		}
	}
	if best == nil {
		return d.lacking(ElectronicNoConsent, ElectronicUnproven, ElectronicExpired)
	}
	return d.because(rule, best.Event)
}

// sale tells how many conditions the sale meets, and the rule that follows.
func (d *deciding) sale(c *Collection) (met int, rule RuleID) {
	free := c.Sale == FreeAccount
	switch {
	case !free && c.Sale != Purchase && c.Sale != Service:
		return 0, SoftNotSale
	case free && !d.r.FreeAccountIsSale:
		return 1, SoftFreeAccount
	case !d.givenIn(c):
		return 2, SoftAddress
	case !c.ObjectionOffered:
		return 3, SoftObjection
	case d.q.Offer != "similar":
		return 4, SoftOffer
	case free:
		return 5, SoftOptInFreeAccount
	}
	return 6, SoftOptIn
}

// givenIn reports whether the address to be used, or else each the person has on
// the channel, was given in that sale.
func (d *deciding) givenIn(c *Collection) bool {
	if d.q.Address != "" {
		return slices.Contains(c.Addresses, d.q.Address)
	}
	all := d.s.Emails
	if d.q.Channel == SMS {
		all = d.s.Phones
	}
	return len(all) > 0 && !slices.ContainsFunc(all, func(a string) bool { return !slices.Contains(c.Addresses, a) })
}

// service judges a message that is no prospecting, by the bases of its purpose.
func (d *deciding) service() RuleID {
	bases := d.purpose.Bases
	switch {
	case d.denied():
		return d.denial()
	case slices.Contains(bases, "contract") && d.contract(func(*Contract) bool { return true }):
		return ServiceContract
	case slices.Contains(bases, "legal_obligation"):
		return ServiceObligation
	case slices.Contains(bases, "consent") && d.status.Allows():
		return d.because(ServiceConsent, d.status.Event)
	case slices.Contains(bases, "legitimate_interest"):
		return d.informed(ServiceInterest, ServiceNoBasis)
	}
	return ServiceNoBasis
}
