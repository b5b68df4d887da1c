package disclosure_test

import (
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/policy"
)

var (
	mine, theirs, unknown = domain.ID{1}, domain.ID{2}, domain.ID{3}
	standings             = map[domain.ID]disclosure.Standing{
		mine:   {Person: mine, Purposes: []string{"prospecting"}, Portfolios: []string{"north"}},
		theirs: {Person: theirs, Purposes: []string{"recruitment"}, Portfolios: []string{"south"}},
	}
)

func rules(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLevels: role by role what is shown of a value, of one's own contact, of another
// and of one that nothing is known of.
func TestLevels(t *testing.T) {
	t.Parallel()
	p := rules(t)
	for _, c := range []struct {
		roles       []string
		class, path string
		want        [3]policy.Level // of mine, theirs, unknown
	}{
		{[]string{"sales"}, "contact_details", "person.emails", [3]policy.Level{policy.Clear, policy.Hidden, policy.Hidden}},
		{[]string{"sales"}, "identity", "person.birth_date", [3]policy.Level{}},
		{[]string{"sales"}, "billing", "invoice.reference", [3]policy.Level{}},
		{[]string{"marketing"}, "contact_details", "person.emails", [3]policy.Level{policy.Masked, policy.Hidden, policy.Hidden}},
		{[]string{"support"}, "contact_details", "person.emails", [3]policy.Level{}},
		{[]string{"inspector"}, "identity", "person.given_name", [3]policy.Level{policy.Masked, policy.Masked, policy.Masked}},
		{[]string{"inspector"}, "evidence", "consent.act", [3]policy.Level{policy.Clear, policy.Clear, policy.Clear}},
		{[]string{"inspector", "sales"}, "identity", "person.given_name", [3]policy.Level{policy.Clear, policy.Masked, policy.Masked}},
		{[]string{"dpo", "marketing"}, "identity", "person.birth_date", [3]policy.Level{policy.Clear, policy.Clear, policy.Clear}},
		{[]string{"admin"}, "identity", "person.given_name", [3]policy.Level{}},
		{[]string{"nobody"}, "identity", "person.given_name", [3]policy.Level{}},
		{nil, "identity", "person.given_name", [3]policy.Level{}},
	} {
		l := disclosure.For(p, c.roles, "north").Knowing(standings)
		for i, s := range []domain.ID{mine, theirs, unknown} {
			if got := l.Level(s, c.class, c.path); got != c.want[i] {
				t.Errorf("%v, contact %d, %s: %v, want %v", c.roles, i, c.path, got, c.want[i])
			}
			if shown := l.Class(s, c.class); !shown && c.want[i] != policy.Hidden {
				t.Errorf("%v, contact %d: class %s is shut and %s shown", c.roles, i, c.class, c.path)
			}
		}
	}
	without := disclosure.For(p, []string{"sales"}, "").Knowing(map[domain.ID]disclosure.Standing{mine: {Purposes: []string{"prospecting"}, Portfolios: []string{""}}})
	if without.Admits(mine) {
		t.Error("who has no portfolio sees contacts that are in none")
	}
}

func TestSpecialLenses(t *testing.T) {
	t.Parallel()
	p := rules(t)
	var none disclosure.Lens
	whole, only := disclosure.Whole(), disclosure.Only("upstream.subject")
	if none.Class(mine, "identity") || none.Level(mine, "identity", "upstream.subject") != policy.Hidden || none.Admits(mine) || none.Complete(mine) {
		t.Error("the zero lens shows something")
	}
	if !whole.Complete(mine) || whole.Level(unknown, "identity", "x") != policy.Clear {
		t.Error("the whole lens hides something")
	}
	if only.Level(mine, "identity", "upstream.subject") != policy.Clear || only.Level(mine, "identity", "upstream.id") != policy.Hidden || only.Full(mine, "identity") {
		t.Error("the lens for one path shows another, or not its own")
	}
	if in := whole.Within("notes"); in.Class(mine, "identity") || in.Level(mine, "identity", "person.given_name") != policy.Hidden || in.Complete(mine) || !in.Full(mine, "notes") {
		t.Error("a lens within a class shows others")
	}
	for role, want := range map[string]bool{"dpo": true, "agent": false, "auditor": false, "sales": false, "inspector": false, "admin": false} {
		if l := disclosure.For(p, []string{role}, "north").Knowing(standings); l.Complete(mine) != want {
			t.Errorf("%s may have a copy: %v", role, !want)
		}
	}
	sales, inspector := disclosure.For(p, []string{"sales"}, "north"), disclosure.For(p, []string{"inspector"}, "")
	if !sales.Confined() || !sales.Kept() || inspector.Kept() || inspector.Confined() {
		t.Error("who is kept to some contacts")
	}
	if both := disclosure.For(p, []string{"sales", "inspector"}, ""); both.Confined() || !both.Kept() {
		t.Error("a role for everybody does not free, or hides that standings count")
	}
	if !sales.Bars("subjects.search", "person.birth_date") || sales.Bars("subjects.search", "person.emails") || inspector.Bars("subjects.search", "person.emails") {
		t.Error("what may be searched")
	}
}

// TestMissed: a merge makes one person, who is shown if any of the contacts is.
func TestMissed(t *testing.T) {
	t.Parallel()
	l := disclosure.For(rules(t), []string{"marketing"}, "")
	two := l.Knowing(standings)
	if who, missed := two.Missed([]domain.ID{mine, theirs}); !missed || who != theirs {
		t.Errorf("%v %v", who, missed)
	}
	merged := map[domain.ID]disclosure.Standing{mine: standings[mine], theirs: {Person: mine, Purposes: []string{"recruitment"}}}
	one := l.Knowing(merged)
	if _, missed := one.Missed([]domain.ID{theirs, mine}); missed {
		t.Error("the person is not shown, of whom one contact is")
	}
	if one.Class(theirs, "identity") {
		t.Error("the contact that is held for something else is shown with it")
	}
}

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, value, want string }{
		{"email", `"jeanne.dupont@domaine.co.fr"`, `"j•••@d•••.fr"`}, {"email", `["a@b.org","c@d.net"]`, `["a•••@b•••.org","c•••@d•••.net"]`},
		{"email", `"no address"`, `"•••"`}, {"email", `"a@b"`, `"•••"`}, {"email", `"@b.fr"`, `"•••"`}, {"email", `"a b@c.fr"`, `"•••"`},
		{"phone", `"+33 6 12 34 56 78"`, `"•••78"`}, {"phone", `"12"`, `"•••"`},
		{"name", `"Jean-Paul Le Goff"`, `"J. P. L. G."`}, {"name", `"élodie"`, `"é."`}, {"name", `"42"`, `"•••"`}, {"name", `""`, `"•••"`},
		{"date", `"1988-04-12"`, `"1988"`}, {"date", `"12/04/1988"`, `"•••"`}, {"date", `"abcd-"`, `"•••"`},
		{"amount", `12000`, `"10000–99999"`}, {"amount", `"99.5"`, `"10–99"`}, {"amount", `0`, `"0–9"`}, {"amount", `7`, `"0–9"`}, {"amount", `-5`, `"•••"`},
		{"amount", `1e40`, `"•••"`}, {"amount", `"x"`, `"•••"`},
		{"text", `"anything"`, `"•••"`}, {"code", `true`, `"•••"`}, {"id", `42`, `"•••"`}, {"text", `null`, `null`},
		{"object", `{"lines":["1 rue X"],"city":"Lyon"}`, `{"city":"•••","lines":["•••"]}`},
	} {
		if got := disclosure.Mask(c.kind, []byte(c.value)); string(got) != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.value, got, c.want)
		}
	}
}

// TestMembers: of an object, members of a group of their own are shown as that is.
func TestMembers(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(deploy.Policy()), "person.postal_address.city, person.postal_address.country]", "person.postal_address.country]\n  - {code: town, label: {fr: Ville, en: Town}, fields: [person.postal_address.city]}", 1)
	text = strings.Replace(text, "fields: {masked: [names, email, phone, address], hidden: [birth, amounts]}", "fields: {masked: [town], hidden: [address]}", 1)
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l := disclosure.For(p, []string{"marketing"}, "").Knowing(standings)
	value := `{"lines":["1 rue de la Paix"],"postal_code":"69003","city":"Lyon"}`
	f, level := l.Field(mine, "contact_details", event.Field{Path: "person.postal_address", Value: []byte(value)})
	if string(f.Value) != `{"city":"•••"}` || level != policy.Masked {
		t.Errorf("%s, %v", f.Value, level)
	}
	if _, level := l.Field(theirs, "contact_details", event.Field{Path: "person.postal_address", Value: []byte(value)}); level != policy.Hidden {
		t.Errorf("of another contact: %v", level)
	}
	clear := disclosure.For(p, []string{"agent"}, "")
	if f, level := clear.Field(theirs, "contact_details", event.Field{Path: "person.postal_address", Value: []byte(value)}); level != policy.Clear || len(f.Value) != len(value) {
		t.Errorf("%s, %v", f.Value, level)
	}
}

// BenchmarkAuthorisation is what each request costs: the lens, and 20 fields through it.
func BenchmarkAuthorisation(b *testing.B) {
	p := rules(b)
	fields := p.Fields()[:20]
	for b.Loop() {
		l := disclosure.For(p, []string{"support", "marketing"}, "north").Knowing(standings)
		for i := range fields {
			l.Level(mine, fields[i].Class, fields[i].Path)
		}
	}
}
