// Package answertest makes what answers are made of, for tests: one person with
// something of everything, among it what concerns other people. It is pure, and a
// crash leaves nothing.
package answertest

import (
	"strings"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// The values that tests look for.
const (
	Stranger = "lea.tierce@example.org" // in a comment
	Mobile   = "06 98 76 54 32"         // somebody else's, in a comment
	Own      = "06 12 34 56 78"         // the person's, as a comment writes it
	Agent    = "Marc Agentier"
	Parent   = "Paule Parente"
)

// Published is the id of the notice that the consent names.
func Published() domain.ID { return domain.ID{0xcc, 6: 0x80, 8: 0x80} }

// At is an instant of the fixture.
func At(day int) domain.Time {
	return domain.NewTime(time.Date(2026, 3, day, 9, 5, 0, 0, time.UTC))
}

// Rules are the shipped policy with a field of the company's own.
func Rules() *policy.Policy {
	text := strings.Replace(string(deploy.Policy()), "  custom.segment: {class: commercial, kind: code}",
		"  custom.segment: {class: commercial, kind: code}\n  custom.comment: {class: notes, free_text: true}\n  custom.score_churn: {class: commercial, kind: amount}", 1)
	p, err := policy.Parse([]byte(text))
	if err != nil {
		panic(err) // the fixture is wrong
	}
	return p
}

func rec(p int, typ event.Type, codes event.Codes, values ...string) contact.Recorded {
	r := contact.Recorded{Position: domain.Position(p), Fact: &event.Fact{ID: domain.ID{9, 6: byte(p), 8: 0x80}, Type: typ, Subject: domain.ID{1},
		Source: domain.ID{7}, Actor: domain.ID{0xaa}, Time: At(1 + p), Recorded: At(1 + p), Codes: codes}}
	for _, v := range values {
		path, val, _ := strings.Cut(v, "=")
		r.Fact.Fields = append(r.Fact.Fields, path)
		r.Fields = append(r.Fields, event.Field{Path: path, Value: []byte(val)})
	}
	return r
}

// Records are the person's.
func Records() []contact.Recorded {
	gone := rec(9, event.InvoiceIssued, nil)
	gone.Fact.Fields, gone.Gone = []string{"invoice.reference"}, map[string]domain.ID{"invoice.reference": {5}}
	return []contact.Recorded{
		rec(0, event.ContactCreated, event.Codes{}.With("kind", "client").With("professional", false).With("collection.channel", "web_form").
			With("collection.legal_basis", "consent").With("collection.purposes", []string{"prospecting"}).With("collection.collected_at", "2026-02-27T10:00:00.000000Z"),
			`person.given_name="Zoé <b>Ελένη</b>"`, `person.family_name="Łukasiewicz"`, `person.emails=["zoe@example.fr"]`, `person.phones=["+33612345678"]`,
			`person.postal_address={"city":"Lyon","lines":["3 rue des Lilas"],"postal_code":"69003"}`, `collection.origin="salon de l'habitat"`,
			`custom.segment="or"`, `custom.score_churn=0.25`, `upstream.subject="C-1"`),
		rec(1, event.ConsentGranted, event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email"}).With("method", "web_form").With("evidence", "proven").
			With("notice", Published().String()), `consent.act="case cochée"`, `consent.notice.id="formulaire"`, `consent.notice.version="3"`,
			`consent.partners=["Partenaire Nord"]`, `consent.guardian={"name":"`+Parent+`"}`),
		rec(2, event.ContactChanged, event.Codes{}.With("reason", "update"),
			`notes="Rappeler au `+Own+`, sinon sa sœur `+Stranger+` ou `+Mobile+`. Rendez-vous le 02.03.2026 1015 ; dit « bonjour »."`),
		rec(3, event.NoticeServed, nil, `notice.id="accueil"`, `notice.version="2"`, `notice.text="Nous traitons vos données pour vous répondre."`),
		rec(4, event.InteractionRecorded, event.Codes{}.With("kind", "click").With("direction", "in").With("channel", "email"), `interaction.campaign="mars"`, `interaction.caller="`+Agent+`"`),
		rec(5, event.InteractionRecorded, event.Codes{}.With("kind", "sent").With("direction", "out").With("channel", "email")),
		rec(6, event.ContractStarted, event.Codes{}.With("sector", "energy"), `contract.reference="K-1"`, `contract.object="Fourniture d'énergie"`),
		rec(7, event.OppositionRegistered, event.Codes{}.With("channels", []string{"phone"})),
		rec(8, event.ConsentWithdrawn, event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email"}).With("method", "unsubscribe_link")),
		gone,
		rec(10, event.RequestReceived, event.Codes{}.With("right", "access").With("channel", "email"), `request.message="Je vous écris de `+Stranger+`."`),
	}
}

type names struct{}

func (names) Source(domain.ID) string { return "crm/eu" }

// Inputs are of the person, in a language.
func Inputs(lang answer.Lang) answer.Inputs {
	recs := Records()
	return answer.Inputs{MadeAt: At(20), Language: lang, View: contact.Fold(domain.ID{1}, recs, At(19).Time), Items: contact.Items(recs), Names: names{},
		Accesses: []contact.Access{{At: At(4), Reason: "customer_call", Categories: []string{"identity", "contact_details"}}, {At: At(4), Reason: "customer_call", Categories: []string{"notes"}}},
		Notices:  map[domain.ID]answer.Notice{Published(): {ID: "formulaire", Version: "3", Language: "fr", Text: "J'accepte de recevoir des offres d'ACME par courriel."}},
		Request:  Request()}
}

// Request is of access, with two systems searched.
func Request() *answer.Request {
	return &answer.Request{ID: domain.ID{0xde, 0xad, 0xbe, 0xef, 6: 0x80, 8: 0x80}, Right: "access", Received: At(11).Time, Due: At(11).AddDate(0, 1, 0),
		Name: "Zoé Łukasiewicz", Address: []string{"3 rue des Lilas", "69003 Lyon"},
		Tasks: []answer.Task{{System: "Téléphonie", Outcome: "found", File: "appels.zip", At: At(15)}, {System: "Commandes", Outcome: "nothing_held", At: At(16)}}}
}

// Certificate is of an erasure that kept invoices.
func Certificate() *answer.ErasureCertificate {
	return &answer.ErasureCertificate{Number: domain.ID{0xce, 6: 0x80, 8: 0x80}, ErasedAt: At(18), Whole: true, Ground: "art17.1.b", Destroyed: []string{"contact_details", "identity", "notes"},
		Kept:   []answer.KeptLine{{Class: "billing", Ground: "art17.3.b", Until: domain.NewTime(time.Date(2036, 12, 31, 0, 0, 0, 0, time.UTC))}, {Class: "contract", Ground: "art17.3.e"}},
		Stores: []string{"vault", "index", "crm"}, CheckedAt: At(18), Recipients: []answer.ToldRecipient{{Name: "CRM", State: "acknowledged"}, {Name: "Outil d'e-mailing", State: "staged"}}}
}
