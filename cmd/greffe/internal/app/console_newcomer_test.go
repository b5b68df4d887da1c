package app

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
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

// TestConsoleBreachSaysWhy: a decision on the risk that the law does not allow is refused
// with the article and what to change, and leaves nothing; who opened the file and who has
// a measure to do are called by name; no guest of an inspection is offered as one.
func TestConsoleBreachSaysWhy(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.inspection()
	_, err := s.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Guest, Label: "Zqauthority", Login: "zqauthority", Roles: []string{"inspector"}, Inspection: id, Until: s.now.read().Add(72 * time.Hour)})
	s.ok(err)
	self := s.signIn("dpo")
	s.because("rights_request")
	const open = "/console/breaches/new/open"
	p := s.send(http.MethodPost, open, s.filled(open, url.Values{"form.nature.nature": {"confidentiality"}, "form.nature.facts": {"lost"}}), nil)
	s.ok(s.open.CaughtUp(t.Context()))
	at := strings.Split(p.to, "?")[0]
	if journal := strings.Split(s.get(at).main(), "What was done and decided"); len(journal) != 2 || !strings.Contains(journal[1], "Zqstaff (you)") {
		t.Errorf("nobody opened it: %.600s", journal[len(journal)-1])
	}
	decide := at + "/assessment"
	for _, c := range []struct {
		typed url.Values
		says  string
	}{
		{url.Values{"risk": {"unlikely"}, "notify": {"false"}}, "choose “Risk” or “High risk”"},
		{url.Values{"risk": {"risk"}, "notify": {"false"}}, "art. 33(1)): answer yes to “Notify”"},
		{url.Values{"risk": {"high"}, "communicate": {"false"}}, "art. 34(1)): answer yes to telling them"},
		{url.Values{"risk": {"high"}, "communicate": {"true"}, "exemption": {"unintelligible"}}, "art. 34(3)): remove one of the two"},
	} {
		c.typed.Set("likelihood", "significant")
		c.typed.Set("severity", "significant")
		c.typed.Set("reasoning", "Zqreasons")
		p := s.send(http.MethodPost, decide, s.filled(decide, c.typed), nil)
		if s.says(p, c.says); p.status != http.StatusBadRequest || !strings.Contains(p.text, "Zqreasons") {
			t.Errorf("%v: %d", c.typed, p.status)
		}
	}
	if n := len(s.facts(event.BreachAssessed)); n != 0 {
		t.Errorf("%d decisions that the law does not allow", n)
	}
	s.says(s.get(at), "Decide on the risk")
	p = s.get(at + "/actions")
	if strings.Contains(p.text, "Zqauthority") || !strings.Contains(p.text, `value="`+self.String()+`"`) {
		t.Errorf("the owners of a measure: %.2500s", p.main())
	}
	typed := url.Values{"kind": {"containment"}, "item": {"flow_stopped"}, "owner": {self.String()}, "due": {s.now.read().Add(time.Hour).UTC().Format(time.RFC3339)}}
	s.send(http.MethodPost, at+"/actions", s.filled(at+"/actions", typed), nil)
	s.ok(s.open.CaughtUp(t.Context()))
	if main := s.get(at).main(); len(s.facts(event.BreachActed)) != 1 || strings.Count(main, "Zqstaff") < 4 || strings.Contains(main, self.String()) {
		t.Errorf("the owner is no name: %.2500s", main)
	}
}

// TestConsoleTemplatesByName: the form to begin the register offers the templates by the
// names of their activities, adopts those that were ticked and no other, and offers them
// no more; the role of an import and of an entry is chosen.
func TestConsoleTemplatesByName(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("audit")
	const at = "/console/activities/new/adopt"
	p := s.get(at)
	boxes := regexp.MustCompile(`type="checkbox" name="templates" value="([^"]+)"> ([^<]+)<`).FindAllStringSubmatch(p.text, -1)
	if len(boxes) < 4 || slices.ContainsFunc(boxes, func(b []string) bool { return strings.TrimSpace(b[2]) == b[1] }) {
		t.Fatalf("the templates: %q\n%.2000s", boxes, p.main())
	}
	name := strings.TrimSpace(boxes[1][2])
	p = s.send(http.MethodPost, at, s.formAt(p, at, url.Values{"templates": {boxes[1][1]}}), nil)
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.facts(event.ActivityRecorded)); p.status != http.StatusOK || n != 1 {
		t.Errorf("%d, %d entries", p.status, n)
	}
	s.says(s.get("/console/activities"), name)
	if p := s.get(at); strings.Contains(p.text, `value="`+boxes[1][1]+`"`) || !strings.Contains(p.text, `value="`+boxes[0][1]+`"`) {
		t.Errorf("what stands there is offered again: %.2000s", p.main())
	}
	for path, field := range map[string]string{"/console/activities/new/import": "query.role", "/console/activities/new/new": "entry.role"} {
		if p := s.get(path); !strings.Contains(p.text, `<select id="f-`+strings.ReplaceAll(field, ".", "-")) {
			t.Errorf("%s asks for the role as free text: %.2000s", path, p.main())
		}
	}
}

// TestConsoleErasureAskedByWhom: who is about to erase a person is told that the erasure
// was asked for by somebody who is not verified, and no more once that is done.
func TestConsoleErasureAskedByWhom(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	person := s.real["/v1/subjects/"]
	erase, says := "/console/people/"+person+"/erase", "who asks is not verified"
	s.saysNot(s.get(erase), says)
	at := s.asks("erasure", 1)
	s.says(s.get(erase), says)
	s.sends(at+"/verify", at+"/verify", url.Values{"means": {"known_address"}, "subject_id": {person}})
	s.saysNot(s.get(erase), says)
}
