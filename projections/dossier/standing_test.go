package dossier_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

// shown opens a person's view, history and event as a role is shown them.
func shown(t *testing.T, o *office, text, role, portfolio string, s domain.ID, e domain.ID) string {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	known, err := o.Standing(t.Context(), p, []domain.ID{s}, now)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.journal.Record(t.Context(), access.Reading{Lens: disclosure.For(p, []string{role}, portfolio).Knowing(known),
		Account: domain.ID{7}, Action: "read", Reason: "customer_call", Subjects: []domain.ID{s}})
	if err != nil {
		t.Fatal(err)
	}
	v, errView := o.View(t.Context(), r, s, now, math.MaxInt64)
	items, _, errHistory := o.History(t.Context(), r, s, 0, false, 100)
	one, errEvent := o.Event(t.Context(), r, e)
	for _, err := range []error{errView, errHistory, errEvent} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal([]any{v, items, one})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestShownAsTheReceiptSays: no value that is masked or hidden leaves by a view, a history
// or an event, whoever asks for which; what is masked says so, and contracts stay apart.
func TestShownAsTheReceiptSays(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	text := strings.Replace(string(o.ledger.PolicySource()), "\nroles:\n", "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\nroles:\n", 1)
	if _, _, err := o.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	res := o.record("contact.created", "A", `{"kind":"client","portfolio":"north","person":{"given_name":"Zénobie","family_name":"Quatrebarbes","birth_date":"1988-04-12",
		"emails":["zenobie@quatrebarbes.fr"],"phones":["+33612345678"],"postal_address":{"lines":["9 rue Xyz"],"city":"Lyonville"}},"notes":"called back",
		"collection":{"purposes":["prospecting"]}}`)
	for _, reference := range []string{"K-1001", "K-1002"} {
		o.record("contract.started", "A", `{"reference":"`+reference+`","object":"maintenance"}`)
		o.record("contract.ended", "A", `{"reference":"`+reference+`"}`)
	}
	secrets := []string{"Zénobie", "Quatrebarbes", "04-12", "zenobie@", "quatrebarbes.fr", "612345678", "9 rue", "Lyonville"}
	for _, c := range []struct {
		role, portfolio string
		clear           []string // of the secrets
		says            []string
	}{
		{"marketing", "", nil, []string{`"Z."`, `"Q."`, `z•••@q•••.fr`, `•••78`, `"masked":["person.emails"`, `"person.birth_date"`}},
		{"inspector", "", nil, []string{`"1988"`, `"Z."`, `K-1001`}},
		{"support", "", nil, nil}, // held for prospecting alone
		{"sales", "", nil, nil},   // in no portfolio
		{"sales", "north", []string{"Zénobie", "Quatrebarbes", "zenobie@", "quatrebarbes.fr", "612345678", "9 rue", "Lyonville"}, []string{"called back", `"portfolio":"north"`}},
		{"admin", "", nil, nil},
		{"agent", "", secrets, nil},
	} {
		got := shown(t, o, text, c.role, c.portfolio, res.Subject, res.Event)
		for _, s := range secrets {
			if strings.Contains(got, s) != slices.Contains(c.clear, s) {
				t.Errorf("%s of portfolio %q: %q is shown: %v", c.role, c.portfolio, s, strings.Contains(got, s))
			}
		}
		for _, s := range c.says {
			if !strings.Contains(got, s) {
				t.Errorf("%s of portfolio %q: nothing says %s:\n%s", c.role, c.portfolio, s, got)
			}
		}
	}
	masked := strings.Replace(text, "fields: [interaction.amount_cents, contract.amount_cents,", "fields: [interaction.amount_cents, contract.amount_cents, contract.reference,", 1)
	got := shown(t, o, masked, "inspector", "", res.Subject, res.Event)
	if strings.Contains(got, "K-100") || strings.Count(got, `"state":"ended"`) != 2 || strings.Contains(got, `"state":"open"`) {
		t.Errorf("contracts whose reference is masked:\n%s", got)
	}
}

// TestStanding: purposes by contact, portfolios by person, as of now.
func TestStanding(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p, err := policy.Parse([]byte(strings.Replace(string(o.ledger.PolicySource()), "\nroles:\n", "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\n  - {code: south, label: {fr: Sud, en: South}}\nroles:\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(strings.Replace(string(o.ledger.PolicySource()), "\nroles:\n", "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\n  - {code: south, label: {fr: Sud, en: South}}\nroles:\n", 1))); err != nil {
		t.Fatal(err)
	}
	a := o.record("contact.created", "A", `{"kind":"client","portfolio":"north","collection":{"purposes":["billing"]}}`).Subject
	b := o.record("contact.created", "B", `{"kind":"candidate"}`).Subject
	o.record("contact.changed", "A", `{"set":{"portfolio":"south"}}`)
	o.record("consent.granted", "A", `{"purpose":"prospecting","channels":["email"],"method":"paper","act":"signed","prechecked":false,"notice":{"id":"n","version":"1","language":"fr","text":"t"}}`)
	look := func() map[domain.ID]disclosure.Standing {
		t.Helper()
		known, err := o.Standing(t.Context(), p, []domain.ID{a, b, {99}}, now)
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	known := look()
	if k := known[a]; !slices.Equal(k.Purposes, []string{"billing", "prospecting"}) || !slices.Equal(k.Portfolios, []string{"south"}) {
		t.Errorf("%+v", k)
	}
	if k := known[b]; !slices.Equal(k.Purposes, []string{"recruitment"}) || len(k.Portfolios) != 0 || len(known) != 2 {
		t.Errorf("%+v of %d", k, len(known))
	}
	o.record("contact.merged", "B", `{"into":{"source":"s","subject":"A"}}`)
	o.record("contact.changed", "A", `{"set":{"portfolio":"west"}}`)
	known = look()
	if known[a].Person != known[b].Person || !slices.Equal(known[b].Portfolios, []string{"unlisted"}) || !slices.Equal(known[b].Purposes, []string{"recruitment"}) {
		t.Errorf("merged, and given to nobody: %+v", known)
	}
}
