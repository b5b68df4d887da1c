package minimisation

import (
	"slices"

	"greffe/domain"
)

// Kind is what a finding says.
type Kind string

// The kinds. Codes are API: they stand in facts and answers.
const (
	NeverInformed    Kind = "never_informed"            // no notice at all
	InformedLate     Kind = "informed_after_collection" // data from the person: at the time of collection
	InformedMonth    Kind = "informed_after_month"      // data from elsewhere: within a month
	InformedContact  Kind = "informed_after_contact"    // or at the first communication
	PhoneStatement   Kind = "phone_without_statement"   // that calls need consent beforehand
	ConsentNoText    Kind = "consent_without_text"
	PurposeNoBasis   Kind = "purpose_without_basis"
	NoSource         Kind = "without_source"
	AddressBounced   Kind = "address_bounced"
	AddressObsolete  Kind = "address_obsolete"
	GoneUpstream     Kind = "gone_upstream" // the source no longer holds it
	CommentForbidden Kind = "comment_forbidden"
	CommentInsulting Kind = "comment_insulting"
	CommentNumber    Kind = "comment_number" // NIR, card, account, income
	BeyondTerm       Kind = "beyond_term"
	FieldUnused      Kind = "field_unused"
	ClassUnread      Kind = "class_unread"
	Duplicate        Kind = "duplicate"
)

// About says what a finding is about, and so what its list shows.
type About string

// What findings are about.
const (
	AboutPerson About = "person"
	AboutEvent  About = "event" // one event of a person; its part can be redacted
	AboutPolicy About = "policy"
	AboutGroup  About = "group" // persons who may be one: GET /v1/duplicates
)

// KindRule describes a kind.
type KindRule struct {
	Kind  Kind   `json:"kind"`
	About About  `json:"about"`
	Legal string `json:"legal"`
	Label string `json:"label"`
	Todo  string `json:"todo"`
}

// Rules are all kinds, in the order of a report.
func Rules() []KindRule {
	return []KindRule{
		{NeverInformed, AboutPerson, "art. 13(1), 14(1)", "Never informed", "serve the notice; notice.served records it"},
		{InformedLate, AboutPerson, "art. 13(1)", "Informed after collection", "show the notice where the data is collected"},
		{InformedMonth, AboutPerson, "art. 14(3)(a)", "Informed after more than a month", "serve the notice within a month of obtaining"},
		{InformedContact, AboutPerson, "art. 14(3)(b)", "Contacted before being informed", "put the notice into the first message"},
		{PhoneStatement, AboutPerson, "C. conso. L223-1", "Phone number taken without the statement that calls need prior consent", "serve a notice that says so"},
		{ConsentNoText, AboutEvent, "art. 7(1); SAN-2022-021", "Consent without its text", "publish the notice it names, or ask again"},
		{PurposeNoBasis, AboutPerson, "art. 5(1)(b), 6(1)", "Purpose without a legal basis", "stop using it for that purpose, or record the basis"},
		{NoSource, AboutPerson, "art. 14(2)(f), 15(1)(g)", "Record without a source", "record where it came from"},
		{AddressBounced, AboutPerson, "art. 5(1)(d)", "Address that bounces", "correct it, or erase it"},
		{AddressObsolete, AboutPerson, "art. 5(1)(d); délib. 2021-131", "Address that nothing confirmed for three years", "correct it, or erase it"},
		{GoneUpstream, AboutPerson, "art. 5(1)(e)", "Deleted by its source and still held", "erase it, or say why it is kept"},
		{CommentForbidden, AboutEvent, "art. 9, 10; CNIL, zones bloc-note", "Comment with forbidden content", "read it, then POST /v1/events/{id}/redaction"},
		{CommentInsulting, AboutEvent, "art. 5(1)(a), (c); SAN-2019-010", "Comment that insults or judges", "read it, then POST /v1/events/{id}/redaction"},
		{CommentNumber, AboutEvent, "décret 2019-341; délib. 2018-303", "Comment with a number that may not stand in it", "read it, then POST /v1/events/{id}/redaction"},
		{BeyondTerm, AboutPerson, "art. 5(1)(e)", "Data beyond its term", "greffe retention run"},
		{FieldUnused, AboutPolicy, "art. 5(1)(c)", "Field that no record fills", "take it out of the policy"},
		{ClassUnread, AboutPolicy, "art. 5(1)(c)", "Class of data that nobody read for a year", "ask what it is held for"},
		{Duplicate, AboutGroup, "art. 5(1)(d)", "Contacts that may be one person", "GET /v1/duplicates, then merge"},
	}
}

// Known reports whether a text is a kind.
func (k Kind) Known() bool {
	return slices.ContainsFunc(Rules(), func(r KindRule) bool { return r.Kind == k })
}

// Finding is one thing to look at. Detail is a closed code: a purpose, a class, a
// field path of the policy, a category, a channel.
type Finding struct {
	Kind     Kind            `json:"kind"`
	Subject  domain.ID       `json:"subject_id,omitzero"`
	Event    domain.ID       `json:"event_id,omitzero"`
	Position domain.Position `json:"position,omitzero"`
	Detail   string          `json:"detail,omitempty"`
}
