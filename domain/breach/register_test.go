package breach_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain/breach"
)

// TestRegister: the row of a breach says facts, effects and remedies, the reasoning
// and the decisions (art. 33(5)).
func TestRegister(t *testing.T) {
	t.Parallel()
	form := whole()
	form.Nature.Facts = "=HYPERLINK(\"x\")"
	form.Persons.Number, form.Persons.NumberKnown = 0, true
	d := opened(t, breach.Controller, form)
	d.take(breach.Scoped(d.sum, &breach.Scope{From: aware, To: d.now}, &breach.Counted{Persons: 17}))
	exempt := assessed(breach.High, true, false)
	exempt.Exemption = "unintelligible"
	d.take(exempt.Draft(d.sum))
	d.take((&breach.Notification{Kind: breach.Initial, Sent: aware.Add(75 * time.Hour), Number: "AB-77", LateReasons: "panne"}).Draft(d.sum, d.after(80*time.Hour).now))
	d.take((&breach.Action{Kind: "containment", Item: "accounts_suspended", Done: d.now}).Draft(d.sum, d.now))
	d.take((&breach.Communication{Sent: d.now, Channel: "postal", Number: 2, Text: "lettre"}).Draft(d.sum, d.now))
	row, header := breach.Row(d.sum, d.file()), breach.Columns("en")
	if len(row) != len(header) || len(header) != len(breach.Columns("fr")) || slices.Contains(breach.Columns("fr"), "") {
		t.Fatalf("%d columns, %d cells", len(header), len(row))
	}
	for column, want := range map[string]string{
		"Became aware": "2026-03-27T16:30:00Z", "Effects": "phishing, financial_loss", "Measures taken": "Compte suspendu.", "Risk": "high", "Reasoning": "cf. EDPB 01/2021",
		"Notifications": "initial 2026-03-30T19:30:00Z AB-77", "Reasons for delay": "panne", "Persons told": "postal 2026-03-31T00:30:00Z (2); art. 34(3): unintelligible",
		"Number of persons": "17", "Cause": "droits trop larges", "Closed": "", "Actions": "accounts_suspended (done 2026-03-31T00:30:00Z)",
	} {
		if got := row[slices.Index(header, column)]; got != want {
			t.Errorf("%s: %q", column, got)
		}
	}
	b := breach.CSV(header, [][]string{row})
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff")))
	r.Comma = ';'
	all, err := r.ReadAll()
	if err != nil || len(all) != 2 || !slices.Contains(all[1], "'=HYPERLINK(\"x\")") {
		t.Errorf("%v %q", err, all)
	}
}
