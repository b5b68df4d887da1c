package decisions

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/token"
)

// person is one subject with everybody it is merged with, as known below a
// position. own is first of files.
type person struct {
	files  []*file
	broken bool // something could not be read: nothing may rest on the rest
	listed []against
	seen   map[domain.Position]*values // what was opened
	state  *contactability.State
	opened bool // state holds what is sealed
}

// against is what is listed against one address that the person has or had.
type against struct {
	kind token.Kind
	Listed
}

// binds is what of it holds for a channel: all if the address is of the channel's
// kind. For another channel an objection of somebody else who has the address says
// nothing; one by the address alone does, as it may well be this person's.
func (a *against) binds(channel string) (l Listed, some bool) {
	kind := token.KindPhone
	if channel == contactability.Email {
		kind = token.KindEmail
	}
	if a.kind == kind && channel != contactability.Postal && channel != contactability.Social {
		return a.Listed, true
	}
	l.Lifts = a.Lifts
	for _, e := range a.Entries {
		if e.Subject.IsZero() {
			l.Entries = append(l.Entries, e)
		}
	}
	return l, len(l.Entries) > 0
}

func (p *person) own() *file { return p.files[0] }

// known reports whether anything is known of the person itself.
func (p *person) known() bool { return p.broken || len(p.own().records) > 0 }

// winner is the record that gives the standing value of a path among contact
// facts: nil if there is none, or it was unset.
func (f *file) winner(path mask) *record {
	var best *record
	for i := range f.records {
		r := &f.records[i]
		if (r.fields|r.unset)&path == 0 || r.fact.Type != event.ContactCreated && r.fact.Type != event.ContactChanged {
			continue
		}
		if best == nil || contact.Wins(r.stamp(), best.stamp()) {
			best = r
		}
	}
	if best == nil || best.fields&path == 0 {
		return nil
	}
	return best
}

func (r *record) stamp() contact.Stamp {
	return contact.Stamp{Time: r.fact.Time.Time, Position: r.position}
}

// flag is the standing value of a clear code, and the event that gave it; unset
// is the path of the same name.
func (f *file) flag(name string, unset mask) (on bool, by domain.ID) {
	var best *record
	for i := range f.records {
		r := &f.records[i]
		has := r.unset&unset != 0 || slices.ContainsFunc(r.fact.Codes, func(c event.Code) bool { return c.Name == name })
		if has && (best == nil || contact.Wins(r.stamp(), best.stamp())) {
			best = r
		}
	}
	if best == nil || !best.fact.Codes.Bool(name) {
		return false, domain.ID{}
	}
	return true, best.fact.ID
}

// isSale reports a fact that says the data came in by a sale.
func (r *record) isSale() bool { return r.fact.Codes.String("collection.channel") == "sale" }

func (r *record) isContract() bool {
	t := r.fact.Type
	return t == event.ContractStarted || t == event.ContractChanged || t == event.ContractEnded
}

// sealed lists the positions whose parts this decision could turn on; none: what
// is clear decides.
func (p *person) sealed(q *contactability.Query, rule contactability.RuleID, r *contactability.Rules) (at []domain.Position) {
	switch rule {
	case contactability.InputTime, contactability.OpposedPerson, contactability.OpposedAddress, contactability.InputChannel,
		contactability.InputPurpose, contactability.InputUse, contactability.InputController, contactability.InputOffer,
		contactability.InputSector, contactability.PersonErased, contactability.PersonDeceased, contactability.PersonRestricted,
		contactability.PersonDeleted, contactability.PersonUnreadable, contactability.PersonUnknown:
		return nil
	}
	f, phone := p.own(), q.Channel == contactability.Phone
	want := func(m mask) {
		for path := hasBirth; path <= hasRole; path <<= 1 {
			if m&path == 0 {
				continue
			}
			if w := f.winner(path); w != nil {
				at = append(at, w.position)
			}
		}
	}
	for _, other := range p.files {
		if w := other.winner(hasBirth); w != nil {
			at = append(at, w.position)
		}
	}
	if pro, _ := f.flag("professional", hasFlag); pro {
		want(hasCompany | hasSIREN | hasRole)
	}
	if phone || len(at) > 0 {
		want(hasPlace | hasZone | hasPhones)
	}
	sales := false
	for i := range f.records {
		x := &f.records[i]
		if x.isSale() && !phone && q.Channel != contactability.Postal {
			sales, at = true, append(at, x.position)
		}
		if x.isContract() && x.fields&(hasReference|hasObject) != 0 && (phone || q.Sector != "" || !r.Purposes[q.Purpose].Prospecting) {
			at = append(at, x.position)
		}
	}
	if sales {
		want(hasEmails | hasPhones)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// build folds what is known into a state; of what is sealed, what was opened.
func (p *person) build() *contactability.State {
	s := &contactability.State{}
	if p.known() {
		s.Subject = p.own().subject
	}
	if p.broken {
		s.Stops = append(s.Stops, contactability.Stop{Kind: contactability.Unreadable})
	}
	for i, f := range p.files {
		if f.erased {
			s.Stops = append(s.Stops, contactability.Stop{Kind: contactability.Erased, Event: f.records[0].fact.ID})
			continue
		}
		for j := range f.records {
			r := &f.records[j]
			k := contactability.Known{Position: r.position, Fact: &r.fact, Own: i == 0}
			k.Fact.Subject = f.subject
			if v := p.seen[r.position]; v != nil && i == 0 {
				k.Addresses = slices.Concat(v.emails, v.phones)
			}
			s.Add(k)
			if l, ok := liftOf(&r.fact); ok {
				s.Lifts = append(s.Lifts, l)
			}
		}
		unrestrict(s, f)
	}
	p.upstream(s)
	p.contracts(s)
	p.describe(s)
	return s
}

// liftOf reads a lift of a whole entry. One for some address alone does not end
// the person's own objection.
func liftOf(f *event.Fact) (l opposition.Lift, ok bool) {
	if f.Type != event.OppositionLifted || f.Codes.String("of") == "address" {
		return l, false
	}
	return opposition.Lift{Entry: f.Codes.ID("entry"), Event: f.ID, Time: f.Time.Time, Reason: f.Codes.String("reason")}, true
}

// unrestrict ends restrictions of f by the facts that lift them: the one that is
// named, or else those placed before.
func unrestrict(s *contactability.State, f *file) {
	for i := range f.records {
		lift := &f.records[i]
		if lift.fact.Type != event.RestrictionLifted {
			continue
		}
		named := lift.fact.Codes.ID("restriction")
		for j := range f.records {
			placed := &f.records[j]
			if placed.fact.Type != event.RestrictionPlaced || placed.position > lift.position ||
				!named.IsZero() && placed.fact.ID != named {
				continue
			}
			for k := range s.Stops {
				if x := &s.Stops[k]; x.Event == placed.fact.ID {
					x.Until = earlier(x.Until, lift.fact.Time.Time)
				}
			}
		}
	}
}

// upstream notes that no source holds the person any more: of each that said so
// the last word is a deletion (design §4, contact.deleted).
func (p *person) upstream(s *contactability.State) {
	type word struct {
		file   int
		source domain.ID
	}
	last := map[word]*record{}
	for i, f := range p.files {
		for j := range f.records {
			r := &f.records[j]
			switch r.fact.Type {
			case event.ContactCreated, event.ContactChanged, event.ContactDeleted:
				w := word{i, r.fact.Source}
				if last[w] == nil || contact.Wins(r.stamp(), last[w].stamp()) {
					last[w] = r
				}
			}
		}
	}
	var gone *record
	for _, r := range last {
		if r.fact.Type != event.ContactDeleted {
			return
		}
		if gone == nil || contact.Wins(r.stamp(), gone.stamp()) {
			gone = r
		}
	}
	if gone != nil {
		s.Stops = append(s.Stops, contactability.Stop{Kind: contactability.DeletedUpstream, Event: gone.fact.ID, Since: began(gone)})
	}
}

// began is from when a fact that protects holds, a producer's clock ahead or not.
func began(r *record) time.Time {
	if r.fact.Recorded.Before(r.fact.Time.Time) {
		return r.fact.Recorded.Time
	}
	return r.fact.Time.Time
}

// contracts folds the person's own contracts by their references. An end whose
// reference is not known ends every contract of that controller begun before.
func (p *person) contracts(s *contactability.State) {
	type of struct{ controller, ref string }
	by, objects := map[of][]contactability.Known{}, map[of]string{}
	var order []of
	for i := range p.own().records {
		r := &p.own().records[i]
		if !r.isContract() {
			continue
		}
		c := of{controller: r.fact.Controller}
		if v := p.seen[r.position]; v != nil {
			c.ref = v.ref
			objects[c] = cmp.Or(Object(v.subject), objects[c])
		}
		if by[c] == nil {
			order = append(order, c)
		}
		by[c] = append(by[c], contactability.Known{Position: r.position, Fact: &r.fact, Own: true})
	}
	ended := map[string]contactability.Contract{}
	for _, c := range order {
		x := contactability.FoldContract(by[c])
		x.Object = objects[c]
		s.Contracts = append(s.Contracts, x)
		if c.ref == "" && !x.Ended.IsZero() {
			ended[c.controller] = x
		}
	}
	for i := range s.Contracts {
		c := &s.Contracts[i]
		if e, ok := ended[c.Controller]; ok && !c.Started.After(e.Ended) {
			c.Ended = earlier(c.Ended, e.Ended)
		}
	}
}

// Object is a contract's object as it is compared.
func Object(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// describe fills in what the person's own standing values say, and the latest
// birth date of all contacts, as a minor is protected by whichever knows. One that
// was recorded and destroyed since is one that nobody can read.
func (p *person) describe(s *contactability.State) {
	f := p.own()
	at := func(path mask) *values {
		if w := f.winner(path); w != nil && p.seen[w.position] != nil {
			return p.seen[w.position]
		}
		return &values{}
	}
	s.Professional.Flag, s.Professional.Event = f.flag("professional", hasFlag)
	s.Professional.SoleTrader, _ = f.flag("company.sole_trader", hasTrader)
	s.Professional.Company = at(hasCompany).company != "" || at(hasSIREN).siren != ""
	s.Professional.Role = at(hasRole).role != ""
	s.Emails, s.Phones = at(hasEmails).emails, at(hasPhones).phones
	place := at(hasPlace)
	s.Place = contactability.Place{TimeZone: at(hasZone).zone, Country: place.country, PostalCode: place.postal}
	for _, f := range p.files {
		w := f.winner(hasBirth)
		if w == nil || p.seen[w.position] == nil {
			continue
		}
		d, ok := birthDate(p.seen[w.position].birth)
		switch {
		case !ok:
			s.AgeUnread = w.fact.ID
		case d.Compare(s.BirthDate) > 0:
			s.BirthDate = d
		}
	}
}
