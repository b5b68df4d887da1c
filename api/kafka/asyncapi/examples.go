package asyncapi

import (
	"fmt"
	"time"

	"greffe/api/kafka/outbox"
	"greffe/domain"
	"greffe/domain/event"
)

// Examples are events as upstreams send them, one of each type.
func Examples() map[event.Type][]byte {
	out := map[event.Type][]byte{}
	for t, data := range map[event.Type]string{
		event.ContactCreated: `{"kind":"prospect","professional":false,"person":{"given_name":"Jeanne","family_name":"Exemple","emails":["jeanne@example.org"],"phones":["+33199001234"]},
			"custom":{"segment":"A"},"collection":{"channel":"web_form","collected_at":"2026-03-02T09:14:07Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"web-form","version":"3"}}}`,
		event.ContactChanged:       `{"set":{"person.emails":["jeanne.exemple@example.org"]},"unset":["notes"],"reason":"rectification"}`,
		event.ContactMerged:        `{"into":{"source":"crm/eu","subject":"C-7"},"reason":"duplicate"}`,
		event.ContactUnmerged:      `{"into":{"source":"crm/eu","subject":"C-7"},"reason":"mistake"}`,
		event.ContactRekeyed:       `{"to":{"source":"crm/eu","subject":"D-1"}}`,
		event.ContactDeleted:       `{"reason":"archived"}`,
		event.InteractionRecorded:  `{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"no_answer","object":"prospecting"}`,
		event.ContractStarted:      `{"reference":"K-1","sector":"energy","amount_cents":12000,"ends_at":"2027-01-01"}`,
		event.ContractChanged:      `{"reference":"K-1","ends_at":"2028-01-01"}`,
		event.ContractEnded:        `{"reference":"K-1","ended_at":"2026-03-01T00:00:00Z"}`,
		event.InvoiceIssued:        `{"reference":"F-1","amount_cents":990,"issued_at":"2026-03-01T00:00:00Z"}`,
		event.RecruitmentClosed:    `{"outcome":"rejected"}`,
		event.NoticeServed:         `{"notice":{"id":"web-form","version":"3","language":"fr"}}`,
		event.ConsentRequested:     `{"purpose":"prospecting","channels":["email"],"method":"double_opt_in"}`,
		event.ConsentGranted:       `{"purpose":"prospecting","channels":["email","phone"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"web-form","version":"3","language":"fr","text":"J'accepte de recevoir des offres."}}`,
		event.ConsentRefused:       `{"purpose":"prospecting","channels":["phone"]}`,
		event.ConsentWithdrawn:     `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`,
		event.OppositionRegistered: `{"scope":"all"}`,
		event.AccessRecorded:       `{"reason":"customer_call","ticket":"T-1","categories":["contact_details"],"action":"read","subjects":["C-1042"]}`,
		event.RequestReceived:      `{"right":"access","channel":"email","received_at":"2026-03-01T08:00:00Z"}`,
		event.RestrictionPlaced:    `{"ground":"art18.1.a"}`,
		event.PersonDeceased:       `{"died_on":"2026-02-01"}`,
	} {
		subject := `"subject":"C-1042",`
		if t == event.AccessRecorded {
			subject = ""
		}
		out[t] = fmt.Appendf(nil, `{"specversion":"1.0","id":"01JZQ8","source":"crm/eu","type":%q,%s"time":"2026-03-02T09:14:07Z","actor":"user:1","datacontenttype":"application/json","data":%s}`, t, subject, data)
	}
	return out
}

// outgoing is an example of what is published.
func outgoing(t event.Type) outbox.Message {
	const who = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	at, id, order := time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC), domain.DeriveID(make([]byte, 16)), domain.DeriveID([]byte("an order of erasure"))
	m := outbox.Message{
		SpecVersion: "1.0", ID: id.String() + ":1042:mailing:" + who[:16] + ":1", Source: "greffe/" + id.String(), Type: string(t), Subject: who, Time: at,
		DataContentType: "application/json", Recipient: "mailing", Position: 1042, Recorded: at, Data: outbox.Data{Identified: outbox.ByHMAC},
	}
	switch t {
	case event.ErasureOrdered:
		whole := true
		m.Data.Ground, m.Data.Order, m.Data.Whole, m.Data.Classes = "art17.1.b", &order, &whole, []string{"identity", "contact_details"}
	case event.ContactChanged:
		m.Data.Fields = []string{"person.emails"}
	case event.RequestReceived:
		m.Data.Right = "access"
	case event.RestrictionPlaced, event.RestrictionLifted:
		m.Data.Ground = "art18.1.a"
	case event.OppositionRegistered, event.OppositionLifted:
		m.Data.Scope = "all"
	case event.OppositionListed:
		m.Subject, m.Data.Identified = "", outbox.ByNone
	default:
		m.Data.Purpose, m.Data.Channels = "prospecting", []string{"email"}
	}
	return m
}

func acknowledgements() []example {
	change, upTo := domain.Position(1042), domain.Position(2000)
	return []example{
		{"one message", outbox.Ack{Recipient: "mailing", ID: outgoing(event.ErasureOrdered).ID}},
		{"one change", outbox.Ack{Recipient: "mailing", Change: &change}},
		{"all up to a position", outbox.Ack{Recipient: "mailing", UpTo: &upTo}},
	}
}
