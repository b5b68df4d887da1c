package contactability

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/domain/opposition"
)

// Decide answers q from what is known.
func Decide(q Query, s *State, r *Rules) Decision {
	q.At = q.At.UTC()
	d := deciding{q: &q, s: s, r: r, purpose: r.Purposes[q.Purpose]}
	rule := d.run()
	answer := Decision{Allowed: rulebook[rank[rule]].Allows, Rule: rule, Shared: d.shared, ValidUntil: d.next}
	if d.shown > 0 {
		answer.Evidence = slices.Clone(d.evidence[:d.shown])
	}
	return answer
}

// deciding is one decision on its way.
type deciding struct {
	q       *Query
	s       *State
	r       *Rules
	purpose Purpose
	status  consent.Status
	proof   *Proof // of status, if there is more about it
	places  places
	asked   *Callback // that founds a call

	next     time.Time
	evidence [4]domain.ID
	shown    int
	shared   bool // who objected is another with the same address
}

// soon notes that the answer may change at t.
func (d *deciding) soon(t time.Time) {
	if t.After(d.q.At) {
		d.next = sooner(d.next, t)
	}
}

// past reports whether t has come, and if not notes it.
func (d *deciding) past(t time.Time) bool {
	if t.After(d.q.At) {
		d.soon(t)
		return false
	}
	return true
}

// show adds evidence.
func (d *deciding) show(id domain.ID) {
	if !id.IsZero() && d.shown < len(d.evidence) && !slices.Contains(d.evidence[:d.shown], id) {
		d.evidence[d.shown] = id
		d.shown++
	}
}

// because ends with a rule that rests on one event.
func (d *deciding) because(rule RuleID, id domain.ID) RuleID {
	d.show(id)
	return rule
}

// run tries the rules in their order and returns the one that decides.
func (d *deciding) run() RuleID {
	if d.q.At.IsZero() {
		return InputTime
	}
	if rule := d.opposed(); rule != "" {
		return rule
	}
	if rule := d.input(); rule != "" {
		return rule
	}
	if rule := d.stopped(); rule != "" {
		return rule
	}
	if d.s.Subject.IsZero() {
		if d.genericBox() {
			return GenericBox
		}
		return PersonUnknown
	}
	if d.q.Channel == Phone || !d.s.BirthDate.IsZero() {
		d.places.find(d.q, d.s, d.r)
	}
	d.consented()
	rule := d.basis()
	if !rulebook[rank[rule]].Allows || !d.consumerProspecting() {
		return rule
	}
	if banned := d.banned(rule); banned != "" {
		return banned
	}
	if d.q.Channel != Phone {
		return rule
	}
	return d.called(rule)
}

func (d *deciding) opposed() RuleID {
	q := opposition.Question{Channel: d.q.Channel, Purpose: d.q.Purpose, Controller: d.q.Controller, At: d.q.At, Owed: d.owed()}
	e, next := opposition.Binding(d.s.Oppositions, d.s.Lifts, d.s.Renewals, q)
	d.soon(next)
	switch {
	case e == nil:
		return ""
	case e.Subject.IsZero():
		return d.because(OpposedAddress, e.Event)
	}
	d.shared = slices.Contains(d.s.Shared, e.Event)
	return d.because(OpposedPerson, e.Event)
}

// owed reports whether the use rests on a contract that stands, or on a duty by law:
// art. 21(1) lets nobody object to these.
func (d *deciding) owed() bool {
	return !d.purpose.Prospecting && (slices.Contains(d.purpose.Bases, "legal_obligation") ||
		slices.Contains(d.purpose.Bases, "contract") && d.standing(func(*Contract) bool { return true }) != nil)
}

func (d *deciding) input() RuleID {
	q, r := d.q, d.r
	switch _, known := r.Purposes[q.Purpose]; {
	case !slices.Contains([]string{Email, SMS, Phone, Postal, Social}, q.Channel):
		return InputChannel
	case !known:
		return InputPurpose
	case len(d.purpose.Channels) > 0 && !slices.Contains(d.purpose.Channels, q.Channel):
		return InputUse
	case !slices.Contains(r.Controllers, q.Controller):
		return InputController
	case q.Offer != "" && q.Offer != "similar" && q.Offer != "other":
		return InputOffer
	case q.Sector != "" && !slices.Contains(r.Sectors, q.Sector):
		return InputSector
	}
	return ""
}

// stopped looks for a standing that ends every use.
func (d *deciding) stopped() RuleID {
	var worst *Stop
	for i := range d.s.Stops {
		x := &d.s.Stops[i]
		if !d.past(x.Since) || !x.Until.IsZero() && d.past(x.Until) {
			continue
		}
		if worst == nil || x.before(worst) {
			worst = x
		}
	}
	if worst == nil {
		return ""
	}
	switch worst.Kind {
	case Erased:
		return d.because(PersonErased, worst.Event)
	case Deceased:
		return d.because(PersonDeceased, worst.Event)
	case DeletedUpstream:
		return d.because(PersonDeleted, worst.Event)
	case Unreadable:
		return d.because(PersonUnreadable, worst.Event)
	}
	return d.because(PersonRestricted, worst.Event)
}

func (x *Stop) before(y *Stop) bool {
	if x.Kind != y.Kind {
		return x.Kind < y.Kind
	}
	return slices.Compare(x.Event[:], y.Event[:]) < 0
}

// consented reads the consent for exactly what is asked. A denial dated ahead of
// the ledger's own clock holds from when it was recorded.
func (d *deciding) consented() {
	q := d.q
	ask := consent.Query{Controller: q.Controller, Purpose: q.Purpose, Channel: q.Channel}
	d.status = consent.Of(d.s.Consents, ask, q.At)
	for i := range d.s.Consents {
		a := &d.s.Consents[i]
		if d.past(a.Time) {
			continue
		}
		if p := d.proofOf(a.Event); p != nil && !p.Recorded.IsZero() && d.past(p.Recorded) {
			d.early(a, ask)
		}
	}
	if d.status.State == consent.Granted {
		d.proof = d.proofOf(d.status.Event)
		d.soon(d.status.Until)
		d.oneYear()
	}
}

// early lets a denial hold that is recorded but dated later than the instant.
func (d *deciding) early(a *consent.Act, ask consent.Query) {
	if a.Type != event.ConsentRefused && a.Type != event.ConsentWithdrawn {
		return
	}
	s := consent.Of([]consent.Act{*a}, ask, a.Time)
	if s.State != consent.None && (!d.denied() || s.Since.After(d.status.Since) || s.Since.Equal(d.status.Since) && s.Position > d.status.Position) {
		d.status = s
	}
}

// denied reports a refusal or withdrawal that stands.
func (d *deciding) denied() bool {
	return d.status.State == consent.Refused || d.status.State == consent.Withdrawn
}

// oneYear ends a consumer's consent to calls a year after it was given (R223-1),
// whatever longer time it names, but not before that is the law.
func (d *deciding) oneYear() {
	if d.q.Channel != Phone || !d.consumerProspecting() {
		return
	}
	ends := d.r.PhoneValidity.After(d.status.Since)
	if from := d.optInBegins(); from.After(ends) {
		ends = from
	}
	if d.past(ends) {
		d.status.State = consent.Expired
	}
}

func (d *deciding) proofOf(id domain.ID) *Proof {
	for i := range d.s.Proofs {
		if d.s.Proofs[i].Event == id {
			return &d.s.Proofs[i]
		}
	}
	return nil
}
