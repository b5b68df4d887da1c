package register

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestRowsReadBack: a row of cells is the entry, whatever its words are.
func TestRowsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := entries().Draw(t, "entry")
		got := &Entry{Role: want.Role}
		for _, c := range Columns(want.Role) {
			c.Set(got, c.Cell(want))
		}
		if err := got.Check(); err != nil {
			t.Fatalf("what was read back: %v", err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if changed := Changed(want, got); len(changed) > 0 {
			t.Fatalf("the same entry changed in %v", changed)
		}
	})
}

// TestColumnsAreTheModels: each column of the CNIL's model is there (regulation §5), once,
// with a duration beside each category of data and each kind of sensitive data.
func TestColumnsAreTheModels(t *testing.T) {
	t.Parallel()
	want := map[Role][]string{
		Controller: {"reference", "activity", "joint_controllers", "software", "main_purpose", "sub_purpose_1", "sub_purpose_2", "sub_purpose_3", "sub_purpose_4",
			"sub_purpose_5", "legal_bases", "persons", "data.identity", "data.private_life", "data.professional_life", "data.economic", "data.connection",
			"data.location", "data.internet", "data.other", "sensitive.racial_origin", "sensitive.political", "sensitive.religious", "sensitive.union",
			"sensitive.genetic", "sensitive.biometric", "sensitive.health", "sensitive.sex_life", "sensitive.offences", "sensitive.nir",
			"recipients.internal", "recipients.external", "recipients.processor", "transfers", "security.access_control", "security.traceability",
			"security.software", "security.backup", "security.encryption", "security.processors", "security.other", "dpia"},
		Processor: {"reference", "activity", "client.name", "client.representative", "client.dpo", "processing", "recipients.processor", "transfers",
			"security.access_control", "security.encryption"},
	}
	for role, needed := range want {
		var have, titles []string
		for _, c := range Columns(role) {
			have, titles = append(have, c.Name), append(titles, c.French)
		}
		for _, n := range needed {
			if !slices.Contains(have, n) {
				t.Errorf("%s has no column %s", role, n)
			}
			if strings.HasPrefix(n, "data.") && !(slices.Contains(have, n+".active") && slices.Contains(have, n+".archive")) ||
				strings.HasPrefix(n, "sensitive.") && !slices.Contains(have, n+".erasure") {
				t.Errorf("%s has no duration", n)
			}
		}
		for _, l := range [][]string{have, titles} {
			if slices.Sort(l); len(slices.Compact(slices.Clone(l))) != len(l) {
				t.Errorf("a column of %s stands twice", role)
			}
		}
	}
}

func TestChangedNamesColumns(t *testing.T) {
	t.Parallel()
	a := &Entry{Role: Controller, Name: "a", Purpose: "p", Data: []Data{{Category: "identity", Description: "nom", Active: "P3Y"}}}
	b := *a
	b.Data = []Data{{Category: "identity", Description: "nom", Active: "P2Y"}}
	b.Persons = []string{"clients"}
	if d := cmp.Diff([]string{"persons", "data.identity.active"}, Changed(a, &b)); d != "" {
		t.Error(d)
	}
}

func TestLengths(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"P3Y": "3 ans", "P1Y": "1 an", "P18M": "18 mois", "P1M": "1 mois", "P0D": "0 jour", "P2D": "2 jours",
		"P1Y6M": "P1Y6M", "durée du contrat": "durée du contrat", "": ""} {
		if got := Length(in); got != want {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
	for in, want := range map[string]string{"3 ans": "P3Y", " 1 Année ": "P1Y", "6 months": "P6M", "2 semaines": "P14D", "P1W": "P7D"} {
		if got, ok := ParseLength(in); !ok || got.String() != want {
			t.Errorf("%s is read as %s", in, got)
		}
	}
	for _, in := range []string{"", "3", "ans", "-3 ans", "3 siècles", "3 ans et demi", "99999 ans"} {
		if _, ok := ParseLength(in); ok {
			t.Errorf("%q is read as a length", in)
		}
	}
}
