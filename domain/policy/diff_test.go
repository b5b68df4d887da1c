package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain/policy"
)

// edited is the shipped policy with some texts replaced.
func edited(t *testing.T, pairs ...string) []byte {
	t.Helper()
	text := string(deploy.Policy())
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the shipped policy does not say %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return []byte(text)
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		edits []string
		want  []policy.Difference
	}{
		"nothing":        {nil, nil},
		"comment":        {[]string{"# Politique livrée", "# Notre politique"}, nil},
		"order and form": {[]string{"{code: email, label: {fr: Courriel, en: E-mail}}\n", "{label: {en: E-mail, fr: Courriel}, code: 'email'}\n"}, nil},
		"a value":        {[]string{"free_account_is_sale: false", "free_account_is_sale: true"}, []policy.Difference{{"contactability.free_account_is_sale", "false", "true"}}},
		"of a list":      {[]string{"legal_bases: [consent, legitimate_interest]", "legal_bases: [consent]"}, []policy.Difference{{"purposes[prospecting].legal_bases[legitimate_interest]", "listed", ""}}},
		"a field":        {[]string{"  custom.segment: {class: commercial, kind: code}", "  custom.size: {class: notes}"}, []policy.Difference{{"fields.custom.segment.class", "commercial", ""}, {"fields.custom.segment.kind", "code", ""}, {"fields.custom.size.class", "", "notes"}}},
		"a length": {[]string{"length: P2Y\n    exit: destroy\n    reference: CNIL, guide des durées (2020)", "length: P1Y\n    exit: destroy\n    reference: CNIL, guide des durées (2020)\n    justification: moins"},
			[]policy.Difference{{"retention[contact_details+identity+notes+recruitment recruitment candidate active].justification", "", "moins"},
				{"retention[contact_details+identity+notes+recruitment recruitment candidate active].length", "P2Y", "P1Y"}}},
		"a word": {[]string{"[musulman*, muslim*", "[muslim*"}, []policy.Difference{{"guard.words.religion[musulman*]", "listed", ""}}},
	} {
		got, err := policy.Diff(deploy.Policy(), edited(t, x.edits...))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(x.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		back, err := policy.Diff(edited(t, x.edits...), deploy.Policy())
		if err != nil || len(back) != len(got) {
			t.Fatalf("%s, back: %v %v", name, back, err)
		}
		for i := range back {
			if back[i].Old != got[i].New || back[i].New != got[i].Old || back[i].Path != got[i].Path {
				t.Errorf("%s, back: %v", name, back[i])
			}
		}
	}
	if _, err := policy.Diff([]byte("a: [b"), nil); err == nil {
		t.Error("a text that is no YAML is compared")
	}
	for c, want := range map[policy.Difference]string{{"a", "", "b"}: "added", {"a", "b", ""}: "removed", {"a", "b", "c"}: "changed"} {
		if c.Kind() != want {
			t.Errorf("%v is %s", c, c.Kind())
		}
	}
}
