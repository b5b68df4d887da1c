package retention_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/retention"
)

const prospectRule = `    start: last_contact
    length: P3Y
    exit: ask
    wait: P1M
    remind: P1M
    reference: délib. 2021-131
`

// TestPurposesAdd: data is kept as long as any purpose needs it, and the rule that is
// told is the one that kept it last.
func TestPurposesAdd(t *testing.T) {
	t.Parallel()
	rules := retention.New(parsed(t, prospectRule, prospectRule+`  - classes: [identity]
    purpose: customer_service
    phase: active
    start: collection
    length: P4Y
    exit: destroy
    justification: guarantee of four years
    reference: our guarantee
`))
	c := clocks(prospect, silent)
	due := rules.Due(c, day("2027-03-02"))
	if got := told(due); got != "destroy commercial 2027-03-02; destroy contact_details 2027-03-02" {
		t.Errorf("while a guarantee runs: %s", got)
	}
	due = rules.Due(c, day("2028-03-02"))
	if got := told(due); got != "erase [commercial contact_details identity] 2028-03-02" {
		t.Errorf("after the guarantee: %s", got)
	}
	want := retention.Exit{Subject: anne, Action: retention.Destroy, Class: "identity", Rule: "identity.customer_service.active", Purpose: "customer_service",
		Since: day("2024-03-02"), DueAt: day("2028-03-02"), Legal: "our guarantee", Justification: "guarantee of four years"}
	if d := cmp.Diff(want, due[0].Parts[2]); d != "" {
		t.Error(d)
	}
	if got := due[0]; got.Rule != want.Rule || got.Purpose != want.Purpose || got.Legal != want.Legal || !got.Since.Equal(want.Since) || got.Subject != anne {
		t.Errorf("the erasure says %+v", got)
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	c := clocks(prospect)
	for text, until := range map[string]string{"": "2027-04-12", "    wait: P1M\n": "2027-04-12", "    wait: P2W\n": "2027-03-26", "    wait: P3M\n": "2027-06-12"} {
		rules := retention.New(parsed(t, "    wait: P1M\n", text))
		due := rules.Due(c, day("2027-03-12"))
		if len(due) != 1 || due[0].Action != retention.Ask || !due[0].Until.Equal(day(until)) || !due[0].DueAt.Equal(day("2027-03-02")) {
			t.Errorf("%q: %+v", text, due)
			continue
		}
		asked := clocks(prospect, "2027-03-12 retention.asked purpose=prospecting")
		if got := told(rules.Due(asked, day(until).AddDate(0, 0, -1))); got != "" {
			t.Errorf("%q: asked, a day before the end of the wait: %s", text, got)
		}
		if got := told(rules.Due(asked, day(until))); got != "erase [commercial contact_details identity] "+until {
			t.Errorf("%q: at the end of the wait: %s", text, got)
		}
	}
}

func TestGeneralise(t *testing.T) {
	t.Parallel()
	rules := retention.New(parsed(t, "    exit: ask\n    wait: P1M\n", "    exit: generalise\n"))
	if got := told(rules.Due(clocks(prospect), day("2027-03-02"))); got != "generalise commercial 2027-03-02; generalise contact_details 2027-03-02; generalise identity 2027-03-02" {
		t.Error(got)
	}
	half := clocks(prospect, "2027-03-03 retention.generalised classes=commercial")
	if got := told(rules.Due(half, day("2027-03-03"))); got != "generalise contact_details 2027-03-02; generalise identity 2027-03-02; destroy commercial 2027-03-02" {
		t.Errorf("what was generalised is destroyed: %s", got)
	}
}

// TestArchiveOnce: the active base ends once; an archive of some years is one of those.
func TestArchiveOnce(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	lines := []string{"2024-05-01 invoice.issued /billing@2024", "2025-05-01 invoice.issued /billing@2025", "2026-05-01 invoice.issued /billing@2026"}
	if got := told(rules.Due(clocks(lines...), day("2026-06-01"))); got != "archive billing@2024,2025 2026-01-01" {
		t.Error(got)
	}
	lines = append(lines, "2026-06-02 retention.archived classes=billing epochs=billing/2024")
	if got := told(rules.Due(clocks(lines...), day("2026-06-03"))); got != "archive billing@2025 2026-01-01" {
		t.Error(got)
	}
	lines = append(lines, "2026-06-03 retention.archived classes=billing,contract epochs=billing/2025,contract/2025")
	if got := told(rules.Due(clocks(lines...), day("2026-06-04"))); got != "" {
		t.Error(got)
	}
	if at := clocks(lines...).Parts[0].Archived; !at.Equal(day("2026-06-02")) {
		t.Errorf("archived since %s", at)
	}
}

// TestKeysThatWent: orders take keys away, of some years or of all; what comes after is new.
func TestKeysThatWent(t *testing.T) {
	t.Parallel()
	lines := []string{"2024-05-01 contact.created /identity/billing@2024/commercial@2024", "2025-05-01 invoice.issued /billing@2025/commercial@2025"}
	keys := func(more ...string) string {
		var out []string
		for _, p := range clocks(append(lines, more...)...).Parts {
			out = append(out, p.Class+"/"+p.Epoch)
		}
		return strings.Join(out, " ")
	}
	for order, want := range map[string]string{
		"2026-01-01 erasure.ordered classes=billing,identity epochs=billing/2024": "billing/2025 commercial/2024 commercial/2025",
		"2026-01-01 erasure.ordered classes=commercial":                           "billing/2024 billing/2025 identity/whole",
		"2026-01-01 erasure.ordered whole=true classes=identity kept=billing":     "billing/2024 billing/2025",
		"2026-01-01 erasure.ordered classes=commercial event=#0":                  "billing/2024 billing/2025 commercial/2024 commercial/2025 identity/whole",
		"2026-01-01 part.redacted class=commercial event=#0":                      "billing/2024 billing/2025 commercial/2024 commercial/2025 identity/whole",
		"2026-01-01 subject.erased whole=true restored=true":                      "",
	} {
		if got := keys(order); got != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
	if got := keys("2026-01-01 erasure.ordered classes=commercial", "2026-01-02 contact.changed /commercial@2026", "2026-01-03 subject.erased classes=commercial"); got != "billing/2024 billing/2025 commercial/2026 identity/whole" {
		t.Errorf("what was recorded after an order: %s", got)
	}
}

// TestForeignParts: parts of the ledger's or of a file's own keys are not the person's.
func TestForeignParts(t *testing.T) {
	t.Parallel()
	f := said(0, "2024-05-01 request.received")
	f.Parts = []event.PartRef{{Owner: part.CaseOwner(f.ID), Class: "requests", Epoch: "whole"}, {Owner: part.LedgerOwner(), Class: "evidence", Epoch: "whole"},
		{Owner: part.SubjectOwner(domain.ID{9}), Class: "identity", Epoch: "whole"}}
	c := &retention.Clocks{}
	if c.Add(0, f); len(c.Parts) != 0 {
		t.Errorf("%+v", c.Parts)
	}
	f.Subject = domain.ID{9}
	if c.Add(1, f) || c.Subject != anne {
		t.Error("somebody else's fact was taken in")
	}
	f.Subject = domain.ID{}
	if c.Add(1, f) {
		t.Error("nobody's fact was taken in")
	}
}

// TestStripped: somebody of whom proof alone is left is erased, if there was more.
func TestStripped(t *testing.T) {
	t.Parallel()
	rules := retention.New(shipped(t))
	lines := []string{"2024-03-02 contact.created kind=client /identity/evidence@2024", "2024-03-02 contract.started ends_at=2025-01-01 /contract@2024",
		"2025-01-02 retention.archived classes=contract,evidence", "2028-01-02 erasure.ordered classes=identity"}
	if got := told(rules.Due(clocks(lines...), day("2029-12-31"))); got != "" {
		t.Errorf("while the contract is archived: %s", got)
	}
	if got := told(rules.Due(clocks(lines...), day("2030-01-01"))); got != "erase [contract] kept [evidence] 2030-01-01" {
		t.Errorf("with the contract: %s", got)
	}
	lines = append(lines, "2029-01-02 erasure.ordered classes=contract")
	c := clocks(lines...)
	if got := told(rules.Due(c, day("2029-01-02"))); got != "erase kept [evidence] 2028-01-02" {
		t.Errorf("without the contract: %s", got)
	}
	if next := rules.Next(c); next.After(day("2028-01-02")) {
		t.Errorf("and it is looked at on %s", next)
	}
	only := clocks("2024-03-02 consent.granted /evidence@2024")
	if got := told(rules.Due(only, day("2024-03-03"))); got != "" {
		t.Errorf("somebody of whom there never was more: %s", got)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	rules := retention.New(p)
	list, seen := rules.List(), map[string]bool{}
	if len(list) != len(p.Durations("")) {
		t.Fatalf("%d rules", len(list))
	}
	for i, r := range list {
		if seen[r.ID] || !event.IsCode(r.ID) || cmp.Diff(p.Durations("")[i], r.Duration) != "" {
			t.Errorf("rule %d: %+v", i, r)
		}
		seen[r.ID] = true
	}
	if !seen["identity.prospecting.active.2"] || !seen["contract.contract.archive.2"] || !seen["billing.billing.archive"] {
		t.Errorf("%v", seen)
	}
	list[1].Kinds[0] = "client"
	if rules.List()[1].Kinds[0] != "prospect" {
		t.Error("what was given can change the rules")
	}
	if !rules.Equal(retention.New(p)) || rules.Equal(retention.New(parsed(t, "length: P2Y", "justification: x\n    length: P1Y"))) {
		t.Error("Equal")
	}
}
