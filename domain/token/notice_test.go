package token

import (
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

func TestNoticesAreToldApart(t *testing.T) {
	t.Parallel()
	p := Derive(root1)
	seen := map[domain.ID][3]string{}
	for _, n := range [][3]string{{"web-form", "3", "fr"}, {"web-form", "3", "en"}, {"web-form", "31", "fr"}, {"web-form3", "", "fr"},
		{"web", "-form3", "fr"}, {"", "", ""}, {"web-form", "3", ""}, {"web-form", "3f", "r"}} {
		id := p.Notice(n[0], n[1], n[2])
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have one id", n, other)
		}
		seen[id] = n
	}
	if p.Notice("web-form", "3", "FR-fr") != p.Notice("web-form", "3", "fr-FR") {
		t.Error("the case of a language makes two notices of one")
	}
	if p.Notice("web-form", "3", "fr") == Derive(root2).Notice("web-form", "3", "fr") {
		t.Error("the id does not depend on the pepper")
	}
	if source := p.Source("web-form"); domain.DeriveID(source[:]) == p.Notice("web-form", "", "") {
		t.Error("a notice shares its pepper with another use")
	}
}

// TestNoticeGolden: facts hold these ids for ever.
func TestNoticeGolden(t *testing.T) {
	t.Parallel()
	const want = "59003ac2-2ae6-8bc4-bbaa-c0bc8e656dcf"
	if got := Derive(root1).Notice("web-form", "3", "fr").String(); got != want {
		t.Errorf("the id of a notice is %s, facts have %s", got, want)
	}
}

func TestNoticesAreNotRotated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, version, language := rapid.String().Draw(t, "id"), rapid.String().Draw(t, "version"), rapid.String().Draw(t, "language")
		if Derive(root1).Notice(id, version, language) != Derive(root1, root2).Notice(id, version, language) {
			t.Fatal("a rotation changes the id of a notice")
		}
	})
}
