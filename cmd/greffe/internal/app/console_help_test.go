package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleFirstSteps: each role is shown its own first steps, ticked off by what the
// ledger holds; the start page reads nobody's data for them; put away, they stay away, and
// come back when asked for.
func TestConsoleFirstSteps(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	steps := map[string]string{"auditor": "Look at bulk reads", "agent": "Find a person", "admin": "Appoint a second administrator",
		"security": "Deal with the read alerts", "marketing": "Screen your file before each sending", "dpo": "Keep the register of activities"}
	for _, role := range []string{"auditor", "agent", "admin", "security", "marketing", "dpo"} {
		step := steps[role]
		s.signIn(role)
		for _, at := range []string{"/console", "/console/guide"} {
			if p := s.get(at); p.status != http.StatusOK || !strings.Contains(p.text, step) || !strings.Contains(p.text, "to do") || strings.Contains(p.text, "[missing text]") {
				t.Errorf("%s of %s: %d %.900s", at, role, p.status, p.text)
			}
		}
	}
	s.because("rights_request")
	reads := func() int {
		s.ok(s.open.CaughtUp(t.Context()))
		before := len(s.facts(event.AccessRecorded))
		s.get("/console")
		s.ok(s.open.CaughtUp(t.Context()))
		return len(s.facts(event.AccessRecorded)) - before
	}
	shown := reads()
	todo := func() int { return strings.Count(s.get("/console/guide").text, "badge warn") }
	before := todo()
	if p := s.send(http.MethodPost, "/console/activities/new/adopt", s.filled("/console/activities/new/adopt", url.Values{}), nil); p.status != http.StatusOK {
		t.Fatalf("adopt: %d %.900s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if n := todo(); n != before-1 {
		t.Errorf("with an entry in the register %d steps are to do, %d before", n, before)
	}
	if p := s.send(http.MethodPost, "/console/guide", s.filled("/console/guide", url.Values{"away": {"true"}}), nil); p.to != "/console" {
		t.Errorf("put away: %d %s", p.status, p.to)
	}
	if p := s.get("/console"); strings.Contains(p.text, `id="guide"`) || !strings.Contains(p.text, `href="/console/guide"`) {
		t.Errorf("put away, the start page still has them, or the menu no more: %.900s", p.text)
	}
	if n := reads(); n != shown {
		t.Errorf("the start page records %d accesses with the first steps and %d without", shown, n)
	}
	s.send(http.MethodPost, "/console/guide", s.filled("/console/guide", url.Values{"away": {"false"}}), nil)
	if p := s.get("/console"); !strings.Contains(p.text, `id="guide"`) {
		t.Error("they do not come back")
	}
}

// TestConsoleGlossary: what is looked for is found without its accents, by a form and not
// by an address; each page explains the terms that it says.
func TestConsoleGlossary(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("agent")
	if p := s.get("/console/glossary"); !strings.Contains(p.text, `id="opposition_list"`) || !strings.Contains(p.text, "GDPR, art. 21(3)") {
		t.Errorf("the glossary: %d %.900s", p.status, p.text)
	}
	s.cookies["greffe_language"] = "ZnI"
	for typed, want := range map[string]int{"PORTABILITE": 1, "art. 33": 1, "délib. 2021-131": 3, "zzz": 0} {
		p := s.send(http.MethodPost, "/console/glossary", s.filled("/console/glossary", url.Values{"q": {typed}}), nil)
		if n := strings.Count(p.text, "<dt>"); n < want || want == 0 && (n > 0 || !strings.Contains(p.text, "Aucun mot ne correspond")) || n > 12 {
			t.Errorf("%s: %d terms", typed, n)
		}
	}
	s.signIn("dpo")
	s.because("rights_request")
	for at, law := range map[string]string{"/console/holds": "art. 17(3)(e)", "/console/opposition": "délib. 2021-131", "/console/breaches": "art. 4(12)", "/console/activities": "art. 30",
		"/console/requests": "art. 12 et 15 à 22", "/console/minimisation": "art. 5(1)(c)", "/console/quarantine": "art. 5(1)(d)", "/console/backups": "art. 32(1)(a)"} {
		_, after, _ := strings.Cut(s.get(at).text, `<details class="terms">`)
		if words, _, _ := strings.Cut(after, "</details>"); !strings.Contains(words, law) {
			t.Errorf("%s does not explain itself by %s: %.900s", at, law, words)
		}
	}
}

// TestConsoleEmpty: a list without anything says what it is for and offers the act that
// fills it; one that criteria emptied offers to be rid of them.
func TestConsoleEmpty(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	for at, want := range map[string][]string{"/console/dpia": {"No decision.", "/console/dpia/new/decide"}, "/console/reviews": {"No review is planned.", "/console/reviews/new/plan"},
		"/console/reviews?status=open": {"Nothing matches these criteria", `href="/console/reviews"`}, "/console/minimisation": {"Run the audit", "/console/minimisation/new/run"}} {
		p := s.get(at)
		for _, text := range want {
			if p.status != http.StatusOK || !strings.Contains(p.text, text) {
				t.Errorf("%s lacks %q: %d %.1500s", at, text, p.status, p.text)
			}
		}
	}
}

// TestConsoleProblems: what is refused says what to do, by what it was.
func TestConsoleProblems(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("agent")
	for at, want := range map[string]string{"/console/nowhere": "An erased person", "/console/accounts": "an administrator can change your roles", "/console/people/0190a0a0-0000-7000-8000-00000000ffff": "Why do you look"} {
		if p := s.get(at); p.status < 400 || !strings.Contains(p.text, want) {
			t.Errorf("%s: %d %.1500s", at, p.status, p.text)
		}
	}
	s.says(s.get("/console"), "Find a person", "Address, number, name or id")
	big := "csrf=" + strings.Repeat("x", 33<<20)
	if p := s.sendBody(http.MethodPost, "/console/glossary", strings.NewReader(big), "application/x-www-form-urlencoded", nil); p.status != http.StatusRequestEntityTooLarge || !strings.Contains(p.text, "32 MB at most") {
		t.Errorf("a form of 33 MB: %d %.900s", p.status, p.text)
	}
}
