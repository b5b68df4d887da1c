package app

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"greffe/domain/event"
	"greffe/projections/audit"
)

// TestConsoleSearches: a search of the reads about a person is saved under a name, opened
// by one click with its period still relative, renamed and deleted; its holder alone sees
// it, and each step is a fact of the account that says nothing of what is looked for.
func TestConsoleSearches(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	who := s.signIn("auditor")
	person := s.real["/v1/subjects/"]
	s.because("audit")
	at := "/console/reads?period=7d&reason=audit&min_count=1&without_case=true&subject_id=" + person
	form := url.Values{"name": {"Lectures sans dossier Zqsearched"}, "period": {"7d"}, "reason": {"audit"}, "min_count": {"1"}, "without_case": {"true"}, "subject_id": {person}}
	p := s.send(http.MethodPost, "/console/searches/reads", s.filled(at, form), nil)
	if p.status != http.StatusSeeOther || strings.Contains(p.to, "Zqsearched") || !strings.Contains(p.to, "subject_id="+person) {
		t.Fatalf("saved: %d %s %.1500s", p.status, p.to, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	text := s.shows(p.to, "The search is saved.", "Lectures sans dossier Zqsearched", "My saved searches", "7 days")
	m := regexp.MustCompile(`<li><a href="(/console/reads\?[^"]*)" title="[^"]*" aria-current="true">Lectures`).FindStringSubmatch(text)
	if m == nil {
		_, main, _ := strings.Cut(text, "<main")
		t.Fatalf("no link to it: %.3000s", main)
	}
	again := html.UnescapeString(m[1])
	for _, part := range []string{"period=7d", "reason=audit", "min_count=1", "without_case=true", "subject_id=" + person} {
		if !strings.Contains(again, part) {
			t.Errorf("%s lacks %s", again, part)
		}
	}
	s.shows(again, `<option value="audit" selected>`)
	s.shows("/console/audit", "Lectures sans dossier Zqsearched (")
	id := regexp.MustCompile(`action="(/console/search/[0-9a-f-]{36})"`).FindStringSubmatch(text)[1]
	p = s.send(http.MethodPost, id, s.filled("/console/reads", url.Values{"do": {"rename"}, "list": {"reads"}, "name": {"Zqrenamed"}}), nil)
	if p.status != http.StatusSeeOther {
		t.Fatalf("renamed: %d %.1500s", p.status, p.text)
	}
	s.shows(p.to, "The search has its new name.", "Zqrenamed")

	s.signIn("dpo")
	s.because("rights_request")
	if p := s.get("/console/reads"); strings.Contains(p.text, "Zqrenamed") {
		t.Error("somebody else sees it")
	}
	if p := s.send(http.MethodPost, id, s.filled("/console/reads", url.Values{"do": {"delete"}, "list": {"reads"}}), nil); p.status != http.StatusNotFound {
		t.Errorf("somebody else deletes it: %d", p.status)
	}
	n := map[event.Type]int{}
	s.ok(s.open.CaughtUp(t.Context()))
	for e, err := range s.open.Audit.Events(t.Context(), audit.Filter{Account: who}) {
		s.ok(err)
		if n[e.Type]++; e.Type == event.AccountSearchSaved && !e.Subject.IsZero() {
			t.Error("the fact names whom the search is about")
		}
	}
	if n[event.AccountSearchSaved] != 2 || n[event.AccountSearchRemoved] != 0 {
		t.Errorf("facts: %v", n)
	}
}

// TestConsoleSearchesDeleted: a search of the history in French is deleted, and what is no
// search is refused.
func TestConsoleSearchesDeleted(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("auditor")
	s.because("audit")
	save := func(form url.Values) shownPage {
		return s.send(http.MethodPost, "/console/searches/audit", s.filled("/console/audit?language=fr", form), nil)
	}
	if p := save(url.Values{"name": {"Zqconsentements"}, "type": {"consent.granted"}, "from": {"2026-01-01"}, "to": {"2026-03-31"}, "period": {"between"}, "sort": {"oldest"}, "known_at": {"2026-04-01T08:00"}}); p.status != http.StatusSeeOther {
		t.Fatalf("saved: %d %.1500s", p.status, p.text)
	}
	text := s.shows("/console/audit", "Zqconsentements", "du 1", "31 mars 2026", "known_at=2026-04-01T08%3A00")
	for _, bad := range []url.Values{{"name": {""}}, {"name": {"a"}, "subject_id": {"anne@example.org"}}, {"name": {"a"}, "type": {"Anne Martin"}}, {"name": {strings.Repeat("é", 60)}}} {
		if p := save(bad); p.status != http.StatusBadRequest || strings.Contains(p.text, "anne@example.org") {
			t.Errorf("%v: %d", bad, p.status)
		}
	}
	id := regexp.MustCompile(`action="(/console/search/[0-9a-f-]{36})"`).FindStringSubmatch(text)[1]
	p := s.send(http.MethodPost, id, s.filled("/console/audit", url.Values{"do": {"delete"}, "list": {"audit"}}), nil)
	if p.status != http.StatusSeeOther {
		t.Fatalf("deleted: %d %.1500s", p.status, p.text)
	}
	if p := s.get(p.to); strings.Contains(p.text, "Zqconsentements") || !strings.Contains(p.text, "La recherche est supprimée") {
		t.Errorf("it is there still: %.1500s", p.main())
	}
	if p := s.send(http.MethodPost, "/console/searches/tail", s.filled("/console/audit", url.Values{"name": {"a"}}), nil); p.status != http.StatusNotFound {
		t.Errorf("a search of no list: %d", p.status)
	}
}
