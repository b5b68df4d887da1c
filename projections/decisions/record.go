package decisions

import (
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

// kept are the types whose facts decisions rest on, stored as their place here,
// and the codes that are kept of each. They are only ever added to, at the end.
var kept = [...]struct {
	t     event.Type
	codes []string
}{
	{event.ContactCreated, contactCodes}, {event.ContactChanged, contactCodes}, {event.ContactDeleted, nil},
	{event.ConsentRequested, consentCodes}, {event.ConsentGranted, consentCodes}, {event.ConsentRefused, consentCodes},
	{event.ConsentWithdrawn, consentCodes}, {event.NoticeServed, nil}, {event.OppositionRegistered, []string{"channels", "purpose", "scope"}},
	{event.OppositionLifted, []string{"entry", "of", "reason"}}, {event.RequestReceived, []string{"channels", "purpose", "right"}},
	{event.ContractStarted, contractCodes}, {event.ContractChanged, contractCodes}, {event.ContractEnded, contractCodes},
	{event.InteractionRecorded, []string{"direction", "kind", "object", "outcome", "sector", "slots"}},
	{event.PersonDeceased, nil}, {event.RestrictionPlaced, nil}, {event.RestrictionLifted, []string{"restriction"}},
	{event.ContactMerged, nil}, {event.ContactUnmerged, nil}, {event.ErasureOrdered, []string{"whole"}}, {event.PartRedacted, nil},
	{event.SubjectErased, nil},
}

var (
	contactCodes = []string{"collection.channel", "collection.collected_at", "collection.purposes", "collection.sale.kind",
		"collection.sale.objection_offered", "company.sole_trader", "professional"}
	consentCodes  = []string{"channels", "evidence", "expires_at", "method", "notice", "purpose", "slots"}
	contractCodes = []string{"ended_at", "ends_at", "sector"}
)

// paths are the sealed fields whose presence is kept, one bit each in this order.
var paths = [...]string{"person.birth_date", "person.emails", "person.phones", "person.postal_address", "person.time_zone",
	"company.name", "company.siren", "company.role", "collection.notice.id", "notice.id", "consent.guardian",
	"contract.reference", "contract.object", "professional", "company.sole_trader"}

// mask is a set of paths.
type mask uint64

const (
	hasBirth mask = 1 << iota
	hasEmails
	hasPhones
	hasPlace
	hasZone
	hasCompany
	hasSIREN
	hasRole
)

const (
	hasReference = mask(1) << 11
	hasObject    = mask(1) << 12
	hasFlag      = mask(1) << 13 // unset only: what it was is a code
	hasTrader    = mask(1) << 14
)

func maskOf(l []string) (m mask) {
	for _, p := range l {
		if i := slices.Index(paths[:], p); i >= 0 {
			m |= 1 << i
		}
	}
	return m
}

// list is the paths of m, in their order.
func (m mask) list() (l []string) {
	for i, p := range paths {
		if m&(1<<i) != 0 {
			l = append(l, p)
		}
	}
	return l
}

// record is one kept fact.
type record struct {
	position domain.Position
	fact     event.Fact // what is kept of it; Source is its number in the file
	fields   mask
	unset    mask
}

// kindOf is the place of t in kept, or -1.
func kindOf(t event.Type) int {
	for i := range kept {
		if kept[i].t == t {
			return i
		}
	}
	return -1
}

// keep reduces f to what decisions need of it; ok is false for a fact that
// decides nothing.
func keep(f *projections.Fact) (r record, ok bool) {
	kind := kindOf(f.Type)
	if kind < 0 {
		return r, false
	}
	switch f.Type {
	case event.InteractionRecorded:
		if !isCall(f.Fact) && f.Codes.String("kind") != "callback_request" {
			return r, false
		}
	case event.RequestReceived:
		if f.Codes.String("right") != "objection" {
			return r, false
		}
	}
	r = record{position: f.Position, fields: maskOf(f.Fields), unset: maskOf(f.Unset)}
	r.fact = event.Fact{ID: f.ID, Type: f.Type, Controller: f.Controller, Time: f.Time, Recorded: f.Recorded}
	switch {
	case slices.Equal(f.Lacks, text):
		r.fact.Lacks = text
	case len(f.Lacks) > 0:
		r.fact.Lacks = lacking
	}
	for _, c := range f.Codes {
		if slices.Contains(kept[kind].codes, c.Name) {
			r.fact.Codes = append(r.fact.Codes, c)
		}
	}
	return r, true
}

// What a consent's proof lacks: only the text that was shown, which a published
// notice holds, or whatever else.
var (
	text    = []string{"notice"}
	lacking = []string{"something"}
)

func isCall(f *event.Fact) bool {
	k := f.Codes.String("kind")
	return f.Type == event.InteractionRecorded && (k == "call" || k == "call_attempt")
}
