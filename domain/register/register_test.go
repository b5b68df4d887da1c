package register

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

func step(t testing.TB, typ event.Type, n byte, codes event.Codes, fields []event.Field) casefile.Step {
	t.Helper()
	f := &event.Fact{ID: domain.DeriveID([]byte{n, 15: 9}), Type: typ, Time: domain.NewTime(now.AddDate(0, int(n), 0)), Recorded: domain.NewTime(now), Codes: codes}
	b, err := event.AppendFact(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = event.DecodeFact(b); err != nil {
		t.Fatal(err)
	}
	return casefile.Step{Fact: f, Fields: fields}
}

// TestFactsReadBack: an entry comes back from its fact whole, and none of its words
// stands in clear.
func TestFactsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := entries().Draw(rt, "entry")
		e.Name, e.Remarks = "Zqkw "+e.Name, "Zqkw"
		fields, err := e.Fields()
		if err != nil {
			rt.Fatal(err)
		}
		s := step(t, event.ActivityRecorded, 1, e.Codes("ledger"), fields)
		if b, _ := event.AppendFact(nil, s.Fact); strings.Contains(string(b), "Zqkw") {
			rt.Fatal("words of the entry stand in clear")
		}
		states, err := Read([]casefile.Step{s})
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(e, Latest(states), cmpopts.EquateEmpty()); d != "" {
			rt.Fatal(d)
		}
	})
}

// TestFold: what a file says of itself follows its last state; its review is due a year
// after it; an ended activity has nothing due.
func TestFold(t *testing.T) {
	t.Parallel()
	a := Entry{Role: Controller, Name: "a", Purpose: "p", Purposes: []string{"prospecting", "billing"}}
	first := step(t, event.ActivityRecorded, 0, a.Codes("ledger"), nil)
	a.Purposes = []string{"billing"}
	second := step(t, event.ActivityRecorded, 2, a.Codes("ledger"), nil)
	s := casefile.Begin(first.Fact, 7)
	Fold(s, first.Fact)
	if s.Kind != "controller" || !s.Has(PurposeMark("prospecting")) || TemplateOf(s) != "ledger" || !s.Due.Equal(now.AddDate(1, 0, 0)) {
		t.Errorf("%+v", s)
	}
	Fold(s, second.Fact)
	if s.Has(PurposeMark("prospecting")) || !s.Has(PurposeMark("billing")) || !s.Due.Equal(now.AddDate(1, 2, 0)) {
		t.Errorf("after another state: %+v", s)
	}
	Fold(s, step(t, event.ActivityEnded, 3, nil, nil).Fact)
	if s.Status != casefile.Closed || !s.Due.IsZero() || TemplateOf(s) != "ledger" {
		t.Errorf("after its end: %+v", s)
	}
	o := Organisation{Name: "ACME", Representative: Person{Surname: "Martin"}}
	head := step(t, event.ActivityRecorded, 0, o.Codes(), nil)
	s = casefile.Begin(head.Fact, 1)
	if Fold(s, head.Fact); s.Kind != KindOrganisation || !s.Due.IsZero() {
		t.Errorf("a header: %+v", s)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]casefile.Step{
		"another desk":   step(t, event.BreachOpened, 1, nil, nil),
		"without words":  step(t, event.ActivityRecorded, 1, nil, nil),
		"no entry in it": step(t, event.ActivityRecorded, 1, nil, []event.Field{{Path: FieldEntry, Value: []byte(`[]`)}}),
		"no text":        step(t, event.ActivityEnded, 1, nil, []event.Field{{Path: FieldReason, Value: []byte(`{}`)}}),
	} {
		if _, err := Read([]casefile.Step{s}); !errors.Is(err, ErrFact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := step(t, event.ActivityRecorded, 1, nil, nil)
	gone.Gone = true
	if states, err := Read([]casefile.Step{gone}); err != nil || Latest(states) != nil {
		t.Errorf("after its words were destroyed: %v", err)
	}
}

// TestOrganisationReadsBack: the header that stands is the last that was recorded.
func TestOrganisationReadsBack(t *testing.T) {
	t.Parallel()
	var steps []casefile.Step
	for i, city := range []string{"Lyon", "Paris"} {
		o := Organisation{Name: "ACME", City: city, Representative: Person{Surname: "Martin", FirstName: "Anne"}, EU: &Party{Name: "EU Rep", Contact: "x"}}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		fields, err := o.Fields()
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step(t, event.ActivityRecorded, byte(i), o.Codes(), fields))
	}
	got, err := ReadOrganisation(steps)
	if err != nil || got.City != "Paris" {
		t.Fatalf("%v %+v", err, got)
	}
	var names []string
	for _, l := range got.Lines() {
		names = append(names, l.Name+"="+l.Value)
	}
	for _, want := range []string{"Organisme=ACME", "Ville=Paris", "Représentant légal, nom=Martin", "Représentant légal, prénom=Anne", "Représentant dans l'Union=EU Rep",
		"Délégué à la protection des données=aucun n'est désigné"} {
		if !strings.Contains(strings.Join(names, "\n"), want) {
			t.Errorf("the header does not say %s: %v", want, names)
		}
	}
	steps[1].Fields[0].Value = []byte(`3`)
	if _, err := ReadOrganisation(steps); !errors.Is(err, ErrFact) {
		t.Errorf("%v", err)
	}
	for want, o := range map[string]Organisation{"name": {Representative: Person{Surname: "x"}}, "legal_representative.surname": {Name: "x"},
		"dpo.surname": {Name: "x", Representative: Person{Surname: "x"}, DPO: &Person{}}, "eu_representative.name": {Name: "x", Representative: Person{Surname: "x"}, EU: &Party{}}} {
		var field *FieldError
		if err := o.Check(); !errors.As(err, &field) || field.Field != want || !field.Missing {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestCheckNames: what is wrong is named by its field, never by its value.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	const secret = "zqMARKERqz"
	for want, spoil := range map[string]func(*Entry){
		"role":                 func(e *Entry) { e.Role = secret },
		"activity":             func(e *Entry) { e.Name = " " },
		"main_purpose":         func(e *Entry) { e.Purpose = "" },
		"client":               func(e *Entry) { e.Client = &Party{Name: secret} },
		"sub_purposes":         func(e *Entry) { e.SubPurposes = strings.Split("a b c d e f", " ") },
		"persons":              func(e *Entry) { e.Persons = []string{""} },
		"policy_purposes":      func(e *Entry) { e.Purposes = []string{"Vendre à " + secret} },
		"legal_bases":          func(e *Entry) { e.LegalBases = []string{secret} },
		"data.category":        func(e *Entry) { e.Data = []Data{{Category: secret, Description: "x"}} },
		"data.description":     func(e *Entry) { e.Data = []Data{{Category: "identity"}} },
		"data.classes":         func(e *Entry) { e.Data = []Data{{Category: "identity", Description: "x", Classes: []string{"a", "a"}}} },
		"data.active":          func(e *Entry) { e.Data = []Data{{Category: "identity", Description: "x", Active: "\x00"}} },
		"sensitive.kind":       func(e *Entry) { e.Sensitive = []Sensitive{{"health", "x", "", ""}, {"health", "x", "", ""}} },
		"recipients.kind":      func(e *Entry) { e.Recipients = []Recipient{{Kind: secret, Name: "x"}} },
		"recipients.name":      func(e *Entry) { e.Recipients = []Recipient{{Kind: Internal}} },
		"transfers.guarantee":  func(e *Entry) { e.Transfers = []Transfer{{"x", "US", secret, ""}} },
		"security.kind":        func(e *Entry) { e.Security = []Measure{{"backup", "x"}, {"backup", "y"}} },
		"security.description": func(e *Entry) { e.Security = []Measure{{Kind: "backup"}} },
		"remarks":              func(e *Entry) { e.Remarks = "\xff" },
		"source":               func(e *Entry) { e.Source = strings.Repeat("x", 2001) },
		"recipients.internal": func(e *Entry) {
			for range 99 {
				e.Recipients = append(e.Recipients, Recipient{Internal, strings.Repeat("x", 2000), "", ""})
			}
		},
	} {
		e := &Entry{Role: Controller, Name: "a", Purpose: "p"}
		spoil(e)
		var field *FieldError
		if err := e.Check(); !errors.As(err, &field) || field.Field != want || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", want, err)
		}
	}
	e := &Entry{Role: Processor, Name: "a"}
	var field *FieldError
	if err := e.Check(); !errors.As(err, &field) || field.Field != "client" || !field.Missing {
		t.Errorf("a processor's entry names its client: %v", err)
	}
}

// TestUsageIsASum: what is counted does not depend on the order of facts, and each is
// counted where it belongs.
func TestUsageIsASum(t *testing.T) {
	t.Parallel()
	p := domain.DeriveID([]byte{1, 15: 9})
	facts := []*event.Fact{
		{Type: event.ContactCreated, Subject: p, Controller: "acme", Codes: event.Codes{}.With("collection.channel", "partner").With("collection.legal_basis", "consent").With("collection.purposes", []string{"prospecting"}),
			Fields: []string{"custom.segment", "notes"}, Parts: []event.PartRef{{Class: "identity"}, {Class: "notes"}}},
		{Type: event.ContactChanged, Subject: p, Codes: event.Codes{}.With("reason", "enrichment"), Warnings: []event.Warning{{Field: "notes", Rule: "income"}}, Parts: []event.PartRef{{Class: "notes"}}},
		{Type: event.InteractionRecorded, Subject: p, Controller: "*", Codes: event.Codes{}.With("kind", "open").With("object", "billing")},
		{Type: event.ConsentGranted, Subject: p, Codes: event.Codes{}.With("purpose", "prospecting")},
		{Type: event.AccessRecorded, Parts: []event.PartRef{{Class: "access"}}}, {Type: event.OppositionListed}, {Type: event.RequestReceived}, {Type: event.InvoiceIssued, Subject: p}, {Type: event.ContractEnded, Subject: p},
	}
	for i, f := range facts {
		f.Time = domain.NewTime(now.Add(time.Duration(i) * time.Hour))
	}
	forth, back := NewUsage("main"), NewUsage("main")
	for i := range facts {
		forth.Add(facts[i])
		back.Add(facts[len(facts)-1-i])
	}
	if d := cmp.Diff(forth, back, cmp.AllowUnexported(Usage{})); d != "" {
		t.Error(d)
	}
	at := func(i int) Use { return Use{1, facts[i].Time.Time} }
	want := map[Deed]Use{{"acme", "prospecting", "consent"}: at(0), {"main", "billing", ""}: {2, facts[7].Time.Time}, {"main", "prospecting", ""}: at(3),
		{"main", "security", ""}: at(4), {"main", "compliance", ""}: at(6), {"main", "contract", ""}: at(8)}
	if d := cmp.Diff(want, forth.Deeds); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[Holding]Use{{"acme", "identity"}: at(0), {"acme", "notes"}: at(0), {"main", "notes"}: at(1)}, forth.Holdings); d != "" {
		t.Error(d)
	}
	if forth.Partners != at(0) || forth.Enriched != at(1) || forth.Incomes != at(1) || forth.Tracked != at(2) || forth.Journal != at(4) || forth.Objected != at(5) || forth.Requested != at(6) || forth.Fields["custom.segment"] != at(0) {
		t.Errorf("%+v", forth)
	}
	c := forth.Clone()
	c.Add(facts[0])
	if forth.Facts != 9 || forth.Fields["notes"].Facts != 1 || c.Fields["notes"].Facts != 2 {
		t.Error("a copy is not its own")
	}
}
