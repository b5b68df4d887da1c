package minimisation

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// Statement says what is known of a notice's text.
type Statement byte

// What a notice's text says of calls.
const (
	TextNotHeld Statement = iota // nobody published it, nor was it sent along
	SaysNothing
	SaysIt // calls need consent beforehand: C. conso. L223-1
)

// Context is what a look needs besides the facts of a person. Nothing in it changes
// while it is used.
type Context struct {
	Now     time.Time
	Notices map[domain.ID]Statement // published ones; one that is absent has no text
	bases   map[string][]string     // of a purpose
}

// NewContext reads the policy in force.
func NewContext(p *policy.Policy, now time.Time, notices map[domain.ID]Statement) *Context {
	c := &Context{Now: now, Notices: notices, bases: map[string][]string{}}
	for _, x := range p.Purposes() {
		c.bases[x.Code] = x.LegalBases
	}
	return c
}

const basisConsent = "consent"

// allows reports that the policy lets a purpose stand on a basis.
func (c *Context) allows(purpose, basis string) bool {
	return slices.Contains(c.bases[purpose], basis)
}

// The lengths of the look.
const (
	// sameTime is how far apart the clocks of two systems may be that tell of one
	// act: a form's data and the notice shown with it.
	sameTime = 24 * time.Hour
	// staleYears without an act of the person, a delivery or a correction make an
	// address obsolete: the term of délib. CNIL 2021-131 for prospects.
	staleYears = 3
)

// callsNeedConsent is since when a phone number may not be collected without saying
// so: loi 2025-594 art. 13, in force on 11 August 2026, Paris.
var callsNeedConsent = time.Date(2026, 8, 10, 22, 0, 0, 0, time.UTC)

// monthAfter is the end of the month that begins at t: art. 14(3)(a), counted as
// Regulation 1182/71 does, so 31 January and a month is the last day of February.
func monthAfter(t time.Time) time.Time {
	to := t.AddDate(0, 1, 0)
	if to.Day() != t.Day() {
		to = to.AddDate(0, 0, -to.Day())
	}
	return to.Truncate(sameTime).Add(sameTime)
}
