package minimisation

import (
	"slices"

	"greffe/domain"
)

// Findings are what is to be said of a person, none of somebody who was erased or of
// whom no contact was recorded.
func (p *Person) Findings(c *Context, subject domain.ID) []Finding {
	if p.erased || p.created == 0 {
		return nil
	}
	var out []Finding
	say := func(k Kind, detail string) {
		out = append(out, Finding{Kind: k, Subject: subject, Event: p.event, Position: p.created - 1, Detail: detail})
	}
	if k := p.information(c); k != "" {
		say(k, "")
	}
	if detail := p.statement(); detail != "" {
		say(PhoneStatement, detail)
	}
	for i := range p.grants {
		g := &p.grants[i]
		if _, published := c.Notices[g.notice]; published && !g.notice.IsZero() || !p.stands(g) {
			continue
		}
		out = append(out, Finding{Kind: ConsentNoText, Subject: subject, Event: g.event, Position: g.position, Detail: g.purpose})
	}
	for _, x := range p.wrong {
		say(PurposeNoBasis, x)
	}
	for _, x := range p.relies {
		if !slices.Contains(p.consented, x) && !slices.Contains(p.wrong, x) {
			say(PurposeNoBasis, x)
		}
	}
	if !p.sourced {
		say(NoSource, "")
	}
	for i, name := range addressNames() {
		switch a := p.addresses[i]; {
		case a.set == 0:
		case a.bounced > a.set && a.bounced > a.reached:
			say(AddressBounced, name)
		case moment(max(a.set, a.reached, p.active)).AddDate(staleYears, 0, 0).Before(c.Now):
			say(AddressObsolete, name)
		}
	}
	if p.deleted > p.seen {
		say(GoneUpstream, "")
	}
	return out
}

// information says how the duty of art. 13 and 14 was missed, "" if it was not. Of
// data whose way in is not known the milder art. 14 is asked.
func (p *Person) information(c *Context) Kind {
	collected, informed := moment(p.collected), moment(p.informed)
	month := monthAfter(collected)
	switch {
	case p.informed == 0 && p.direct && c.Now.After(collected.Add(sameTime)):
		return NeverInformed
	case p.informed == 0 && (c.Now.After(month) || p.contacted != 0):
		return NeverInformed
	case p.informed == 0:
		return ""
	case p.direct && informed.After(collected.Add(sameTime)):
		return InformedLate
	case p.direct:
		return ""
	case informed.After(month):
		return InformedMonth
	case p.contacted != 0 && informed.After(moment(p.contacted).Add(sameTime)):
		return InformedContact
	}
	return ""
}

// statement says why a phone number was collected without that of L223-1, "" if it
// was not. It protects consumers.
func (p *Person) statement() string {
	switch {
	case p.phones == 0 || !p.phoned || p.professional:
		return ""
	case p.told != 0 && p.told <= p.phones+sameTime.Microseconds():
		return ""
	case p.told != 0:
		return "said_late"
	case p.informed == 0:
		return "no_notice"
	case p.unheld:
		return "text_not_held"
	}
	return "not_said"
}
