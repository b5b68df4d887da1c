package answer_test

import (
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain/answer"
	"greffe/domain/policy"
)

func shipped(t *testing.T, edits ...string) *policy.Policy {
	t.Helper()
	text := string(deploy.Policy())
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the shipped policy does not say %q", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var printed = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestInformation: the notice says of each purpose, class, duration and recipient of
// the policy what the policy says, in both languages, and all of art. 13(2).
func TestInformation(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, lang := range answer.Langs() {
		got := answer.Information(p, lang, printed).Plain()
		say := func(l policy.Label) string {
			if lang == answer.EN {
				return l.EN
			}
			return l.FR
		}
		var want []string
		for _, x := range p.Purposes() {
			want = append(want, say(x.Label), x.Reference)
		}
		for _, c := range p.Classes() {
			want = append(want, say(c.Label))
			for _, d := range p.Durations(c.Code) {
				want = append(want, d.Reference)
			}
		}
		for _, r := range p.Recipients() {
			want = append(want, say(r.Label))
		}
		want = append(want, "ACME SAS", "dpo@acme.example", "art. 15", "art. 16", "art. 17", "art. 18", "art. 20", "art. 21", "art. 22", "art. 7(3)", "CNIL", "12 mo", "art. 85")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is missing", lang, w)
			}
		}
		for _, code := range []string{"last_contact", "relationship_end", "former_client", "legitimate_interest", "P3Y", "%!"} {
			if strings.Contains(got, code) {
				t.Errorf("%s: a code stands in it: %s", lang, code)
			}
		}
	}
	fr := answer.Information(p, answer.FR, printed).Plain()
	if !strings.Contains(fr, "3 ans, à compter de") || !strings.Contains(fr, "consentement préalable") {
		t.Errorf("durations or calls are not told:\n%s", fr)
	}
}

// TestInformationFollowsThePolicy: another duration, another notice; who does not call
// does not speak of calls.
func TestInformationFollowsThePolicy(t *testing.T) {
	t.Parallel()
	p := shipped(t, "channels: [email, sms, phone, postal, social]", "channels: [email, postal]",
		"length: P2Y\n    exit: destroy\n    reference: CNIL, guide des durées (2020)", "length: P1Y\n    exit: destroy\n    reference: CNIL, guide des durées (2020)\n    justification: moins",
		"access_journal_months: 12", "access_journal_months: 24\n  access_journal_justification: usages illicites constatés en 2025")
	got := answer.Information(p, answer.FR, printed).Plain()
	if strings.Contains(got, "téléphonique") || !strings.Contains(got, "1 an,") || strings.Contains(got, "2 ans,") || !strings.Contains(got, "24 mois") {
		t.Error(got)
	}
	if staff := answer.Staff(p, answer.FR, printed).Plain(); !strings.Contains(staff, "24 mois") || !strings.Contains(staff, "usages illicites constatés en 2025") {
		t.Error(staff)
	}
}

// TestStaff: what délib. 2021-122 asks to be told, each reason of the policy among it.
func TestStaff(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for lang, want := range map[answer.Lang][]string{
		answer.FR: {"12 mois", "compte", "motif", "n'est pas copié", "ni à mesurer votre activité", "comité social", "CNIL", "dpo@acme.example", "Au-delà"},
		answer.EN: {"12 months", "account", "reason", "is not copied", "neither to measure your work", "works council", "CNIL", "dpo@acme.example", "Beyond"},
	} {
		got := answer.Staff(p, lang, printed).Plain()
		for _, r := range p.Reasons() {
			want = append(want, map[answer.Lang]string{answer.FR: r.FR, answer.EN: r.EN}[lang])
		}
		for _, w := range want {
			beyond := w == "Au-delà" || w == "Beyond"
			if strings.Contains(got, w) == beyond {
				t.Errorf("%s: %q: %v", lang, w, !beyond)
			}
		}
	}
}
