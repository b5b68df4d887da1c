package contact_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/policy"
)

func shipped(t *testing.T) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "policy", "fr-crm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type producers map[domain.ID]string

func (p producers) Source(id domain.ID) string { return p[id] }

func copy15(t *testing.T, recs []contact.Recorded, more ...contact.Access) *contact.Copy15 {
	t.Helper()
	return contact.NewCopy15(contact.Inputs15{MadeAt: domain.NewTime(day(20)), View: contact.Fold(anna, recs, day(20)),
		Items: contact.Items(recs), Accesses: more}, shipped(t), producers{id(2001): "crm/eu"})
}

func TestCopy15HoldsEverything(t *testing.T) {
	t.Parallel()
	recs := append(life(), gone(rec(12, event.InvoiceIssued, 12), 50, "invoice.reference"))
	c := copy15(t, recs)
	b, err := jsonv2.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		for _, f := range r.Fields { // those that no longer stand are in the history
			if !strings.Contains(string(b), string(f.Value)) {
				t.Errorf("%s is not in the copy", f.Path)
			}
		}
		if !strings.Contains(string(b), r.Fact.ID.String()) {
			t.Errorf("%s is not in the copy", r.Fact.Type)
		}
	}
	for _, want := range []string{"ACME", "dpo@acme.example", "crm/eu", "CNIL", `"erased":true`, "P3Y"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in the copy", want)
		}
	}
	for _, absent := range []string{`"recipients"`, `"accesses"`} {
		if strings.Contains(string(b), absent) {
			t.Errorf("%s stands for nothing", absent)
		}
	}
}

func TestCopy15Lines(t *testing.T) {
	t.Parallel()
	at := func(d, h int) domain.Time { return domain.NewTime(day(d).Add(time.Duration(h) * time.Hour)) }
	late := with(rec(13, event.ContactChanged, 15), `person.language="fr"`)
	late.Fact.Source = id(2002)
	c := copy15(t, append(life(), late),
		contact.Access{At: at(3, 1), Reason: "customer_call", Categories: []string{"identity", "contact_details"}},
		contact.Access{At: at(3, 2), Reason: "customer_call", Categories: []string{"identity"}},
		contact.Access{At: at(3, 3), Reason: "audit"}, contact.Access{At: at(2, 1), Reason: "no_longer_listed"})
	got := []string{}
	for _, a := range c.Accesses {
		got = append(got, a.Day+" "+a.Reason+" "+strings.Join(a.Categories, "+")+" "+string(rune('0'+a.Count)))
	}
	want := []string{"2026-03-03 no_longer_listed  1", "2026-03-04 audit  1", "2026-03-04 customer_call contact_details+identity 2"}
	if !slices.Equal(got, want) {
		t.Errorf("accesses %q", got)
	}
	if c.Accesses[0].Name.FR != "no_longer_listed" || c.Accesses[2].Name.FR == "customer_call" {
		t.Errorf("%+v", c.Accesses)
	}
	if len(c.Sources) != 2 || c.Sources[0].Name != "crm/eu" || c.Sources[0].Facts != 12 || c.Sources[1].Name != "" || c.Sources[1].Facts != 1 {
		t.Errorf("sources %+v", c.Sources)
	}
	var prospecting bool
	for _, p := range c.Purposes {
		prospecting = prospecting || p.Code == "prospecting" && len(p.LegalBases) == 2
		if p.Code == "recruitment" {
			t.Error("a purpose that holds nothing of the person")
		}
	}
	if !prospecting {
		t.Errorf("purposes %+v", c.Purposes)
	}
	for _, k := range c.Categories {
		if len(k.Fields) == 0 || k.Name.FR == "" {
			t.Errorf("category %+v", k)
		}
		if k.Code == "identity" && (!slices.Contains(k.Fields, "person.given_name") || len(k.Durations) == 0) {
			t.Errorf("identity %+v", k)
		}
	}
}

func TestCopy20(t *testing.T) {
	t.Parallel()
	recs := append(life(), gone(with(rec(12, event.InvoiceIssued, 12), `invoice.amount_cents=990`), 50, "invoice.reference"))
	c := contact.NewCopy20(domain.NewTime(day(20)), contact.Fold(anna, recs, day(20)), contact.Items(recs))
	got := map[string]string{}
	for i, r := range c.Rows {
		got[r.Field] = string(r.Value) + " " + r.Basis
		if i > 0 && r.Time.Before(c.Rows[i-1].Time.Time) {
			t.Error("rows are not in the order of time")
		}
	}
	for field, want := range map[string]string{
		"person.emails": `["anna@example.com"] consent`, "person.given_name": `"Anna" consent`, "company.name": `"Petit SA" consent`,
		"contract.reference": `"K-1" contract`, "invoice.amount_cents": `990 contract`, "consent.granted.method": `"web_form" consent`,
		"notes": "", "custom.segment": "", "invoice.reference": "", "upstream.id": "", "consent.granted.evidence": "", "kind": "",
	} {
		if got[field] != want {
			t.Errorf("%s: %q, want %q", field, got[field], want)
		}
	}
	for _, spoil := range []struct{ name, value string }{{"collection.channel", "import"}, {"collection.channel", "partner"}, {"collection.legal_basis", "legitimate_interest"}} {
		recs := life()
		recs[0].Fact.Codes = recs[0].Fact.Codes.With(spoil.name, spoil.value)
		for _, r := range contact.NewCopy20(domain.NewTime(day(20)), contact.Fold(anna, recs, day(20)), contact.Items(recs)).Rows {
			if strings.HasPrefix(r.Field, "person.") {
				t.Errorf("%s %s: %s is carried over", spoil.name, spoil.value, r.Field)
			}
		}
	}
	b, err := json.Marshal(c)
	if err != nil || !strings.Contains(string(b), `"rows":[`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestCopy20CSV(t *testing.T) {
	t.Parallel()
	row := func(v string) contact.Row20 {
		return contact.Row20{Field: "person.x", Value: []byte(v), Time: domain.NewTime(day(1)), Basis: "consent", Event: id(1)}
	}
	c := &contact.Copy20{}
	want := []string{}
	for v, cell := range map[string]string{
		`"Zoé, dite \"Zo\"\nligne"`: "Zoé, dite \"Zo\"\nligne", `"=1+1"`: "'=1+1", `"@x"`: "'@x", `"-x"`: "'-x", `"+33 6 12"`: "+33 6 12", `"+cmd|x"`: "'+cmd|x",
		`["a","b"]`: `["a","b"]`, `17`: "17", `""`: "", `{"city":"Lyon"}`: `{"city":"Lyon"}`,
	} {
		c.Rows, want = append(c.Rows, row(v)), append(want, cell)
	}
	b, err := c.CSV()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(lines) != len(want)+1 || !slices.Equal(lines[0], []string{"field", "value", "time", "basis", "event"}) {
		t.Fatalf("%q, %v", lines, err)
	}
	for i, w := range want {
		if got := lines[i+1]; got[1] != w || got[0] != "person.x" || got[2] != "2026-03-02T12:00:00.000000Z" || got[4] != id(1).String() {
			t.Errorf("%q, want %q", got, w)
		}
	}
}
