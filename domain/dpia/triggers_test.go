package dpia

import (
	"slices"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain/policy"
	"greffe/domain/register"
)

func parsed(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEachSignIsFound: regulation §7 lists what a CRM's use shows; each is found from the
// facts, speaks for a criterion that there is, and is silent without them.
func TestEachSignIsFound(t *testing.T) {
	t.Parallel()
	p := parsed(t, string(deploy.Policy()))
	if found := Triggers(register.NewUsage("acme"), p, ManyPersons-1); len(found) != 0 {
		t.Errorf("of nothing: %+v", found)
	}
	use := register.Use{Facts: 2, Last: now}
	fields := func(path string) func(*register.Usage) {
		return func(u *register.Usage) { u.Fields[path] = use }
	}
	for want, show := range map[string]func(*register.Usage){
		"enrichment " + Matching:      func(u *register.Usage) { u.Enriched = use },
		"partner_data " + Matching:    func(u *register.Usage) { u.Partners = use },
		"behaviour " + Monitoring:     func(u *register.Usage) { u.Tracked = use },
		"finances " + Sensitive:       func(u *register.Usage) { u.Incomes = use },
		"score " + Scoring:            fields("custom.churn_score"),
		"exclusion_list " + Exclusion: fields("custom.liste-exclusion"),
		"minors " + Vulnerable:        fields("consent.guardian.name"),
		"recording " + Monitoring:     fields("call.recording_url"),
		"location " + Sensitive:       fields("custom.lat"),
	} {
		u := register.NewUsage("acme")
		show(u)
		found := Triggers(u, p, 10)
		code, criterion, _ := strings.Cut(want, " ")
		if len(found) != 1 || found[0].Code != code || found[0].Criterion != criterion || found[0].Count != 2 || !found[0].Last.Equal(now) || !known(Criteria(), criterion) {
			t.Errorf("%s: %+v", want, found)
		}
	}
	if found := Triggers(register.NewUsage("acme"), p, ManyPersons); len(found) != 1 || found[0].Code != "many_persons" || found[0].Criterion != LargeScale || found[0].Count != ManyPersons {
		t.Errorf("of a million: %+v", found)
	}
}

// TestSpecialCategoriesByPolicy: a field that the policy lets hold data of art. 9 is a
// sign once it is used; the person's own letter is none.
func TestSpecialCategoriesByPolicy(t *testing.T) {
	t.Parallel()
	p := parsed(t, strings.Replace(string(deploy.Policy()), "  custom.segment: {", "  custom.allergies: {class: notes, allow: [special_category], justification: \"Explicit consent, art. 9(2)(a).\"}\n  custom.segment: {", 1))
	u := register.NewUsage("acme")
	u.Fields["request.message"] = register.Use{Facts: 9}
	if found := Triggers(u, p, 1); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	u.Fields["custom.allergies"] = register.Use{Facts: 4}
	if found := Triggers(u, p, 1); len(found) != 1 || found[0].Code != "special_categories" || found[0].Count != 4 || !slices.Equal(found[0].Fields, []string{"custom.allergies"}) {
		t.Errorf("%+v", found)
	}
}

// TestPathsThatLookAlike: words that only begin alike are no sign.
func TestPathsThatLookAlike(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"person.postal_address.lines", "collection.origin", "consent.notice.language", "person.language", "contract.object", "interaction.caller",
		"company.sole_trader", "custom.latest_order", "custom.long_name", "upstream.reason"} {
		for _, s := range signs() {
			if named(path, s.words) {
				t.Errorf("%s is taken for %s", path, s.code)
			}
		}
	}
}
