package breach_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/breach"
)

// TestEachMissingFieldIsNamed: of a whole form nothing lacks; without any one field
// that one is named.
func TestEachMissingFieldIsNamed(t *testing.T) {
	t.Parallel()
	f := whole()
	if m := f.Missing(); len(m) != 0 {
		t.Fatalf("a whole form lacks %v", m)
	}
	for want, spoil := range map[string]func(*breach.Form){
		"organisation.name":            func(f *breach.Form) { f.Organisation.Name = "" },
		"organisation.siren":           func(f *breach.Form) { f.Organisation.SIREN = "" },
		"organisation.sector":          func(f *breach.Form) { f.Organisation.Sector = "" },
		"organisation.size":            func(f *breach.Form) { f.Organisation.Size = "" },
		"organisation.contact":         func(f *breach.Form) { f.Organisation.DPO.Email = "" },
		"chronology.state":             func(f *breach.Form) { f.Chronology.State = "" },
		"chronology.started":           func(f *breach.Form) { f.Chronology.Started = time.Time{} },
		"chronology.ended":             func(f *breach.Form) { f.Chronology.Ended = time.Time{} },
		"chronology.discovered":        func(f *breach.Form) { f.Chronology.Discovered = time.Time{} },
		"chronology.how_discovered":    func(f *breach.Form) { f.Chronology.HowDiscovered = "" },
		"nature.nature":                func(f *breach.Form) { f.Nature.Nature = nil },
		"nature.origins":               func(f *breach.Form) { f.Nature.Origins = nil },
		"nature.agent":                 func(f *breach.Form) { f.Nature.Agent = "" },
		"nature.intent":                func(f *breach.Form) { f.Nature.Intent = "" },
		"nature.facts":                 func(f *breach.Form) { f.Nature.Facts = "" },
		"data.categories":              func(f *breach.Form) { f.Data.Categories = nil },
		"data.records":                 func(f *breach.Form) { f.Data.Records = 0 },
		"data.media":                   func(f *breach.Form) { f.Data.Media = nil },
		"persons.categories":           func(f *breach.Form) { f.Persons.Categories = nil },
		"persons.number":               func(f *breach.Form) { f.Persons.Number = 0 },
		"before.measures":              func(f *breach.Form) { f.Before.Measures = nil },
		"consequences.confidentiality": func(f *breach.Form) { f.Consequences.Confidentiality = nil },
		"consequences.integrity":       func(f *breach.Form) { f.Nature.Nature = append(f.Nature.Nature, "integrity") },
		"consequences.availability":    func(f *breach.Form) { f.Nature.Nature = append(f.Nature.Nature, "availability") },
		"consequences.harms":           func(f *breach.Form) { f.Consequences.Harms = nil },
		"consequences.severity":        func(f *breach.Form) { f.Consequences.Severity = "" },
		"measures.taken":               func(f *breach.Form) { f.Measures.Taken = "" },
		"measures.planned":             func(f *breach.Form) { f.Measures.Planned = "" },
		"informed.state":               func(f *breach.Form) { f.Informed.State = "" },
		"informed.when":                func(f *breach.Form) { f.Informed.When = time.Time{} },
		"informed.why_not":             func(f *breach.Form) { f.Informed.State = "no" },
	} {
		f := whole()
		spoil(&f)
		if m := f.Missing(); want == "nature.nature" && m[0] != want || want != "nature.nature" && !cmp.Equal(m, []string{want}) {
			t.Errorf("%s: named %v", want, m)
		}
	}
	f = whole()
	f.Informed = breach.Informed{State: "done"}
	if m := f.Missing(); !cmp.Equal(m, []string{"informed.when", "informed.number", "informed.channels", "informed.text"}) {
		t.Errorf("persons told, and nothing else said: %v", m)
	}
}

func TestFormRefuses(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*breach.Form){
		"organisation":                 func(f *breach.Form) { f.Organisation.Name = "\xff" },
		"organisation.siren":           func(f *breach.Form) { f.Organisation.SIREN = "55210055A" },
		"organisation.parties.role":    func(f *breach.Form) { f.Organisation.Parties = []breach.Party{{Role: "friend"}} },
		"organisation.parties.country": func(f *breach.Form) { f.Organisation.Parties = []breach.Party{{Country: "france"}} },
		"chronology.ended":             func(f *breach.Form) { f.Chronology.Ongoing = true },
		"chronology.discovered":        func(f *breach.Form) { f.Chronology.Started, f.Chronology.Ended = aware.Add(1), aware.Add(2) },
		"nature.agent":                 func(f *breach.Form) { f.Nature.Agent = "ghost" },
		"data.records":                 func(f *breach.Form) { f.Data.Records = -1 },
		"persons.categories":           func(f *breach.Form) { f.Persons.Categories = slices.Repeat([]string{"clients"}, 51) },
		"consequences.severity":        func(f *breach.Form) { f.Consequences.Severity = "huge" },
		"measures":                     func(f *breach.Form) { f.Measures.Taken = strings.Repeat("x", 8001) },
		"informed.channels":            func(f *breach.Form) { f.Informed.Channels = []string{"fax"} },
		"cross_border.countries":       func(f *breach.Form) { f.Border.Countries = []string{"be"} },
		"attachments.sha256":           func(f *breach.Form) { f.Attachments = []breach.Attachment{{Name: "x", SHA256: "00"}} },
	} {
		f := whole()
		spoil(&f)
		if err := f.Check(); field(err) != want || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestFormIsOneObject: a form comes back from its JSON as it was.
func TestFormIsOneObject(t *testing.T) {
	t.Parallel()
	f := whole()
	f.Attachments = []breach.Attachment{{Name: "journal", SHA256: strings.Repeat("0", 64)}}
	f.Border = breach.Border{Countries: []string{"BE"}, Authorities: "ANSSI"}
	b, err := json.Marshal(&f)
	if err != nil {
		t.Fatal(err)
	}
	var got breach.Form
	if err := json.Unmarshal(b, &got, json.RejectUnknownMembers(true)); err != nil || cmp.Diff(f, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(f, got))
	}
}

func TestLetter(t *testing.T) {
	t.Parallel()
	f := whole()
	fr, err := breach.Write(&f, "fr")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"ACME SAS", "27 mars 2026", "Un compte a consulté", "coordonnées bancaires", "hameçonnage", "Compte suspendu.", "Droits revus.", "13 mois", "33700",
		"dpo@acme.example", "Mme Zkqx", "CNIL"} { // art. 34(2), 33(3)(b) to (d)
		if !strings.Contains(fr.Text, part) {
			t.Errorf("the letter does not say %q", part)
		}
	}
	if strings.Contains(fr.Text, "mot de passe chez nous") || len(fr.Advice) != 3 {
		t.Errorf("advice for data that are not concerned: %q", fr.Advice)
	}
	en, err := breach.Write(&f, "en")
	if err != nil || !strings.Contains(en.Text, "27 March 2026") || !strings.Contains(en.Text, "bank details") || strings.Contains(en.Text, "Ce que vous") || len(en.Advice) != len(fr.Advice) {
		t.Errorf("%v\n%s", err, en.Text)
	}
	if _, err := breach.Write(&f, "de"); !errors.Is(err, breach.ErrLanguage) {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*breach.Form){
		"nature.facts":       func(f *breach.Form) { f.Nature.Facts = "" },
		"organisation.dpo":   func(f *breach.Form) { f.Organisation.DPO = breach.Contact{} },
		"data.categories":    func(f *breach.Form) { f.Data.Categories = []string{"unknown"} },
		"consequences.harms": func(f *breach.Form) { f.Consequences.Harms = nil },
		"measures.taken":     func(f *breach.Form) { f.Measures.Taken = "" },
	} {
		f := whole()
		spoil(&f)
		if _, err := breach.Write(&f, "fr"); field(err) != want {
			t.Errorf("a vague letter: %s, %v", want, err)
		}
	}
}

// TestEveryCodeHasItsWords: nothing in a letter is a bare code.
func TestEveryCodeHasItsWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"fr", "en"} {
		for _, c := range breach.DataCategories() {
			f := whole()
			f.Data.Categories = []string{c}
			l, err := breach.Write(&f, lang)
			if c == "unknown" {
				continue
			}
			if err != nil || strings.Contains(l.Text, "- \n") || strings.Contains(l.Text, "_") {
				t.Errorf("%s %s: %v", lang, c, err)
			}
		}
		f := whole()
		f.Consequences.Harms, f.Data.Categories, f.Data.CategoryWords = breach.Harms(), []string{"other"}, "photos"
		if l, err := breach.Write(&f, lang); err != nil || strings.Contains(l.Text, "- \n") || strings.Contains(l.Text, "_") || !strings.Contains(l.Text, "photos") {
			t.Errorf("%s: %v", lang, err)
		}
	}
	for _, c := range breach.Checklist() {
		if c.French == "" || c.Text == "" || !slices.Contains(breach.Items(), c.Item) {
			t.Errorf("%+v", c)
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	d := opened(t, breach.Controller, breach.Form{})
	q := breach.Scope{Accounts: []domain.ID{{5, 6: 0x80, 8: 0x80}}, Categories: []string{"identity"}, From: aware.Add(-time.Hour), Before: 99}
	if err := q.Check(aware); err != nil || !q.To.Equal(aware) {
		t.Fatalf("%v, to %s", err, q.To)
	}
	n := breach.Counted{Accesses: 4, Persons: 3, Unnamed: 2, ByClass: map[string]int64{"identity": 4, "notes": 1}, First: aware.Add(-time.Minute), Last: aware.Add(-time.Second)}
	d.take(breach.Scoped(d.sum, &q, &n))
	f := d.file()
	if diff := cmp.Diff(q, f.Scopes[0].Scope); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(n, f.Scopes[0].Counted); diff != "" || !d.sum.Has(breach.MarkScoped) {
		t.Error(diff)
	}
	for want, spoil := range map[string]func(*breach.Scope){
		"from":       func(q *breach.Scope) { q.From = time.Time{} },
		"to":         func(q *breach.Scope) { q.To = q.From },
		"accounts":   func(q *breach.Scope) { q.Accounts = []domain.ID{{}} },
		"sources":    func(q *breach.Scope) { q.Sources = make([]domain.ID, 51) },
		"categories": func(q *breach.Scope) { q.Categories = []string{"Jean Dupont"} },
	} {
		q := q
		spoil(&q)
		if err := q.Check(aware); field(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}
