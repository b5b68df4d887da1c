package event

import (
	"slices"
	"strings"
)

// Codes with "other" as fallback keep a producer's unlisted value from stopping
// the event; a warning says so.
func contactFields() []field {
	return []field{
		{path: "kind", kind: enum, values: []string{"prospect", "client", "former_client", "candidate", "supplier_contact"}},
		{path: "professional", kind: flag}, {path: "portfolio", kind: portfolio},
		{path: "collection.channel", kind: enum, values: []string{"web_form", "sale", "phone", "store", "paper", "import", "partner"}, fallback: "other"},
		{path: "collection.collected_at", kind: instant},
		{path: "collection.legal_basis", kind: enum, values: []string{"consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interest"}, fallback: "other"},
		{path: "collection.purposes", kind: purposes},
		{path: "collection.sale.kind", kind: enum, values: []string{"purchase", "service", "free_account"}, fallback: "other"},
		{path: "collection.sale.objection_offered", kind: flag},
		{path: "person.given_name"}, {path: "person.family_name"}, {path: "person.birth_date"},
		{path: "person.emails"}, {path: "person.phones"}, {path: "person.postal_address"},
		{path: "person.language"}, {path: "person.time_zone"},
		{path: "company.name"}, {path: "company.siren"}, {path: "company.role"}, {path: "company.sole_trader", kind: flag},
		{path: "collection.origin"}, {path: "collection.notice.id"}, {path: "collection.notice.version"}, {path: "collection.notice.language"},
		{path: "collection.sale.reference"}, {path: "notes"},
		{path: "last_activity_at", kind: instant},
	}
}

func noticeFields() []field {
	return []field{{path: "notice.id"}, {path: "notice.version"}, {path: "notice.language"}, {path: "notice.text"}}
}

func consentFields(extra ...field) []field {
	return append(slices.Concat([]field{
		{path: "purpose", kind: purpose, required: true},
		{path: "channels", kind: channels},
		{path: "method", kind: enum, values: []string{"web_form", "paper", "phone", "store", "email", "sms", "unsubscribe_link", "preference_page", "double_opt_in", "in_person", "import", "api"}, fallback: "other"},
		{path: "prechecked", kind: flag},
		{path: "expires_at", kind: instant},
		{path: "slots", kind: slots},
		{path: "act"}, {path: "partners"}, {path: "object"}, {path: "guardian"},
		{path: "proof.ip"}, {path: "proof.user_agent"}, {path: "proof.reference"},
	}, noticeFields()), extra...)
}

func contractFields() []field {
	return []field{
		{path: "reference"}, {path: "object"}, {path: "amount_cents"},
		{path: "sector", kind: enum, values: []string{"energy_renovation", "home_adaptation", "press", "insurance", "telecom", "energy", "retail"}, fallback: "other"},
		{path: "ends_at", kind: instant}, {path: "ended_at", kind: instant},
		{path: "electronic_120", kind: flag}, {path: "delivered_at", kind: instant}, // C. conso. L213-1
	}
}

// catalogue holds what upstreams may send. Nothing changes it after the program
// started.
var catalogue = newCatalogue()

func newCatalogue() map[Type]*shape {
	all := map[Type]*shape{}
	for _, t := range []Type{ContactCreated, ContactChanged, ContactMerged, ContactUnmerged, ContactRekeyed, ContactDeleted,
		InteractionRecorded, ContractStarted, ContractChanged, ContractEnded, InvoiceIssued, RecruitmentClosed, NoticeServed,
		ConsentRequested, ConsentGranted, ConsentRefused, ConsentWithdrawn, OppositionRegistered, AccessRecorded,
		RequestReceived, PersonDeceased, RestrictionPlaced} {
		s := shapeOf(t)
		s.index()
		all[t] = s
	}
	contact := &shape{contact: true, fields: contactFields()}
	contact.index()
	all[ContactChanged].inner = contact
	return all
}

func shapeOf(t Type) *shape {
	switch t {
	case ContactCreated:
		return &shape{contact: true, fields: contactFields(), dataNeeded: true}
	case ContactChanged:
		return &shape{dataNeeded: true, fields: []field{
			{path: "set", kind: nested}, {path: "unset", kind: unsets},
			{path: "reason", kind: enum, values: []string{"rectification", "update", "enrichment", "synchronisation"}, fallback: "other"}}}
	case ContactMerged, ContactUnmerged:
		return &shape{dataNeeded: true, fields: []field{
			{path: "into", kind: link, required: true},
			{path: "reason", kind: enum, values: []string{"duplicate", "mistake"}, fallback: "other"}}}
	case ContactRekeyed:
		return &shape{dataNeeded: true, fields: []field{{path: "to", kind: link, required: true}}}
	case ContactDeleted:
		return &shape{fields: []field{{path: "reason", kind: enum, values: []string{"deleted", "archived", "missing"}, fallback: "other"}}}
	case InteractionRecorded:
		return &shape{noun: "interaction", dataNeeded: true, fields: interactionFields()}
	case ContractStarted, ContractChanged, ContractEnded:
		return &shape{noun: "contract", fields: contractFields()}
	case InvoiceIssued:
		return &shape{noun: "invoice", fields: []field{{path: "reference"}, {path: "amount_cents"}, {path: "issued_at", kind: instant}}}
	case RecruitmentClosed:
		return &shape{noun: "recruitment", fields: []field{{path: "note"},
			{path: "outcome", kind: enum, values: []string{"hired", "rejected", "withdrawn"}, fallback: "other"}}}
	case NoticeServed:
		return &shape{dataNeeded: true, fields: noticeFields()}
	}
	return protectiveShape(t)
}

func protectiveShape(t Type) *shape {
	switch t {
	case ConsentRequested, ConsentGranted, ConsentRefused, ConsentWithdrawn:
		return &shape{noun: "consent", dataNeeded: true, fields: consentFields()}
	case OppositionRegistered:
		return &shape{noun: "opposition", noSubject: true, fields: []field{
			{path: "scope", kind: enum, values: []string{"all"}, fallback: "all"},
			{path: "purpose", kind: purpose}, {path: "channels", kind: channels},
			{path: "address", kind: address}}}
	case AccessRecorded:
		return &shape{noun: "access", noSubject: true, dataNeeded: true, fields: []field{
			{path: "reason", kind: reason}, {path: "categories", kind: categories},
			{path: "action", kind: enum, values: []string{"read", "search", "export", "print", "change", "delete"}, fallback: "other"},
			{path: "count", kind: count}, {path: "subjects", kind: linked},
			{path: "ticket"}, {path: "query_digest"}, {path: "detail"}}}
	case RequestReceived:
		return &shape{noun: "request", fields: []field{
			{path: "right", kind: enum, values: []string{"access", "rectification", "erasure", "restriction", "recipients", "portability", "objection", "objection_processing", "automated_decision", "consent_withdrawal", "post_mortem", "directives"}, fallback: "other"},
			{path: "requester", kind: enum, values: []string{"person", "proxy", "guardian", "heir", "designated"}, fallback: "proxy"},
			{path: "language", kind: enum, values: []string{"fr", "en"}, fallback: "fr"},
			{path: "channel", kind: enum, values: []string{"email", "sms", "phone", "postal", "social", "web_form", "store"}, fallback: "other"},
			{path: "received_at", kind: instant}, {path: "message"}}}
	case RestrictionPlaced:
		return &shape{noun: "restriction", fields: []field{
			{path: "ground", kind: enum, values: []string{"art18.1.a", "art18.1.b", "art18.1.c", "art18.1.d"}, fallback: "other"}, {path: "message"}}}
	case PersonDeceased:
		return &shape{fields: []field{{path: "died_on", kind: instant}}}
	}
	return nil
}

func interactionFields() []field {
	return []field{
		{path: "kind", kind: enum, required: true, fallback: "other", values: []string{"purchase", "call", "reply", "click", "visit", "login", "order",
			"call_attempt", "sent", "post_sent", "bounce", "open", "complaint", "callback_request"}},
		{path: "direction", kind: enum, values: []string{"in", "out"}},
		{path: "channel", kind: channel},
		{path: "outcome", kind: enum, fallback: "other", values: []string{"answered", "no_answer", "busy", "refused", "interested", "delivered", "bounced", "voicemail", "wrong_number", "sold"}},
		{path: "object", kind: purpose},
		{path: "sector", kind: enum, values: []string{"energy_renovation", "home_adaptation", "press", "insurance", "telecom", "energy", "retail"}, fallback: "other"},
		{path: "slots", kind: slots},
		{path: "campaign"}, {path: "caller"}, {path: "reference"}, {path: "amount_cents"}, {path: "number"},
	}
}

// index prepares lookups by path and by the objects above a path.
func (s *shape) index() {
	s.byPath, s.objects = map[string]*field{}, map[string]string{}
	for i := range s.fields {
		f := &s.fields[i]
		s.byPath[f.path] = f
		f.sealed = f.path
		if s.noun != "" {
			f.sealed = s.noun + "." + f.path
		}
		for at := 0; ; {
			n := strings.IndexByte(f.path[at:], '.')
			if n < 0 {
				break
			}
			at += n
			s.objects[f.path[:at]] = f.path[:at+1]
			at++
		}
	}
	if s.contact {
		s.objects["custom"] = "custom."
	}
}
