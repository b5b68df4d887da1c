package console

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestGlossary: every term has its meaning and its law in both languages, the law names an
// article or a text, and what a page says is found: once, at a word's edges, not in what
// was typed.
func TestGlossary(t *testing.T) {
	t.Parallel()
	law := regexp.MustCompile(`art\. |RFC |CNIL|considérant|recital`)
	all := map[string][]lawTerm{}
	for _, lang := range []string{"fr", "en"} {
		terms, err := readGlossary(lang)
		if err != nil {
			t.Fatal(err)
		}
		all[lang] = terms
		for _, e := range terms {
			if !law.MatchString(e.Law) || !strings.HasSuffix(e.Meaning, ".") {
				t.Errorf("%s in %s: %q, %q", e.Key, lang, e.Meaning, e.Law)
			}
			for _, f := range e.forms {
				if f != strings.ToLower(f) || strings.TrimSpace(f) == "" {
					t.Errorf("%s: the form %q is never found", e.Key, f)
				}
			}
		}
	}
	if len(all["fr"]) < 50 || len(all["fr"]) != len(all["en"]) {
		t.Fatalf("%d terms in French, %d in English", len(all["fr"]), len(all["en"]))
	}
	for text, want := range map[string]string{
		`<h2>Effacement</h2><p>Le gel l’empêche.</p>`:                        "erasure hold",
		`<p>L’OPPOSITION</p>`:                                                "objection",
		`<p>Regel et gelée royale</p><textarea>opposition</textarea>`:        "",
		`<td>opposition</td><option value="x">limitation</option><p>AIPD<p>`: "dpia",
		`<p>liste d&#39;attente, durée de conservation`:                      "retention",
	} {
		var got []string
		for _, e := range saidTerms(all["fr"], []byte(text)) {
			got = append(got, e.Key)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s says %q, want %q", text, got, want)
		}
	}
	if n := len(saidTerms(all["en"], []byte(strings.Join(allForms(all["en"]), ", ")))); n != mostTerms {
		t.Errorf("%d terms beside one page", n)
	}
}

func allForms(terms []lawTerm) (out []string) {
	for _, e := range terms {
		out = append(out, e.forms...)
	}
	return out
}

// TestEmptyWords: every desk that lists says what it is for when it is empty, and every
// step of every role has its words.
func TestEmptyWords(t *testing.T) {
	t.Parallel()
	w, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range desks() {
		if d.list != "" && d.slug != "habilitations" && w.texts["empty_"+d.slug] == "" {
			t.Errorf("the desk %s says nothing when it is empty", d.slug)
		}
	}
	api, err := readWords("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"dpo", "admin", "security", "auditor", "agent", "marketing", guestRole, "other"} {
		if w.texts["begin_role_"+role] == "" || len(guideRules(role)) < 5 {
			t.Errorf("no first steps for %s", role)
		}
		for _, r := range guideRules(role) {
			if w.texts["begin_"+r.key] == "" || api.texts["begin_"+r.key+"_do"] == "" {
				t.Errorf("no words for the step %s of %s", r.key, role)
			}
			if (r.ask == "") != (r.done == nil) {
				t.Errorf("the step %s of %s asks %q", r.key, role, r.ask)
			}
		}
	}
}

// TestNarrow: criteria in an address are told from what is none.
func TestNarrow(t *testing.T) {
	t.Parallel()
	for q, want := range map[string]bool{"": false, "language=en&done=x": false, "state=": false, "state=open": true, "tab=history": false, "by=2027-01-01": true} {
		v, err := url.ParseQuery(q)
		if err != nil {
			t.Fatal(err)
		}
		if narrow(v) != want {
			t.Errorf("%q: %v", q, !want)
		}
	}
}

// TestStepsDone: two administrators are two people who can sign in; a way back in is more
// than a password and one device.
func TestStepsDone(t *testing.T) {
	t.Parallel()
	one := `{"kind":"person","state":"active","roles":["admin"]}`
	for _, c := range []struct {
		text string
		done func(value) bool
		want bool
	}{
		{`{"items":[` + one + `]}`, active("admin", 2), false},
		{`{"items":[` + one + `,{"kind":"service","state":"active","roles":["admin"]},{"kind":"person","state":"disabled","roles":["admin"]},{"kind":"person","state":"active","roles":["dpo"]}]}`, active("admin", 2), false},
		{`{"items":[` + one + `,` + one + `]}`, active("admin", 2), true},
		{`{"items":[` + one + `]}`, active("dpo", 1), false},
		{`{"items":[{"kind":"password"},{"kind":"totp"}]}`, ownSafe, false},
		{`{"items":[{"kind":"password"},{"kind":"totp"},{"kind":"recovery"}]}`, ownSafe, true},
		{`{"items":[{"kind":"passkey"}]}`, ownSafe, true},
		{`{"items":[]}`, holdsSome, false},
		{`{"items":[{}]}`, holdsSome, true},
	} {
		v, err := parse([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if c.done(v) != c.want {
			t.Errorf("%s: %v", c.text, !c.want)
		}
	}
}

// TestHelpsOfDesks: a field is explained as it is meant on its desk, and every such
// explanation is of a desk and in both languages.
func TestHelpsOfDesks(t *testing.T) {
	t.Parallel()
	w, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range w.helps {
		slug, _, own := strings.Cut(key, ".")
		if _, ok := find(slug); own && !ok {
			t.Errorf("%s is of no desk: %s", key, text)
		}
	}
	for desk, want := range map[string]string{"inspections": "agent", "reviews": "revue", "opposition": "opposition"} {
		on := *w
		on.desk = desk
		if got := on.help("scope"); !strings.Contains(got, want) {
			t.Errorf("the scope on %s: %s", desk, got)
		}
	}
}
