package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleFindsForAudit: an auditor finds whom the list of reads or the history is about
// by what is known of somebody, in a form that is in no address; the rest of the question
// stays; the search is recorded; several, nobody and what is no id are said.
func TestConsoleFindsForAudit(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	one := s.real["/v1/subjects/"]
	for i, id := range []string{"TW-1", "TW-2"} {
		record(t, s.open, `{"specversion":"1.0","id":"tw`+string(rune('a'+i))+`","source":"crm/eu","type":"contact.created","subject":"`+id+`","time":"`+past+`","data":{"kind":"client","person":{"given_name":"Zqtwin","family_name":"Zqalike"}}}`)
	}
	s.signIn("auditor")
	s.because("audit")
	find := func(slug, at string, typed url.Values) shownPage {
		return s.send(http.MethodPost, "/console/find/"+slug, s.numbered(at, "/console/find/"+slug, typed), nil)
	}
	searches := func() (n int) {
		for _, f := range s.facts(event.AccessRecorded) {
			if f.Codes.String("action") == "search" {
				n++
			}
		}
		return n
	}
	for _, c := range []struct{ slug, at, text, by, to string }{
		{"reads", "/console/reads", "zqkanary@example.org", "", "/console/reads?subject_id=" + one},
		{"reads", "/console/reads", one, "", "/console/reads?subject_id=" + one},
		{"audit", "/console/audit", "Zqkanary", "name", "/console/audit?subject_id=" + one},
	} {
		before := searches()
		p := find(c.slug, c.at, url.Values{"text": {c.text}, "by": {c.by}, "period": {"all"}})
		if p.status != http.StatusSeeOther || p.to != strings.Replace(c.to, "?", "?period=all&", 1) {
			t.Errorf("%s by %q: %d to %q", c.slug, c.by, p.status, p.to)
		}
		if n := searches() - before; n != 1 && c.text != one {
			t.Errorf("%d searches are recorded", n)
		}
	}
	if p := s.get("/console/reads?period=7d&without_case=true"); !strings.Contains(p.body(), `<input type="hidden" name="without_case" value="true">`) || !strings.Contains(p.body(), `<input type="hidden" name="period" value="7d">`) {
		t.Errorf("the form forgets the question: %s", p.body())
	}
	if p := find("reads", "/console/reads", url.Values{"text": {"Zqtwin Zqalike"}, "by": {"name"}}); p.status != http.StatusOK || strings.Count(p.body(), "/console/reads?subject_id=") != 2 {
		t.Errorf("several: %d %s", p.status, p.body())
	}
	for text, says := range map[string]string{"nobody@example.net": "Nobody corresponds", "": "Type an e-mail address"} {
		s.tells(find("reads", "/console/reads", url.Values{"text": {text}}), http.StatusOK, says, `role="alert"`)
	}
	s.tells(find("reads", "/console/reads", url.Values{"text": {"x"}, "by": {"subject_id"}}), http.StatusOK, "no id of the ledger")
	if p := s.send(http.MethodPost, "/console/find/people", s.numbered("/console/reads", "/console/find/reads", url.Values{"text": {"x"}}), nil); p.status != http.StatusNotFound {
		t.Errorf("another desk: %d", p.status)
	}
	s.signIn("security")
	s.because("audit")
	if p := s.get("/console/reads"); p.status != http.StatusOK || strings.Contains(p.body(), "/console/find/") {
		t.Errorf("who may not search is offered it: %d", p.status)
	}
}
