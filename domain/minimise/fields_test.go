package minimise_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain/event"
	"greffe/domain/minimise"
)

const fewCustom = customField + `
  custom.salaire: {class: commercial}
  custom.revenu_mensuel: {class: commercial, kind: amount}
  custom.revenu_annuel: {class: commercial, kind: amount}
  custom.religion: {class: commercial, kind: code}
  custom.cvv: {class: billing, kind: code}
  custom.numero_secu: {class: identity, kind: id}
  custom.allergies: {class: notes, allow: [special_category], justification: consent in the form}
  custom.sante: {class: notes, allow: [special_category], justification: consent in the form}
  custom.extra: {class: commercial, kind: object}
  custom.extra.*: {class: commercial}
`

func TestUnknownFields(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	in := []event.Field{
		{Path: "custom.Mme Dupont", Value: []byte(`"x"`)}, {Path: "custom.*", Value: []byte(`1`)}, {Path: "custom", Value: []byte(`1`)},
		{Path: "custom.segment", Value: []byte(`"gold"`)}, {Path: "custom.segment.x", Value: []byte(`"gold"`)},
		{Path: "person.emails.x", Value: []byte(`[]`)}, {Path: "consent.guardian.*", Value: []byte(`"x"`)}, {Path: "dupont@example.org", Value: []byte(`{}`)},
		{Path: "notes", Value: []byte(`"bonjour"`)}, {Path: "", Value: []byte(`1`)}, {Path: strings.Repeat("a.", 5000), Value: []byte(`1`)},
	}
	kept, warn, hold := g.Apply(in)
	if diff := cmp.Diff([]event.Field{in[3], in[6], in[8]}, kept); diff != "" {
		t.Error(diff)
	}
	want := []event.Warning{{Field: "custom.*", Rule: "unknown_field"}, {Field: "unknown", Rule: "unknown_field"}}
	if diff := cmp.Diff(want, warn); diff != "" || hold != nil {
		t.Error(diff, hold)
	}
	g = guardOf(t, "unknown_field: {action: drop}", "unknown_field: {action: quarantine}")
	kept, warn, hold = g.Apply(in)
	if len(kept) != 3 || warn != nil || cmp.Diff(want, hold) != "" {
		t.Error(len(kept), warn, hold)
	}
}

func TestNamesOfFields(t *testing.T) {
	t.Parallel()
	g := guardOf(t, customField, fewCustom)
	for _, c := range []struct{ path, in, want, rule string }{
		{"custom.salaire", `2450`, `"[tranche C]"`, "income"},
		{"custom.salaire", `"2 450 €"`, `"[tranche C]"`, "income"},
		{"custom.salaire", `"45k"`, `"[tranche D]"`, "income"},
		{"custom.salaire", `"confidentiel"`, `"confidentiel"`, ""},
		{"custom.salaire", `[2450,2500]`, `"***"`, "income"},
		{"custom.salaire", `null`, `null`, ""},
		{"custom.revenu_mensuel", `12000`, `"[tranche F]"`, "income"},
		{"custom.revenu_annuel", `9000`, `"[tranche A]"`, "income"},
		{"custom.religion", `"rien"`, ``, "special_category"},
		{"custom.religion", `""`, `""`, ""},
		{"custom.sante", `"noix"`, `"noix"`, ""},
		{"custom.allergies", `"noix"`, `"noix"`, ""},
		{"custom.cvv", `"123"`, `"***"`, "cvv"},
		{"custom.cvv", `123`, `"***"`, "cvv"},
		{"custom.numero_secu", `"2 55 08"`, `"***"`, "nir"},
		{"custom.extra", `{"couleur":"bleu","nbSalaries":3}`, `{"couleur":"bleu","nbSalaries":3}`, ""},
		{"custom.extra", `{"couleur":"bleu","numeroSecu":"1 86"}`, `{"couleur":"bleu","numeroSecu":"***"}`, "nir"},
		{"custom.extra", `{"religion":"x"}`, `{}`, "special_category"},
		{"custom.extra", `{"a":1,"b":{"salaire":30000,"religion":"x","z":[{"cvv":99}]}}`, `{"a":1,"b":{"salaire":"[tranche C]","z":[{"cvv":"***"}]}}`, "income special_category cvv"},
		{"custom.extra", `{"4111111111111111":1,"b":2}`, `{"b":2}`, "card"},
		{"custom.extra", `{"religion":""}`, `{"religion":""}`, ""},
		{"custom.extra", `{"x":"carte 4111111111111111"}`, `{"x":"carte ****1111"}`, "card"},
		{"custom.extra.y", `"4111111111111111"`, `"****1111"`, "card"},
	} {
		kept, rules := one(t, g, c.path, []byte(c.in))
		if kept != c.want || strings.Join(rules, " ") != c.rule {
			t.Errorf("%s %s: kept %s by %v, want %s by %s", c.path, c.in, kept, rules, c.want, c.rule)
		}
	}
}

func TestNestedValues(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	for _, c := range []struct{ path, in, want, rule string }{
		{"person.emails", `["a@b.fr","4111111111111111@b.fr"]`, `["a@b.fr","****1111@b.fr"]`, "card"},
		{"person.phones", `["+33612345678","+33698765432"]`, `["+33612345678","+33698765432"]`, ""},
		{"person.phones", `[4111111111111111,7]`, `["****1111",7]`, "card"},
		{"person.postal_address", `{"city":"Lyon","country":"FR","lines":["12 rue"],"postal_code":"69003"}`, `{"city":"Lyon","country":"FR","lines":["12 rue"],"postal_code":"69003"}`, ""},
		{"person.postal_address", `{"city":"Lyon","nir":"x","postal_code":"69003"}`, `{"city":"Lyon","postal_code":"69003"}`, "unknown_field"},
		{"person.postal_address", `{"a":1,"city":"Lyon"}`, `{"city":"Lyon"}`, "unknown_field"},
		{"person.postal_address", `{"a":1}`, `{}`, "unknown_field"},
		{"person.postal_address", `{ "a" :1, "city": "Lyon"}`, `{"city":"Lyon"}`, "unknown_field"},
		{"person.postal_address", `{"lines":["12 rue","NIR 255081416802538"]}`, `{"lines":["12 rue","NIR ***"]}`, "nir"},
		{"consent.guardian", `{"name":"Anne","nir":"2550814168025"}`, `{"name":"Anne","nir":"***"}`, "nir"},
		{"consent.partners", `["A","B"]`, `["A","B"]`, ""},
		{"interaction.amount_cents", `12000`, `12000`, ""},
		{"interaction.amount_cents", `4111111111111111`, `"****1111"`, "card"},
		{"notes", `"c\u0061ncer"`, ``, "special_category"},
		{"notes", `"\u0034111 1111\n1111 1111"`, `"****1111"`, "card"},
		{"notes", `"dit \"bonjour\"\nà 12 h \\ 4111\t1111 1111 1111"`, `"dit \"bonjour\"\nà 12 h \\ ****1111"`, "card"},
		{"notes", `"a\u0062c"`, `"a\u0062c"`, ""},
		{"notes", `"{accolade}"`, `"{accolade}"`, ""},
		{"notes", `true`, `true`, ""},
		{"notes", `"x`, ``, minimise.RuleUnreadable},
		{"consent.guardian", `{"a":1,"a":2}`, ``, minimise.RuleUnreadable},
		{"consent.guardian", `{"a":1}}`, ``, minimise.RuleUnreadable},
		{"consent.guardian", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), ``, minimise.RuleUnreadable},
		{"notes", ``, ``, minimise.RuleUnreadable},
	} {
		kept, rules := one(t, g, c.path, []byte(c.in))
		if c.in == `"x` && kept == c.in { // no finding, so never parsed: the caller's JSON was checked before
			continue
		}
		if kept != c.want || strings.Join(rules, " ") != c.rule {
			t.Errorf("%s %.60s: kept %s by %v, want %s by %s", c.path, c.in, kept, rules, c.want, c.rule)
		}
	}
}

func TestActionsOfThePolicy(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"nir": "255081416802538", "card": "4111111111111111", "cvv": "cvv 123", "iban": "DE89370400440532013000",
		"income": "salaire 2450 €", "special_category": "cancer", "abusive": "connard"}
	was := map[string]string{"income": "generalise", "special_category": "drop", "abusive": "drop"}
	for rule, text := range texts {
		old := was[rule]
		if old == "" {
			old = "mask"
		}
		from := rule + ": {action: " + old + "}"
		for _, action := range []string{"drop", "quarantine", "off", "mask"} {
			to := rule + ": {action: " + action + "}"
			if action == "off" {
				to = rule + ": {action: " + old + ", on: false, justification: a test}"
			}
			if action == "mask" && old == "drop" {
				continue
			}
			g := guardOf(t, from, to)
			kept, warn, hold := g.Apply([]event.Field{{Path: "notes", Value: quoted(t, "x "+text)}, {Path: "company.name", Value: []byte(`"A"`)}})
			said := []event.Warning{{Field: "notes", Rule: rule}}
			var want struct {
				kept       int
				warn, hold []event.Warning
			}
			switch action {
			case "drop":
				want.kept, want.warn = 1, said
			case "quarantine":
				want.kept, want.hold = 1, said
			case "off":
				want.kept = 2
			case "mask":
				want.kept, want.warn = 2, said
				if bytes.ContainsAny(kept[0].Value, "02356789") {
					t.Errorf("%s: masked to %d bytes that hold its digits", rule, len(kept[0].Value))
				}
			}
			if len(kept) != want.kept || !slices.Equal(warn, want.warn) || !slices.Equal(hold, want.hold) {
				t.Errorf("%s %s: %d kept, warned %v, held %v", rule, action, len(kept), warn, hold)
			}
			if kept[len(kept)-1].Path != "company.name" {
				t.Errorf("%s %s: the field beside it went", rule, action)
			}
		}
	}
}

func TestInputIsNotChangedAndOrderKept(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	in := []event.Field{
		{Path: "company.name", Value: []byte(`"A"`)}, {Path: "custom.x", Value: []byte(`1`)},
		{Path: "notes", Value: []byte(`"carte 4111111111111111 et cvv 123"`)}, {Path: "person.given_name", Value: []byte(`"B"`)},
	}
	copied := make([]event.Field, len(in))
	for i, f := range in {
		copied[i] = event.Field{Path: f.Path, Value: bytes.Clone(f.Value)}
	}
	kept, warn, _ := g.Apply(in)
	if diff := cmp.Diff(copied, in); diff != "" {
		t.Error(diff)
	}
	want := []event.Field{copied[0], {Path: "notes", Value: []byte(`"carte ****1111 et cvv ***"`)}, copied[3]}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]event.Warning{{Field: "custom.*", Rule: "unknown_field"}, {Field: "notes", Rule: "card"}, {Field: "notes", Rule: "cvv"}}, warn); diff != "" {
		t.Error(diff)
	}
	if kept, warn, hold := g.Apply(nil); kept != nil || warn != nil || hold != nil {
		t.Error("no fields gave something")
	}
}

func TestManyUseOneGuard(t *testing.T) {
	t.Parallel()
	g := guardOf(t)
	done := make(chan string)
	for range 8 {
		go func() {
			for range 50 {
				kept, _, _ := g.Apply([]event.Field{{Path: "notes", Value: []byte(`"4111 1111 1111 1111"`)}})
				if string(kept[0].Value) != `"****1111"` {
					done <- "another value"
					return
				}
			}
			done <- ""
		}()
	}
	for range 8 {
		if s := <-done; s != "" {
			t.Error(s)
		}
	}
}
