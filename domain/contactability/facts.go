package contactability

import (
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/opposition"
)

// Known is one fact about the person, with what of its parts a decision needs.
type Known struct {
	Position domain.Position
	Fact     *event.Fact
	// Own is false for a fact of a merged contact or of somebody else on the
	// address: only what protects is read from it.
	Own bool
	// Addresses that the fact gave, normalised; for contact.created and changed.
	Addresses []string
}

// Add enters what k says into s, in any order. It leaves to the caller what takes
// more than one fact: contracts (FoldContract), lifts, the current addresses,
// place, birth date and company, and whether any source still holds the person.
func (s *State) Add(k Known) {
	f := k.Fact
	if e, ok := opposition.EntryOf(k.Position, f); ok {
		s.Oppositions = append(s.Oppositions, e)
	}
	switch f.Type {
	case event.PersonDeceased:
		s.Stops = append(s.Stops, Stop{Kind: Deceased, Event: f.ID, Since: known(f)})
	case event.RestrictionPlaced:
		s.Stops = append(s.Stops, Stop{Kind: Restricted, Event: f.ID, Since: known(f)})
	case event.InteractionRecorded:
		s.interaction(k)
	}
	if !k.Own {
		return
	}
	if a, ok := consent.ActOf(k.Position, f); ok {
		s.Consents = append(s.Consents, a)
		s.Proofs = append(s.Proofs, Proof{Event: f.ID, Recorded: f.Recorded.Time, Guardian: slices.Contains(f.Fields, "consent.guardian"),
			Slots: slotsOf(f.Codes.Strings("slots"))})
	}
	if a, ok := opposition.ActOf(f); ok {
		s.Renewals = append(s.Renewals, a)
	}
	if c, ok := collectionOf(k); ok {
		s.Collections = append(s.Collections, c)
	}
}

// slotsOf reads the hours that a consent, or a request to be called, names; what it
// cannot read opens none.
func slotsOf(codes []string) (l []Slot) {
	for _, code := range codes {
		x, ok := event.ParseSlot(code)
		if !ok {
			continue
		}
		s := Slot{From: x.From, To: x.To}
		for day := x.First; day <= x.Last; day++ {
			s.Days |= Days(time.Weekday(day % 7)) // 7 is Sunday
		}
		l = append(l, s)
	}
	return l
}

func (k *Known) stamp() contact.Stamp {
	return contact.Stamp{Time: k.Fact.Time.Time, Position: k.Position}
}

// known is from when a fact that protects holds: its own time, or when the
// ledger took it in if a producer's clock is ahead.
func known(f *event.Fact) time.Time {
	if !f.Recorded.IsZero() && f.Recorded.Before(f.Time.Time) {
		return f.Recorded.Time
	}
	return f.Time.Time
}

// interaction reads calls, of any contact, and the person's own requests to be
// called. A request is the person's unless the fact says it went out.
func (s *State) interaction(k Known) {
	f := k.Fact
	object, direction := f.Codes.String("object"), f.Codes.String("direction")
	switch f.Codes.String("kind") {
	case "call", "call_attempt":
		s.Calls = append(s.Calls, Call{Event: f.ID, Position: k.Position, Time: known(f), Controller: f.Controller, Purpose: object,
			Inbound: direction == "in", Refused: f.Codes.String("outcome") == "refused"})
	case "callback_request":
		if k.Own {
			s.Callbacks = append(s.Callbacks, Callback{Event: f.ID, Position: k.Position, Time: f.Time.Time, Controller: f.Controller,
				Purpose: object, Sector: f.Codes.String("sector"), Proven: direction != "out", Slots: slotsOf(f.Codes.Strings("slots"))})
		}
	}
}

// collectionOf reads how data came in, or a notice served. A sale is one only if
// the collection says that it came by a sale.
func collectionOf(k Known) (c Collection, ok bool) {
	f := k.Fact
	c = Collection{Event: f.ID, Position: k.Position, Time: f.Time.Time, Controller: f.Controller,
		Informed: slices.Contains(f.Fields, "collection.notice.id"), Purposes: f.Codes.Strings("collection.purposes")}
	switch f.Type {
	case event.NoticeServed:
		c.Informed = slices.Contains(f.Fields, "notice.id")
		return c, c.Informed
	case event.ContactCreated, event.ContactChanged:
	default:
		return Collection{}, false
	}
	channel := f.Codes.String("collection.channel")
	if at := f.Codes.Time("collection.collected_at"); !at.IsZero() && at.Before(c.Time) {
		c.Time = at
	}
	if channel == "sale" {
		c.Sale, c.ObjectionOffered = SaleKind(f.Codes.String("collection.sale.kind")), f.Codes.Bool("collection.sale.objection_offered")
		c.Addresses = k.Addresses
		if c.Sale == NoSale {
			c.Sale = "other"
		}
	}
	return c, channel != "" || c.Informed
}

// FoldContract folds the facts of one contract, given in any order: per field the
// later time wins, then the higher position (contact.Wins). A contract that began
// again after its end runs.
func FoldContract(facts []Known) Contract {
	sorted := slices.Clone(facts)
	slices.SortFunc(sorted, func(a, b Known) int {
		switch x, y := a.stamp(), b.stamp(); {
		case contact.Wins(x, y):
			return 1
		case contact.Wins(y, x):
			return -1
		}
		return 0
	})
	var c Contract
	for i := range sorted {
		f := sorted[i].Fact
		c.Event, c.Position, c.Controller = f.ID, sorted[i].Position, f.Controller
		if x := f.Codes.String("sector"); x != "" {
			c.Sector = x
		}
		if t := f.Codes.Time("ends_at"); !t.IsZero() {
			c.EndsAt = t
		}
		switch f.Type {
		case event.ContractStarted:
			c.Started, c.Ended = f.Time.Time, time.Time{}
		case event.ContractEnded:
			c.Ended = f.Time.Time
			if t := f.Codes.Time("ended_at"); !t.IsZero() {
				c.Ended = t
			}
		}
	}
	return c
}
