package erasure_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
)

var (
	anne = domain.ID{1}
	now  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

func shipped(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fact has a part of each class; times are days or instants.
func fact(typ event.Type, at string, classes []string, codes ...string) *event.Fact {
	f := &event.Fact{Type: typ, Subject: anne, Time: domain.NewTime(day(at))}
	for _, c := range classes {
		f.Parts = append(f.Parts, event.PartRef{Owner: part.SubjectOwner(anne), Class: c, Epoch: "whole"})
	}
	for i := 0; i+1 < len(codes); i += 2 {
		f.Codes = f.Codes.With(codes[i], domain.FormatTime(day(codes[i+1])))
	}
	return f
}

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

func kept(o erasure.Order) string {
	var out []string
	for _, k := range o.Kept {
		until := "open"
		if !k.Until.IsZero() {
			until = k.Until.Format("2006-01-02")
		}
		out = append(out, fmt.Sprintf("%s %s %s", k.Class, k.Ground, until))
	}
	return strings.Join(out, "; ")
}

// TestKept holds art. 17(3) to the day: what an erasure without classes keeps.
func TestKept(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	person := fact(event.ContactCreated, "2024-02-01", []string{"contact_details", "identity"})
	for name, c := range map[string]struct {
		facts []*event.Fact
		kept  string
	}{
		"a prospect": {[]*event.Fact{person}, ""},
		"an invoice: ten years from the year's end (C. com. L123-22)": {
			[]*event.Fact{person, fact(event.InvoiceIssued, "2026-03-01", []string{"billing"}, "issued_at", "2025-12-31")},
			"billing art17.3.b 2036-01-01"},
		"the last of two invoices counts": {
			[]*event.Fact{fact(event.InvoiceIssued, "2025-03-01", []string{"billing"}), fact(event.InvoiceIssued, "2019-03-01", []string{"billing"})},
			"billing art17.3.b 2036-01-01"},
		"an invoice whose ten years are over": {[]*event.Fact{fact(event.InvoiceIssued, "2015-06-01", []string{"billing"})}, ""},
		"an invoice in its last year":         {[]*event.Fact{fact(event.InvoiceIssued, "2016-06-01", []string{"billing"})}, "billing art17.3.b 2027-01-01"},
		"a running contract": {
			[]*event.Fact{fact(event.ContractStarted, "2026-01-01", []string{"contract"})}, "contract art17.3.e open"},
		"a contract that ends by itself": {
			[]*event.Fact{fact(event.ContractStarted, "2026-01-01", []string{"contract"}, "ends_at", "2027-01-01")}, "contract art17.3.e 2032-01-01"},
		"an ended contract: five years (C. civ. 2224)": {
			[]*event.Fact{fact(event.ContractEnded, "2025-05-01", []string{"contract"}), fact(event.ContractStarted, "2024-01-01", []string{"contract"})},
			"contract art17.3.e 2030-05-01"},
		"a contract that began again after its end": {
			[]*event.Fact{fact(event.ContractEnded, "2025-05-01", []string{"contract"}), fact(event.ContractStarted, "2026-01-01", []string{"contract"})},
			"contract art17.3.e open"},
		"a contract ended more than five years ago": {
			[]*event.Fact{fact(event.ContractStarted, "2018-01-01", []string{"contract"}), fact(event.ContractEnded, "2020-05-01", []string{"contract"})}, ""},
		"proof of consent: five years from now, when it is relied on no more": {
			[]*event.Fact{fact(event.ConsentGranted, "2024-01-01", []string{"evidence"})}, "evidence art17.3.e 2031-11-22"},
		"requests prove the answer": {[]*event.Fact{fact(event.RequestReceived, "2026-11-01", []string{"requests"})}, "requests art17.3.e 2031-11-22"},
	} {
		o := erasure.Plan(p, c.facts, nil, now)
		if kept(o) != c.kept || !o.Whole {
			t.Errorf("%s: keeps %q, want %q", name, kept(o), c.kept)
		}
		for _, k := range o.Kept {
			if slices.Contains(o.Classes, k.Class) {
				t.Errorf("%s: %s is both kept and destroyed", name, k.Class)
			}
		}
	}
}

// TestAsked: named classes are erased alone, unless nothing else is left.
func TestAsked(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	facts := []*event.Fact{fact(event.ContactCreated, "2024-02-01", []string{"contact_details", "identity", "notes"}),
		fact(event.RequestReceived, "2026-11-01", []string{"requests"})}
	for _, c := range []struct {
		asked []string
		whole bool
		kept  string
	}{
		{[]string{"notes"}, false, ""},
		{[]string{"notes", "identity"}, false, ""},
		{[]string{"notes", "identity", "contact_details"}, true, "requests art17.3.e 2031-11-22"},
		{[]string{"requests", "notes", "identity", "contact_details", "notes"}, true, ""},
	} {
		o := erasure.Plan(p, facts, c.asked, now)
		if o.Whole != c.whole || kept(o) != c.kept || !slices.IsSorted(o.Classes) || len(slices.Compact(slices.Clone(o.Classes))) != len(o.Classes) {
			t.Errorf("%v: %+v", c.asked, o)
		}
	}
}

// TestPlanProperties: an order never touches what is not the person's, and the
// order of the facts never matters.
func TestPlanProperties(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	classes := policy.ClassCodes()
	types := []event.Type{event.ContactCreated, event.InvoiceIssued, event.ContractStarted, event.ContractEnded, event.ConsentGranted, event.RequestReceived}
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *event.Fact {
			at := now.AddDate(0, 0, -rapid.IntRange(0, 6000).Draw(t, "days")).Format("2006-01-02")
			return fact(rapid.SampledFrom(types).Draw(t, "type"), at, rapid.SliceOfDistinct(rapid.SampledFrom(classes), rapid.ID[string]).Draw(t, "classes"))
		}), 0, 8).Draw(t, "facts")
		o := erasure.Plan(p, facts, nil, now)
		for _, c := range []string{"access", "accounts", "opposition"} {
			if slices.Contains(o.Classes, c) {
				t.Fatalf("an erasure destroys %s", c)
			}
		}
		for _, c := range []string{"identity", "contact_details", "notes", "commercial", "recruitment"} {
			if !slices.Contains(o.Classes, c) {
				t.Fatalf("an erasure leaves %s", c)
			}
		}
		again := erasure.Plan(p, rapid.Permutation(facts).Draw(t, "shuffled"), nil, now)
		if kept(again) != kept(o) {
			t.Fatalf("order matters: %q and %q", kept(o), kept(again))
		}
	})
}
