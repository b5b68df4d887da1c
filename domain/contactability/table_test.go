package contactability_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"greffe/domain/contactability"
)

var update = flag.Bool("update", false, "write RULES.md anew")

// tcase is one row: the rule that must decide, what it shows, and the world.
type tcase struct {
	rule contactability.RuleID
	name string
	w    *world
	// until is the ValidUntil expected, in the form of instant; "" not looked at,
	// "never" none.
	until string
}

func c(rule contactability.RuleID, name string, w *world) tcase {
	return tcase{rule: rule, name: name, w: w}
}

func (t tcase) holds(until string) tcase {
	t.until = until
	return t
}

func table() []tcase {
	return slices.Concat(opposedCases(), personCases(), consentCases(), softCases(), professionalCases(), postCases(), serviceCases(),
		phoneCases(), callbackCases(), phoneBeforeCases(), sectorCases(), slotCases(), placeCases(), frequencyCases())
}

func TestTable(t *testing.T) {
	t.Parallel()
	for _, x := range table() {
		d := x.w.decide()
		rule, known := contactability.Find(x.rule)
		if !known || d.Rule != x.rule || d.Allowed != rule.Allows {
			t.Errorf("%s: %s, want %s", x.name, d.Rule, x.rule)
		}
		switch {
		case x.until == "":
		case x.until == "never":
			if !d.ValidUntil.IsZero() {
				t.Errorf("%s: valid until %v, want no end", x.name, d.ValidUntil)
			}
		case !d.ValidUntil.Equal(instant(x.until)):
			t.Errorf("%s: valid until %v, want %v", x.name, d.ValidUntil, instant(x.until).UTC())
		}
	}
}

// TestTableIsWhole: every rule has its cases, no case stands twice.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	cases, names := map[contactability.RuleID]int{}, map[string]bool{}
	all := table()
	for _, x := range all {
		cases[x.rule]++
		if names[x.name] {
			t.Errorf("the case %q stands twice", x.name)
		}
		names[x.name] = true
	}
	seen := map[contactability.RuleID]bool{}
	for _, r := range contactability.Rulebook() {
		if cases[r.ID] == 0 {
			t.Errorf("no case for %s", r.ID)
		}
		if seen[r.ID] || r.Article == "" || r.FR == "" || r.EN == "" {
			t.Errorf("%s is not whole", r.ID)
		}
		seen[r.ID] = true
	}
	if len(all) < 120 {
		t.Errorf("only %d cases", len(all))
	}
}

const pageHead = `# Puis-je contacter cette personne ? Règle, fondement, cas

May this person be contacted? Rule, article, cases. Written by
"go test ./domain/contactability -run TestRulesPage -update" from the rules and the table of cases.
Do not edit.

%d règles, essayées dans cet ordre : la première qui s'applique décide. En cas de doute, la réponse
est non. %d cas, listés sous chaque règle, sont vérifiés à chaque version ; les mêmes clauses et leurs
limites sont posées au service entier dans cmd/greffe/internal/app/law_*_test.go, faits par
POST /v1/events, question par POST /v1/contactability. Les heures sont celles de Paris, sauf mention
d'un autre fuseau. LIL : loi 78-17 ; CPCE : Code des postes et des communications électroniques ;
C. conso. : Code de la consommation ; C. trav. : Code du travail.

| | Règle | Réponse | Fondement | Cas |
|--:|---|---|---|--:|
`

// TestRulesPage keeps RULES.md to the rules and the cases; -update writes it.
func TestRulesPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	all := table()
	cases := map[contactability.RuleID]int{}
	for _, x := range all {
		cases[x.rule]++
	}
	fmt.Fprintf(&b, pageHead, len(contactability.Rulebook()), len(all))
	for i, r := range contactability.Rulebook() {
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %d |\n", i+1, r.ID, map[bool]string{true: "autorisé", false: "refusé"}[r.Allows], r.Source("fr"), cases[r.ID])
	}
	for _, r := range contactability.Rulebook() {
		verdict := "denies"
		if r.Allows {
			verdict = "allows"
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\n- fr: %s\n- en: %s\n\n", r.ID, verdict, r.Source("fr"), r.FR, r.EN)
		for _, x := range all {
			if x.rule == r.ID {
				fmt.Fprintf(&b, "1. %s\n", x.name)
			}
		}
	}
	if *update {
		if err := os.WriteFile("RULES.md", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile("RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page, b.Bytes()) {
		t.Error("RULES.md is not what the rules and cases say: run with -update and read the difference")
	}
}
