package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleRequestSaysWhatComesFirst: before it is verified who asks, the page and the
// form of an answer say which answers are not offered yet, why, and where that is done;
// the grounds are those of the right that was asked, and the service takes no other.
func TestConsoleRequestSaysWhatComesFirst(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	at, person := s.asks("access", 1), s.real["/v1/subjects/"]
	const first = "Not yet possible as an answer: “Granted”, “Granted in part”. Verify first who asks"
	for _, page := range []string{at, at + "/answer"} {
		s.says(s.get(page), first)
	}
	if p := s.get(at); !strings.Contains(p.text, `href="`+at+`/verify">Verify`) {
		t.Errorf("nothing leads to the verification: %.2000s", p.main())
	}
	p := s.get(at + "/refuse")
	s.says(p, "art. 15(4)", "art. 12(6)", "art. 23")
	s.saysNot(p, "art. 17(3)", "art. 18(1)", "art. 20", "art. 22", "art. 85")
	typed := url.Values{"grounds": {"art17.3.b"}, "remedies": {"cnil", "court"}, "reasons": {"Zqreason"}}
	if p := s.send(http.MethodPost, at+"/refuse", s.formAt(p, at+"/refuse", typed), nil); p.status != http.StatusBadRequest || len(s.facts(event.RequestRefused)) != 0 {
		t.Errorf("an access is refused on an exception to erasure: %d, %d facts", p.status, len(s.facts(event.RequestRefused)))
	}
	s.sends(at+"/verify", at+"/verify", url.Values{"means": {"known_address"}, "subject_id": {person}})
	for _, page := range []string{at, at + "/answer"} {
		s.saysNot(s.get(page), "Not yet possible")
	}
	s.sends(at+"/tasks", at+"/tasks", url.Values{"system": {"other"}, "title": {"archives"}})
	s.says(s.get(at), "Not yet possible as an answer: “Granted”, “Granted in part”, “Nothing held”. End the searches under way first")
	erasure := s.asks("erasure", 1)
	p = s.get(erasure + "/refuse")
	s.says(p, "art. 17(3)(b)")
	s.saysNot(p, "art. 15(4)", "art. 85")
	s.sends(erasure+"/refuse", erasure+"/refuse", typed)
	if f := s.facts(event.RequestRefused); len(f) != 1 || !slices.Contains(f[0].Codes.Strings("grounds"), "art17.3.b") {
		t.Errorf("%+v", f)
	}
}

// TestConsoleRequestOfOneFile: where several files fit, the form says that a request is
// about one, what to do about the others, and where two are set side by side.
func TestConsoleRequestOfOneFile(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	for i, id := range []string{"TW-1", "TW-2"} {
		record(t, s.open, `{"specversion":"1.0","id":"tw`+string(rune('a'+i))+`","source":"crm/eu","type":"contact.created","subject":"`+id+`","time":"`+past+`","data":{"kind":"client","person":{"given_name":"Zqtwin","family_name":"Zqalike"}}}`)
	}
	s.signIn("dpo")
	s.because("rights_request")
	const at = "/console/requests/new/new"
	p := s.send(http.MethodPost, "/console/find/requests", s.formAt(s.get(at), at, url.Values{"find.text": {"Zqtwin Zqalike"}, "find.by": {"name"}, "right": {"access"}}), nil)
	s.says(p, "A request is about one file", "each needs a request of its own", "Compare the first two")
	_, link, _ := strings.Cut(p.text, `href="/console/merge/`)
	link, _, _ = strings.Cut(link, `"`)
	if p := s.get("/console/merge/" + link); p.status != http.StatusOK {
		t.Errorf("the two are not set side by side: %d", p.status)
	}
}
