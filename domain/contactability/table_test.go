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

// TestRulesPage keeps RULES.md to the rules and the cases; -update writes it.
func TestRulesPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	all := table()
	fmt.Fprintf(&b, "# Contactability: rule, article, cases\n\nWritten by `go test ./domain/contactability -run TestRulesPage -update` from the rules and the\ntable of cases; %d rules in the order in which they are tried, %d cases. Do not edit.\n", len(contactability.Rulebook()), len(all))
	for _, r := range contactability.Rulebook() {
		verdict := "denies"
		if r.Allows {
			verdict = "allows"
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\n- fr: %s\n- en: %s\n\n", r.ID, verdict, r.Article, r.FR, r.EN)
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
