package disclosure_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// TestAsked: what asking comes to, role by role under the shipped policy, of one's own
// contact and of another.
func TestAsked(t *testing.T) {
	t.Parallel()
	p := rules(t)
	of := map[domain.ID]disclosure.Standing{mine: {Purposes: []string{"customer_service"}}, theirs: {Purposes: []string{"recruitment"}}}
	for _, c := range []struct {
		roles []string
		group string
		want  [2]disclosure.Ask // of mine, theirs
	}{
		{[]string{"support"}, "birth", [2]disclosure.Ask{disclosure.Given, disclosure.Refused}},
		{[]string{"support"}, "amounts", [2]disclosure.Ask{disclosure.Given, disclosure.Refused}},
		{[]string{"support"}, "email", [2]disclosure.Ask{disclosure.Shown, disclosure.Refused}},
		{[]string{"support"}, "shoes", [2]disclosure.Ask{}},
		{[]string{"support", "marketing"}, "names", [2]disclosure.Ask{disclosure.Shown, disclosure.Refused}},
		{[]string{"support", "dpo"}, "birth", [2]disclosure.Ask{disclosure.Shown, disclosure.Shown}},
		{[]string{"support", "inspector"}, "birth", [2]disclosure.Ask{disclosure.Given, disclosure.Refused}},
		{[]string{"marketing"}, "names", [2]disclosure.Ask{}}, {[]string{"inspector"}, "birth", [2]disclosure.Ask{}},
		{[]string{"dpo"}, "birth", [2]disclosure.Ask{disclosure.Shown, disclosure.Shown}},
		{[]string{"admin"}, "birth", [2]disclosure.Ask{}}, {nil, "birth", [2]disclosure.Ask{}},
	} {
		l := disclosure.For(p, c.roles, "").Knowing(of)
		for i, s := range []domain.ID{mine, theirs} {
			if got := l.Asked(c.group, []domain.ID{s}); got != c.want[i] {
				t.Errorf("%v ask for %s of contact %d: %d, want %d", c.roles, c.group, i, got, c.want[i])
			}
		}
	}
	var none disclosure.Lens
	if none.Asked("birth", []domain.ID{mine}) != disclosure.Refused {
		t.Error("the zero lens gives something")
	}
	support := disclosure.For(p, []string{"support"}, "").Knowing(of)
	if support.Asked("birth", nil) != disclosure.Refused || support.Asked("birth", []domain.ID{theirs, mine}) != disclosure.Given {
		t.Error("of nobody, or of a person one of whose contacts is the role's")
	}
	raised := support.Revealing("birth")
	f, level := raised.Field(mine, "identity", event.Field{Path: "person.birth_date", Value: []byte(`"1988-04-12"`)})
	if string(f.Value) != `"1988-04-12"` || level != policy.Clear {
		t.Errorf("%s, %v", f.Value, level)
	}
	if f, _ := support.Field(mine, "identity", event.Field{Path: "person.birth_date", Value: []byte(`"1988-04-12"`)}); string(f.Value) != `"1988"` {
		t.Errorf("the lens that was not asked of shows %s", f.Value)
	}
}

// TestRevealingShowsWhatMayBe: of any roles, any groups asked for and any contact, a
// revealing lens differs from the plain one only where that masks, the group was asked
// for, and one of the roles that reach the contact and see the class may have it on
// request: there it is clear. Nothing hidden is ever shown, nothing is shown less, and
// without groups nothing differs.
func TestRevealingShowsWhatMayBe(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("hidden: [birth, amounts]}", "hidden: [birth, amounts], on_request: [names, email]}",
		"phone, address, amounts]}", "phone, address, amounts, comments], on_request: [names, birth, phone, comments]}").Replace(string(deploy.Policy()))
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var codes, may, groups []string
	for _, r := range p.Roles() {
		if codes = append(codes, r.Code); len(r.OnRequest) > 0 {
			may = append(may, r.Code)
		}
	}
	for _, g := range p.FieldGroups() {
		groups = append(groups, g.Code)
	}
	of := map[domain.ID]disclosure.Standing{mine: {Purposes: []string{"customer_service"}, Portfolios: []string{"north"}}, theirs: {Purposes: []string{"prospecting"}}}
	raised := 0
	rapid.Check(t, func(t *rapid.T) {
		roles := rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 1, 3, rapid.ID).Draw(t, "roles")
		if rapid.Bool().Draw(t, "one of those that may") {
			roles = []string{rapid.SampledFrom(may).Draw(t, "role")}
		}
		asked := groups
		if rapid.Bool().Draw(t, "some") {
			asked = rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 0, len(groups), rapid.ID).Draw(t, "asked")
		}
		who := rapid.SampledFrom([]domain.ID{mine, theirs, unknown}).Draw(t, "contact")
		plain := disclosure.For(p, roles, "north").Knowing(of)
		open := plain.Revealing(asked...)
		for _, f := range p.Fields() {
			was, is := plain.Level(who, f.Class, f.Path), open.Level(who, f.Class, f.Path)
			group, _ := p.FieldGroup(f.Path)
			allowed := slices.ContainsFunc(roles, func(code string) bool {
				r, _ := p.Role(code)
				reaches := len(r.Purposes) == 0 || slices.ContainsFunc(of[who].Purposes, func(s string) bool { return slices.Contains(r.Purposes, s) })
				return slices.Contains(r.OnRequest, group) && slices.Contains(r.Classes, f.Class) && reaches && !r.Own
			})
			want := was
			if was == policy.Masked && slices.Contains(asked, group) && allowed {
				want = policy.Clear
				raised++
			}
			if is != want {
				t.Fatalf("%v asked for %v: %s is %v, was %v, want %v", roles, asked, f.Path, is, was, want)
			}
		}
	})
	if raised < 20 {
		t.Errorf("%d values were raised: the property proves little", raised)
	}
}
