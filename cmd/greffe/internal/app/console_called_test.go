package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleCalled: whom a request is about is named as far as the role is shown names,
// and found within its form, where nothing typed is lost; who is shown no name is told
// two files of one name apart by what is recorded of them. Comments carry the sentence of
// articles 9 and 10.
func TestConsoleCalled(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.real["/v1/subjects/"]
	const twin = `{"specversion":"1.0","id":"tw","source":"crm/eu","type":"contact.created","subject":"M-2","time":"` + past + `","data":{"kind":"client","person":{"given_name":"Zqkanary","emails":["zqtwin@example.org"]},"collection":{"channel":"phone","purposes":["prospecting"]}}}`
	other := record(t, s.open, twin)[0].Subject.String()
	s.ok(s.open.CaughtUp(t.Context()))
	s.signIn("dpo")
	s.because("rights_request")
	const form, look = "/console/requests/new/new", "/console/find/requests"
	text := s.shows(form, "Find the person", `formaction="`+look+`"`, "Write nothing here of a person")
	if strings.Count(text, "formaction=") != 1 {
		t.Error("the form finds twice")
	}
	ask := s.filled(form, url.Values{"right": {"access"}, "channel": {"email"}, "language": {"fr"}, "message": {"Zqtyped before"}, "find.text": {"zqkanary@example.org"}})
	p := s.send(http.MethodPost, look, ask, nil)
	if p.status != http.StatusOK || !strings.Contains(p.text, `name="subject_id" value="`+id+`"`) || !strings.Contains(p.text, "Zqtyped before") || !strings.Contains(p.text, `action="`+form+`"`) {
		_, main, _ := strings.Cut(p.text, "<main")
		t.Fatalf("found: %d %.3000s", p.status, main)
	}
	if strings.Contains(p.to, "zqkanary") || len(s.facts(event.RequestReceived)) != 0 {
		t.Error("looking recorded a request, or said an address")
	}
	ask = s.filled(form, url.Values{"right": {"access"}, "channel": {"email"}, "language": {"fr"}, "message": {"x"}, "subject_id": {id}})
	if p := s.send(http.MethodPost, form, ask, nil); p.status != http.StatusSeeOther || len(s.facts(event.RequestReceived)) != 1 {
		t.Fatalf("the request: %d %.900s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	before := len(s.facts(event.AccessRecorded))
	s.shows("/console/requests", "Zqkanary</a>")
	if n := len(s.facts(event.AccessRecorded)) - before; n < 2 {
		t.Errorf("the list of requests names somebody, and %d accesses are on record", n)
	}
	s.signIn("auditor")
	s.because("audit")
	if text := s.shows("/console/requests", short8(id)); strings.Contains(text, "Zqkanary") {
		t.Error("an auditor is shown the name")
	}
	found := s.send(http.MethodPost, "/console/people", s.filled("/console/people", url.Values{"by": {"name"}, "text": {"Zqkanary"}}), nil)
	for _, want := range []string{short8(id), short8(other), "records, from"} {
		if !strings.Contains(found.text, want) {
			t.Errorf("two of one name: no %q in %.1500s", want, found.text)
		}
	}
	if strings.Contains(found.text, "example.org") {
		t.Error("an auditor is shown an address")
	}
}

func short8(id string) string { return id[:8] }
