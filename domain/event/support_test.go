package event_test

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
)

// stub is a policy as small as the shipped one's vocabulary.
type stub struct{}

func (stub) Controller(c string) bool  { return c == "acme" || c == "acme-events" }
func (stub) DefaultController() string { return "acme" }
func (stub) Purpose(c string) bool {
	return slices.Contains([]string{"prospecting", "customer_service", "contract", "billing", "recruitment"}, c)
}
func (stub) Channel(c string) bool {
	return slices.Contains([]string{"email", "sms", "phone", "postal", "social"}, c)
}
func (stub) Portfolio(c string) bool   { return c == "north" }
func (stub) HasReason(c string) bool   { return c == "customer_call" }
func (stub) HasClass(c string) bool    { return c == "identity" || c == "contact_details" }
func (stub) HasField(path string) bool { return strings.HasPrefix(path, "custom.") }

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func id(n byte) domain.ID {
	mac := [16]byte{0: n, 1: 0xab, 14: 0xcd, 15: n}
	return domain.DeriveID(mac[:])
}

// richFact has every member that a fact can have.
func richFact() *event.Fact {
	seq := int64(42)
	return &event.Fact{
		ID: id(1), Type: event.ContactCreated, Subject: id(2), Source: id(3), Actor: id(4), Controller: "acme",
		Time: domain.NewTime(instant("2026-03-02T09:14:07Z")), Recorded: domain.NewTime(instant("2026-03-02T09:14:08.123456Z")),
		Policy: 3, Sequence: &seq,
		Codes: event.Codes{}.With("kind", "prospect").With("professional", false).With("collection.channel", "web_form").
			With("collection.purposes", []string{"prospecting"}).With("count", int64(7)),
		Fields: []string{"custom.*", "notes", "person.emails", "person.family_name", "person.given_name", "person.phones"},
		Unset:  []string{"person.birth_date"},
		Parts: []event.PartRef{
			{Owner: part.SubjectOwner(id(2)), Class: "identity", Epoch: "whole", Commitment: part.Commit([]byte("a"))},
			{Owner: part.SubjectOwner(id(2)), Class: "notes", Epoch: "2026", Commitment: part.Commit([]byte("b"))},
			{Owner: part.LedgerOwner(), Class: "opposition", Epoch: "2026", Commitment: part.Commit([]byte("c"))},
		},
		Lacks:    []string{"act"},
		Warnings: []event.Warning{{Field: "notes", Rule: "nir"}},
	}
}
