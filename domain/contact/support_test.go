package contact_test

import (
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
)

func day(n int) time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func id(n int) domain.ID { return domain.DeriveID([]byte{14: byte(n >> 8), 15: byte(n)}) }

var anna, bob, cleo = id(1001), id(1002), id(1003)

// rec is one record about anna; its position is also its event's number.
func rec(p int, t event.Type, d int, codes ...any) contact.Recorded {
	f := &event.Fact{ID: id(p), Type: t, Subject: anna, Source: id(2001), Controller: "acme",
		Time: domain.NewTime(day(d)), Recorded: domain.NewTime(day(d).Add(time.Second)), Policy: 1}
	for i := 0; i < len(codes); i += 2 {
		f.Codes = f.Codes.With(codes[i].(string), codes[i+1])
	}
	return contact.Recorded{Position: domain.Position(p), Fact: f}
}

// with adds opened values, written path=JSON.
func with(r contact.Recorded, values ...string) contact.Recorded {
	for _, v := range values {
		path, val, _ := strings.Cut(v, "=")
		r.Fact.Fields = append(r.Fact.Fields, path)
		r.Fields = append(r.Fields, event.Field{Path: path, Value: []byte(val)})
	}
	return r
}

func unset(r contact.Recorded, paths ...string) contact.Recorded {
	r.Fact.Unset = paths
	return r
}

// gone destroys the values at paths by event n.
func gone(r contact.Recorded, n int, paths ...string) contact.Recorded {
	r.Gone = map[string]domain.ID{}
	for _, p := range paths {
		r.Fact.Fields = append(r.Fact.Fields, p)
		r.Gone[p] = id(n)
	}
	return r
}

func of(subject domain.ID, r contact.Recorded) contact.Recorded {
	r.Fact.Subject = subject
	return r
}

func merge(p int, t event.Type, d int, from, into domain.ID) contact.Recorded {
	return of(from, rec(p, t, d, "into", into.String()))
}

// life is a person's records, with something of everything.
func life() []contact.Recorded {
	return []contact.Recorded{
		with(rec(0, event.ContactCreated, 0, "kind", "prospect", "professional", false, "collection.channel", "web_form", "collection.legal_basis", "consent",
			"collection.purposes", []string{"prospecting"}, "collection.sale.objection_offered", true),
			`person.given_name="Anna"`, `person.family_name="Petit"`, `person.emails=["anna@example.fr"]`, `notes="rappeler"`,
			`custom.segment="or"`, `collection.notice.id="web"`, `collection.notice.version="3"`, `upstream.id="e-1"`),
		rec(1, event.ConsentGranted, 0, "purpose", "prospecting", "channels", []string{"email"}, "evidence", "proven", "method", "web_form"),
		with(rec(2, event.ContactChanged, 2, "kind", "client", "reason", "update"), `person.emails=["anna@example.com"]`, `company.name="Petit SA"`),
		rec(3, event.InteractionRecorded, 3, "kind", "purchase", "object", "prospecting"),
		with(rec(4, event.ContractStarted, 4, "sector", "energy", "ends_at", domain.FormatTime(day(300))), `contract.reference="K-1"`, `contract.amount_cents=12000`),
		rec(5, event.InteractionRecorded, 5, "kind", "open"),
		rec(6, event.ConsentWithdrawn, 6, "purpose", "prospecting"),
		rec(7, event.OppositionRegistered, 7, "channels", []string{"phone"}),
		with(rec(8, event.ContractEnded, 8, "ended_at", domain.FormatTime(day(7))), `contract.reference="K-1"`),
		rec(9, event.RestrictionPlaced, 9, "ground", "art18.1.a"),
		unset(rec(10, event.ContactChanged, 10), "notes"),
		rec(11, event.ContactDeleted, 11, "reason", "deleted"),
	}
}
