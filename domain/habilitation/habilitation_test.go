package habilitation_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/habilitation"
	"greffe/domain/policy"
)

func parse(t *testing.T, changes ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(strings.NewReplacer(changes...).Replace(string(deploy.Policy()))))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func find(t *testing.T, r habilitation.Rights, code string) *habilitation.Role {
	t.Helper()
	i := slices.IndexFunc(r.Roles, func(x habilitation.Role) bool { return x.Code == code })
	if i < 0 {
		t.Fatalf("the matrix has no role %s", code)
	}
	return &r.Roles[i]
}

func cell(r *habilitation.Role, class, group string) string {
	for _, c := range r.Data {
		if c.Class == class && c.Group == group {
			return c.Level
		}
	}
	return "absent"
}

// TestCellsAreWhatEnforces: every role with every permission and every declared field as
// the policy decides it, and nothing beside.
func TestCellsAreWhatEnforces(t *testing.T) {
	t.Parallel()
	rules := parse(t)
	m := habilitation.Of(rules, 3, nil)
	if len(m.Roles) != len(rules.Roles()) || m.Policy != 3 {
		t.Fatalf("%d roles of policy %d", len(m.Roles), m.Policy)
	}
	looked := 0
	for _, r := range m.Roles {
		for _, p := range policy.Permissions() {
			if slices.Contains(r.Permissions, p) != rules.Permits(r.Code, p) {
				t.Errorf("%s %s: the matrix says the contrary", r.Code, p)
			}
		}
		for _, f := range rules.Fields() {
			group, _ := rules.FieldGroup(f.Path)
			want := rules.Shows(r.Code, f.Class, f.Path).String()
			if want == "masked" && rules.OnRequest(r.Code, group) {
				want = habilitation.OnRequest
			}
			if got := cell(&r, f.Class, group); got != want {
				t.Errorf("%s %s of %s: %s, and is shown %s", r.Code, f.Path, f.Class, got, want)
			}
			looked++
		}
		for _, x := range rules.Reasons() {
			if slices.Contains(r.Reasons, x.Code) != x.MayUse(r.Code) {
				t.Errorf("%s reason %s", r.Code, x.Code)
			}
		}
	}
	if looked < 100 {
		t.Errorf("%d fields looked at", looked)
	}
	sales, inspector, admin := find(t, m, "sales"), find(t, m, "inspector"), find(t, m, "admin")
	if sales.Portfolio != "own" || !slices.Equal(sales.Purposes, []string{"prospecting", "customer_service", "contract"}) || sales.Quota.HourHard != 300 {
		t.Errorf("sales: %+v", sales)
	}
	for _, x := range []struct{ got, want string }{
		{cell(sales, "identity", "birth"), "hidden"}, {cell(sales, "identity", "names"), "clear"}, {cell(sales, "billing", ""), "hidden"},
		{cell(inspector, "identity", "names"), "masked"}, {cell(admin, "identity", "names"), "hidden"}, {cell(admin, "accounts", ""), "clear"},
	} {
		if x.got != x.want {
			t.Errorf("a cell is %s, want %s", x.got, x.want)
		}
	}
}

func some() []habilitation.Account {
	return []habilitation.Account{
		{ID: domain.ID{2}, Kind: "service", State: habilitation.Active, Roles: []string{"service"}, Permissions: []string{"events.write"}, Tokens: []habilitation.Token{
			{ID: domain.ID{9}, Permissions: []string{"events.write"}, Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, {ID: domain.ID{8}}}},
		{ID: domain.ID{1}, Kind: "person", State: habilitation.Active, Roles: []string{"agent", "dpo"}},
	}
}

// TestDigest: of the same rights in any order the same, of other rights another; anybody
// recomputes it from what is exported.
func TestDigest(t *testing.T) {
	t.Parallel()
	digest := func(r habilitation.Rights) string {
		s, err := r.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	rules := parse(t)
	other := some()
	slices.Reverse(other)
	slices.Reverse(other[1].Tokens)
	one := habilitation.Of(rules, 1, some())
	if digest(one) != digest(habilitation.Of(rules, 1, other)) {
		t.Error("the order of accounts and tokens makes another digest")
	}
	b, err := one.Canonical()
	if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != digest(one) || !strings.HasPrefix(string(b), `{"accounts":[`) {
		t.Errorf("%v %.80s", err, b)
	}
	seen := map[string]string{digest(one): "the first"}
	differs := func(what string, r habilitation.Rights) {
		t.Helper()
		if was := seen[digest(r)]; was != "" {
			t.Errorf("%s has the digest of %s", what, was)
		}
		seen[digest(r)] = what
	}
	differs("another version", habilitation.Of(rules, 2, some()))
	differs("another level", habilitation.Of(parse(t, "fields: {hidden: [birth]}", "fields: {masked: [birth]}"), 1, some()))
	differs("another quota", habilitation.Of(parse(t, "soft: 60, hard: 300", "soft: 60, hard: 301"), 1, some()))
	fewer := some()
	fewer[0].Tokens = nil
	differs("a token less", habilitation.Of(rules, 1, fewer))
	fewer[1].State = habilitation.Disabled
	differs("an account less", habilitation.Of(rules, 1, fewer))
}

// TestDiff: what was given and taken, each right once; the same matrix twice has no
// difference, whatever its version.
func TestDiff(t *testing.T) {
	t.Parallel()
	before := habilitation.Of(parse(t), 1, some())
	same := habilitation.Of(parse(t), 2, some())
	if d := habilitation.Diff(&before, &same); len(d) != 0 {
		t.Errorf("%+v", d)
	}
	changed := some()
	changed[1].Roles = []string{"dpo"}
	changed[0].Tokens = changed[0].Tokens[:1]
	after := habilitation.Of(parse(t, "fields: {hidden: [birth]}", "fields: {masked: [birth]}"), 2, changed)
	want := []habilitation.RightChange{
		{What: "removed", Role: "sales", Right: "data", Value: "identity/birth hidden"},
		{What: "removed", Account: domain.ID{1}, Right: "role", Value: "agent"},
		{What: "removed", Account: domain.ID{2}, Token: domain.ID{8}, Right: "token", Value: "types ; sources ; act_for false; networks 0; certificates 0"},
		{What: "added", Role: "sales", Right: "data", Value: "identity/birth masked"},
	}
	got := habilitation.Diff(&before, &after)
	got = slices.DeleteFunc(got, func(d habilitation.RightChange) bool { return d.Right == "quota" })
	if !slices.Equal(got, want) {
		t.Errorf("\n%+v\nwant\n%+v", got, want)
	}
	gone := some()
	gone[1].State = habilitation.Disabled
	after = habilitation.Of(parse(t), 1, gone)
	lost := habilitation.Diff(&before, &after)
	if !slices.Contains(lost, habilitation.RightChange{What: "removed", Account: domain.ID{1}, Right: "role", Value: "dpo"}) ||
		!slices.Contains(lost, habilitation.RightChange{What: "added", Account: domain.ID{1}, Right: "state", Value: "disabled"}) {
		t.Errorf("a disabled account: %+v", lost)
	}
}
