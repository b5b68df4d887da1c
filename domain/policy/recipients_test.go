package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain/policy"
)

func TestShippedRecipients(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	var got []string
	for _, r := range p.Recipients() {
		got = append(got, fmt.Sprint(r.Code, " ", r.Kind, " ", r.Source, " ", r.Acknowledges, " ", r.FR != "" && r.EN != ""))
		for _, due := range []string{"rectification", "erasure", "restriction"} {
			if !r.Gets(due) {
				t.Errorf("%s is not told of %s (art. 19)", r.Code, due)
			}
		}
	}
	if diff := cmp.Diff([]string{"crm source crm/eu true true", "mailing processor  false true", "dialer processor callcentre/fr true true"}, got); diff != "" {
		t.Error(diff)
	}
	if r, ok := p.Recipient("mailing"); !ok || r.Gets("requests") || !r.Gets("consent") {
		t.Errorf("mailing is %+v, %t", r, ok)
	}
	if _, ok := p.Recipient("nobody"); ok {
		t.Error("a recipient that the text does not name")
	}
	r, ok := p.Reason("recipient_notice")
	if !ok || r.Ticket || !r.MayUse("service") || r.MayUse("agent") {
		t.Errorf("the reason of a feed is %+v, %t", r, ok)
	}
}

// What a caller does with a recipient changes no policy.
func TestRecipientsAreCopies(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	p.Recipients()[0].Receives[0] = "x"
	one, _ := p.Recipient("crm")
	one.Receives[1] = "x"
	if again, _ := p.Recipient("crm"); !again.Gets("consent") || !again.Gets("opposition") {
		t.Error("what a method returned changed the policy")
	}
}

func TestRecipientsAreOptional(t *testing.T) {
	t.Parallel()
	text := deploy.Policy()
	from, to := bytes.Index(text, []byte("\nrecipients:")), bytes.Index(text, []byte("\n# Rôles:"))
	if from < 0 || to < from {
		t.Fatal("the shipped policy has no section of recipients")
	}
	for name, section := range map[string]string{"absent": "", "empty": "\nrecipients: []\n"} {
		p, err := policy.Parse(slices.Concat(text[:from], []byte(section), text[to:]))
		if err != nil || len(p.Recipients()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Single faults of the section, and what is said of each.
func TestRecipientRefusals(t *testing.T) {
	t.Parallel()
	const mailing = "receives: [consent, opposition, erasure, restriction, rectification]\n    acknowledges: false"
	for _, c := range []struct{ name, from, to, path, says string }{
		{"no list", "recipients:\n  - code: crm", "recipients:\n    code: crm", "", ""},
		{"unknown key", "acknowledges: false", "acknowledge: false", "recipients[1]", "known here: code, label"},
		{"code", "code: mailing", "code: Mailing", "recipients[1].code", "lower-case"},
		{"equal codes", "code: mailing", "code: crm", "recipients[1].code", "stands above"},
		{"no label", "label: {fr: Outil d'e-mailing, en: Mailing tool}\n    ", "", "recipients[1].label", "required"},
		{"kind", "kind: source", "kind: supplier", "recipients[0].kind", "source, processor, partner"},
		{"source without a name", "    source: crm/eu\n", "", "recipients[0].source", "name the producer"},
		{"empty source", "source: crm/eu", "source: ''", "recipients[0].source", "1 to 2000 bytes"},
		{"unknown news", mailing, strings.Replace(mailing, "consent", "consents", 1), "recipients[1].receives[0]", "consent, opposition"},
		{"news twice", mailing, strings.Replace(mailing, "consent", "erasure", 1), "recipients[1].receives[2]", "already"},
		{"no news", mailing, "acknowledges: false", "recipients[1].receives", "required"},
		{"none at all", mailing, "receives: []\n    acknowledges: false", "recipients[1].receives", "at least one"},
		{"no erasure", mailing, strings.Replace(mailing, "erasure, ", "", 1), "recipients[1].receives", "add erasure"},
		{"no restriction", mailing, strings.Replace(mailing, "restriction, ", "", 1), "recipients[1].receives", "add restriction"},
		{"no rectification", mailing, strings.Replace(mailing, ", rectification", "", 1), "recipients[1].receives", "add rectification"},
		{"no word on acknowledging", mailing, strings.TrimSuffix(mailing, "\n    acknowledges: false"), "recipients[1].acknowledges", "required"},
		{"text for a flag", "acknowledges: false", "acknowledges: no way", "recipients[1].acknowledges", "true or false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := edit(t, c.from, c.to)
			p, err := policy.Parse(text)
			var errs policy.Errors
			if p != nil || !errors.As(err, &errs) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			i := slices.IndexFunc(errs, func(e policy.Error) bool {
				return c.path == "" || e.Path == c.path && strings.Contains(e.Message, c.says)
			})
			if i < 0 {
				t.Fatalf("nothing at %q says %q: %v", c.path, c.says, err)
			}
			if errs[i].Line < 1 || errs[i].Line > bytes.Count(text, []byte("\n"))+1 {
				t.Errorf("it is told to stand at line %d", errs[i].Line)
			}
		})
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	t.Parallel()
	var more strings.Builder
	for i := range 98 {
		fmt.Fprintf(&more, "  - {code: r%d, label: {fr: a, en: b}, kind: partner, receives: [erasure, restriction, rectification], acknowledges: true}\n", i)
		if i == 96 {
			if _, err := policy.Parse(edit(t, "recipients:\n", "recipients:\n"+more.String())); err != nil {
				t.Fatalf("100 recipients: %v", err)
			}
		}
	}
	if _, err := policy.Parse(edit(t, "recipients:\n", "recipients:\n"+more.String())); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("101 recipients: %v", err)
	}
}
