package policy_test

import (
	"errors"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain/policy"
)

// TestFieldGroups: what a text may not say of groups, portfolios and scopes, with the
// place of each problem.
func TestFieldGroups(t *testing.T) {
	t.Parallel()
	good := string(deploy.Policy())
	for name, c := range map[string]struct{ old, new, path string }{
		"an unknown field":     {"fields: [person.birth_date]", "fields: [person.shoe_size]", "field_groups[1].fields[0]"},
		"a field twice":        {"fields: [person.birth_date]", "fields: [person.given_name]", "field_groups[1].fields[0]"},
		"an unknown group":     {"fields: {hidden: [birth]}", "fields: {hidden: [shoes]}", "roles[5].fields.hidden[0]"},
		"on request, clear":    {"fields: {hidden: [birth]}", "fields: {hidden: [birth], on_request: [names]}", "roles[5].fields.on_request"},
		"on request, hidden":   {"fields: {hidden: [birth]}", "fields: {hidden: [birth], on_request: [birth]}", "roles[5].fields.on_request"},
		"on request, unknown":  {"masked: [birth, amounts], on_request: [birth", "masked: [birth, amounts], on_request: [shoes", "roles[7].fields.on_request[0]"},
		"masked and hidden":    {"fields: {hidden: [birth]}", "fields: {hidden: [birth], masked: [birth]}", "roles[5].fields.hidden"},
		"an unknown key":       {"fields: {hidden: [birth]}", "fields: {secret: [birth]}", "roles[5].fields"},
		"an unknown purpose":   {"purposes: [prospecting]\n    fields: {masked", "purposes: [spying]\n    fields: {masked", "roles[6].purposes[0]"},
		"no purpose":           {"purposes: [prospecting]\n    fields: {masked", "purposes: []\n    fields: {masked", "roles[6].purposes"},
		"an unknown portfolio": {"\n    portfolio: own", "\n    portfolio: mine", "roles[5].portfolio"},
		"a reserved portfolio": {"\nroles:\n", "\nportfolios:\n  - {code: unlisted, label: {fr: N, en: N}}\nroles:\n", "portfolios[0].code"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%s: the text has no %q", name, c.old)
		}
		_, err := policy.Parse([]byte(text))
		var all policy.Errors
		if !errors.As(err, &all) || len(all) != 1 || all[0].Path != c.path {
			t.Errorf("%s: %v, want it at %s", name, err, c.path)
		}
	}
	p, err := policy.Parse([]byte(strings.Replace(good, "\nroles:\n", "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\nroles:\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Portfolio("north") || p.Portfolio("south") || len(p.Portfolios()) != 1 {
		t.Error("portfolios")
	}
	if g, ok := p.FieldGroup("person.emails"); !ok || g != "email" || len(p.FieldGroups()) != 7 {
		t.Errorf("%q of %d groups", g, len(p.FieldGroups()))
	}
	for _, c := range []struct {
		role, group string
		want        bool
	}{{"support", "birth", true}, {"support", "names", false}, {"marketing", "names", false}, {"dpo", "birth", false}, {"nobody", "birth", false}} {
		if p.OnRequest(c.role, c.group) != c.want {
			t.Errorf("%s of %s on request: %v", c.group, c.role, !c.want)
		}
	}
	if purposes := p.KeptFor("candidate"); len(purposes) != 1 || purposes[0] != "recruitment" {
		t.Errorf("candidates are kept for %v", purposes)
	}
	if len(p.KeptFor("somebody")) != 0 {
		t.Error("a kind that no rule names is kept for something")
	}
}
