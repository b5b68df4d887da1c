package app

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleReceipt: who may record a request and not read it is shown what was recorded,
// with its number and its date, and no error; sending it again leads there and records
// nothing; another session is not shown it.
func TestConsoleReceipt(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("agent")
	s.because("rights_request")
	person := s.real["/v1/subjects/"]
	const at = "/console/requests/new/new"
	form := s.formAt(s.get(at), at, url.Values{"right": {"access"}, "channel": {"phone"}, "subject_id": {person}})
	led := s.send(http.MethodPost, at, form, nil)
	if !regexp.MustCompile(`^/console/recorded/[0-9a-f]{32}$`).MatchString(led.to) {
		t.Fatalf("%d leads to %q", led.status, led.to)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	facts := s.facts(event.RequestReceived)
	p := s.get(led.to)
	if p.status != http.StatusOK || len(facts) != 1 {
		t.Fatalf("%d, %d requests", p.status, len(facts))
	}
	s.says(p, "It is recorded. Do not enter it a second time.", facts[0].ID.String(), "answers it by the date below", "Due", "Position")
	s.saysNot(p, "requests.read", "missing")
	if !strings.Contains(p.text, `href="/console/people/`+person+`"`) {
		t.Error("there is no way back to the person")
	}
	if again := s.send(http.MethodPost, at, form, nil); again.to != led.to || len(s.facts(event.RequestReceived)) != 1 {
		t.Errorf("sent again: to %q, %d requests", again.to, len(s.facts(event.RequestReceived)))
	}
	s.signIn("dpo")
	if p := s.get(led.to); p.status != http.StatusNotFound || strings.Contains(p.text, facts[0].ID.String()) {
		t.Errorf("another is shown it: %d", p.status)
	} else {
		s.says(p, "What was recorded stays recorded")
	}
	s.because("rights_request")
	if led := s.send(http.MethodPost, at, s.formAt(s.get(at), at, url.Values{"right": {"access"}, "channel": {"phone"}, "subject_id": {person}}), nil); !strings.HasPrefix(led.to, "/console/requests/") {
		t.Errorf("who may read it is led to %q", led.to)
	}
}

// TestConsoleObjection: an objection is recorded as it was said: against one means it
// binds that and no other, at once, and its file says so; against all it binds all. A
// form that contradicts itself records nothing.
func TestConsoleObjection(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("agent")
	s.because("customer_call")
	person := s.real["/v1/subjects/"]
	at := "/console/objections/" + person
	if p := s.get("/console/people/" + person); !strings.Contains(p.text, `href="`+at+`"`) {
		t.Fatalf("the person's page offers no objection: %.1500s", p.main())
	}
	for _, bad := range []url.Values{{"extent": {"all"}, "channels": {"phone"}, "channel": {"phone"}}, {"extent": {"some"}, "channel": {"phone"}}, {"extent": {"all"}, "purpose": {"prospecting"}, "channel": {"phone"}}} {
		if p := s.send(http.MethodPost, at, s.formAt(s.get(at), at, bad), nil); p.status != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, p.status)
		} else if s.says(p, "Say whether the objection is to all prospecting"); bad.Get("channels") != "" && !strings.Contains(p.text, `value="phone" checked`) {
			t.Error("what was ticked is lost")
		}
	}
	if n := len(s.facts(event.RequestReceived)); n != 0 {
		t.Fatalf("%d requests of forms that contradict themselves", n)
	}
	p := s.sends(at, at, url.Values{"extent": {"some"}, "channels": {"phone"}, "channel": {"phone"}, "message": {"Zqdo not call me"}})
	s.says(p, "It is recorded", "Objects to", "all prospecting, Phone", "and nothing else")
	f := s.facts(event.RequestReceived)
	if len(f) != 1 || f[0].Subject.String() != person || !slices.Equal(f[0].Codes.Strings("channels"), []string{"phone"}) || f[0].Codes.String("purpose") != "" || f[0].Codes.String("right") != "objection" {
		t.Fatalf("recorded: %+v", f)
	}
	if n := len(s.facts(event.OppositionRegistered)); n != 0 {
		t.Errorf("%d objections besides: one of them is wider", n)
	}
	bound := func(channel string) bool {
		const where = "/console/contactability"
		p := s.send(http.MethodPost, where, s.filled(where, url.Values{"whom": {person}, "channel": {channel}, "purpose": {"prospecting"}}), nil)
		if p.status != http.StatusOK {
			t.Fatalf("%s: %d %.800s", channel, p.status, p.main())
		}
		return strings.Contains(p.main(), "opposition.")
	}
	if !bound("phone") || bound("email") || bound("sms") {
		t.Errorf("an objection to calls binds calls: %t, e-mail: %t, text messages: %t", bound("phone"), bound("email"), bound("sms"))
	}
	s.signIn("dpo")
	s.because("rights_request")
	file := s.get("/console/requests/" + f[0].ID.String())
	s.says(file, "all prospecting, Phone", "Zqdo not call me", "Taken in by a member of staff")
	s.saysNot(file, "does not know")
	s.sends(at, at, url.Values{"extent": {"all"}, "channel": {"email"}})
	if !bound("email") || !bound("sms") {
		t.Error("an objection to all leaves a means free")
	}
}

var (
	foreseenTable = regexp.MustCompile(`(?s)<h3>Destroyed</h3>.*?<tbody>(.*?)</tbody>`)
	destroyedAt   = regexp.MustCompile(`(?s)<h2>What was destroyed</h2>.*?<tbody>(.*?)</tbody>`)
	foreseenKept  = regexp.MustCompile(`(?s)<h3>Kept, and why</h3>.*?<tbody>(.*?)</tbody>`)
	keptAt        = regexp.MustCompile(`(?s)<h2>What the law has the controller keep.*?<tbody>(.*?)</tbody>`)
)

// TestConsoleErasureOfRequest: an erasure that a request asks for names the person, is
// confirmed, does what was foreseen in the same words, and is known to the request, whose
// answer takes its certificate.
func TestConsoleErasureOfRequest(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	request := s.asks("erasure", 3)
	s.sends(request+"/verify", request+"/verify", url.Values{"means": {"known_address"}, "subject_id": {s.real["/v1/subjects/"]}})
	s.says(s.get(request+"/answer"), "No erasure was ordered for this person")
	at := "/console/people/" + s.real["/v1/subjects/"] + "/erase"
	seen := s.get(at)
	s.says(seen, "Erasure of ", "I have read what will be destroyed", "Identity confirmed just now")
	if p := s.send(http.MethodPost, at, s.formAt(seen, at, url.Values{"ground": {"art17.1.b"}, "reason": {"Zqtyped"}}), nil); p.status != http.StatusBadRequest || !strings.Contains(p.text, "Zqtyped") || len(s.facts(event.ErasureOrdered)) != 0 {
		t.Fatalf("not confirmed: %d, %d orders", p.status, len(s.facts(event.ErasureOrdered)))
	} else {
		s.says(p, "The erasure was not confirmed")
	}
	done := s.sends(at, at, url.Values{"ground": {"art17.1.b"}, "understood": {"yes"}})
	for name, pair := range map[string][2]*regexp.Regexp{"destroyed": {foreseenTable, destroyedAt}, "kept": {foreseenKept, keptAt}} {
		want, got := pair[0].FindStringSubmatch(seen.text), pair[1].FindStringSubmatch(done.text)
		if want == nil || got == nil || want[1] != got[1] {
			t.Errorf("%s: foreseen %q, done %q", name, want, got)
		}
	}
	s.says(done, "Classes without any data", "Recruitment", "Trace of the erasure")
	s.saysNot(done, "Nothing was kept", "An erasure on its way")
	if strings.Contains(done.main(), "Message ready, not yet confirmed") != strings.Contains(done.main(), "it waits until the recipient reads or gets it") {
		t.Errorf("what a message that is ready waits for is not said beside it: %.3000s", done.main())
	}
	told := regexp.MustCompile(`Recipients who would be told \(art\. 19\): ([^.]+)\.(?: Have nothing to erase[^:]+: ([^.]+)\.)?`).FindStringSubmatch(seen.main())
	if told == nil {
		t.Fatalf("nobody would be told: %.1500s", seen.main())
	}
	if n := strings.Count(done.main(), "Greffe disclosed no data of this person to it"); (told[2] == "") != (n == 0) || n != len(strings.FieldsFunc(told[2], func(r rune) bool { return r == ',' })) {
		t.Errorf("foreseen %q, %d are said to have nothing", told, n)
	}
	erased := s.facts(event.SubjectErased)
	if len(erased) != 1 {
		t.Fatalf("%d certificates", len(erased))
	}
	p := s.get(request)
	s.says(p, "Erasure ordered for this request", "the whole person", "Certificate", "Erased")
	s.saysNot(p, "See what the erasure would destroy")
	form := s.get(request + "/answer")
	if !strings.Contains(form.text, erased[0].ID.String()) || !strings.Contains(form.text, `<option value="granted" selected>`) {
		t.Errorf("the answer does not take the certificate: %.2000s", form.main())
	}
	s.sends(request+"/answer", request+"/answer", url.Values{"outcome": {"granted"}, "words": {"Zqdone"}, "certificates": {erased[0].ID.String()}})
	if f := s.facts(event.RequestAnswered); len(f) != 1 || !slices.Equal(f[0].Codes.Strings("certificates"), []string{erased[0].ID.String()}) {
		t.Errorf("answered: %+v", f)
	}
}
