package app

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
)

var (
	formOf    = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)".*?</form>`)
	hiddenAll = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// formAt is the form of a page that is sent to an address: its hidden fields, and what a
// person types besides.
func (s *consoleSite) formAt(p shownPage, action string, typed url.Values) url.Values {
	s.Helper()
	for _, f := range formOf.FindAllStringSubmatch(p.text, -1) {
		if html.UnescapeString(f[1]) != action {
			continue
		}
		out := url.Values{}
		for _, m := range hiddenAll.FindAllStringSubmatch(f[0], -1) {
			out.Set(m[1], html.UnescapeString(m[2]))
		}
		for name, v := range typed {
			out[name] = v
		}
		return out
	}
	s.Fatalf("no form is sent to %s: %d\n%.3000s", action, p.status, p.text)
	return nil
}

// sends sends the form of a page, and expects to be led on.
func (s *consoleSite) sends(at, action string, typed url.Values) shownPage {
	s.Helper()
	p := s.send(http.MethodPost, action, s.formAt(s.get(at), action, typed), nil)
	if p.status != http.StatusSeeOther {
		s.Fatalf("%s: %d\n%.2500s", action, p.status, p.main())
	}
	s.ok(s.open.CaughtUp(s.Context()))
	return s.get(p.to)
}

// main is the text of a page's main part, without its markup.
func (p shownPage) main() string {
	_, text, _ := strings.Cut(p.text, "<main")
	text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

func (s *consoleSite) says(p shownPage, texts ...string) {
	s.Helper()
	for _, want := range texts {
		if !strings.Contains(p.main(), want) {
			s.Errorf("the page does not say %q:\n%.2500s", want, p.main())
		}
	}
}

func (s *consoleSite) saysNot(p shownPage, texts ...string) {
	s.Helper()
	for _, not := range texts {
		if strings.Contains(p.main(), not) {
			s.Errorf("the page says %q:\n%.2500s", not, p.main())
		}
	}
}

// asks takes in a request of the site's person, and returns its page's address.
func (s *consoleSite) asks(right string, days int) string {
	s.Helper()
	at := "/console/requests/new/new"
	p := s.send(http.MethodPost, at, s.formAt(s.get(at), at, url.Values{"right": {right}, "channel": {"postal"}, "subject_id": {s.real["/v1/subjects/"]},
		"received_at": {s.now.read().AddDate(0, 0, -days).UTC().Format(time.RFC3339)}, "message": {"Zqkanarymessage"}}), nil)
	if p.status != http.StatusSeeOther {
		s.Fatalf("%d %.800s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(s.Context()))
	return strings.TrimSuffix(p.to, "?done=new")
}

// TestConsoleRequestWay: a request is worked to its end by what its page puts first;
// each state offers what it allows and nothing else, and each press leaves one fact.
func TestConsoleRequestWay(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	self := s.signIn("dpo")
	s.because("rights_request")
	at := s.asks("access", 3)
	p := s.get(at)
	s.says(p, "Access (art. 15), received", "days left", "To do: verify who asks", "Zqkanarymessage", "Assign to me", "How the time is counted", "Letter: acknowledgement", "Record the answer")
	s.saysNot(p, "Close", "Letter: refusal", "Letter: erasure", "Answer of article 15")
	if !strings.Contains(p.text, `<meter min="0"`) || strings.Contains(p.text, " style=") {
		t.Error("the time left is no meter")
	}
	person := s.real["/v1/subjects/"]
	for _, w := range []struct {
		act   string
		typed url.Values
		says  []string
		not   string
		fact  event.Type
	}{
		{"assign", nil, []string{"(you)"}, "Assign to me", event.RequestAssigned},
		{"verify", url.Values{"means": {"known_address"}, "subject_id": {person}}, []string{"To do: decide on the answer", "Address known before", "Answer of article 15"}, "request for proof", event.RequestVerified},
		{"notes", url.Values{"words": {"<b>Zqnoted</b>"}}, []string{"<b>Zqnoted</b>"}, "", event.RequestNoted},
		{"answer", url.Values{"outcome": {"granted"}, "words": {"Zqanswered"}}, []string{"To do: send the letter", "Zqanswered", "Letter: access", "Answer of article 15"}, "established anew", event.RequestAnswered},
		{"dispatch", url.Values{"of": {"answer"}, "by": {"post"}, "proof": {"RK 1"}}, []string{"To do: close the file", "RK 1", "established anew as of now: not the one that was sent"}, "days left", event.RequestDispatched},
		{"close", nil, []string{"Closed", "Add a note"}, "To do", event.RequestClosed},
	} {
		before, from := len(s.facts(w.fact)), at+"/"+w.act
		if w.typed == nil {
			from = at // one press, on the page itself
		}
		p := s.sends(from, at+"/"+w.act, w.typed)
		s.says(p, w.says...)
		if w.not != "" {
			s.saysNot(p, w.not)
		}
		if n := len(s.facts(w.fact)) - before; n != 1 {
			t.Errorf("%s left %d facts", w.act, n)
		}
	}
	if f := s.facts(event.RequestAssigned); f[0].Codes.ID("assignee") != self {
		t.Errorf("assigned to %s", f[0].Codes.ID("assignee"))
	}
	if p := s.get(at + "/answer"); !strings.Contains(p.main(), "This act is not possible") || strings.Contains(p.text, `name="outcome"`) {
		t.Errorf("a closed file offers an answer: %.1500s", p.main())
	}
}

// TestConsoleRequestTasks: systems are searched by one press, and each search ends by
// itself with its file.
func TestConsoleRequestTasks(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	at := s.asks("access", 3)
	p := s.sends(at, at+"/tasks", nil)
	tasked := s.facts(event.RequestTasked)
	s.says(p, "To do: end the searches", "Searches of the systems")
	if len(tasked) < 2 {
		t.Fatalf("%d tasks", len(tasked))
	}
	s.saysNot(p, "Record the answer")
	for _, f := range tasked {
		number := strconv.FormatInt(f.Codes.Int("task"), 10)
		end := strings.Replace(at, "/requests/", "/tasks/", 1) + "~" + number + "/end"
		p = s.sends(end, end, url.Values{"finding": {"found"}, "remark": {"Zqremark"}, "file.name": {"found.txt"}, "file.media": {"text/plain"}, "file.data": {"WnFmaWxlZmlsZQ=="}})
	}
	if n := len(s.facts(event.RequestSearched)); n != len(tasked) {
		t.Errorf("%d of %d searches ended", n, len(tasked))
	}
	s.says(p, "Zqremark", "found.txt", "To do: verify who asks")
	link := regexp.MustCompile(`href="(/console/requests/[^"]+/content)"`).FindStringSubmatch(p.text)
	if link == nil {
		t.Fatalf("no file to take: %.2000s", p.text)
	}
	if f := s.get(link[1]); f.status != http.StatusOK || f.text != "Zqfilefile" || !strings.Contains(f.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file: %d %q %s", f.status, f.text, f.header.Get("Content-Disposition"))
	}
}

// TestConsoleRequestMeanwhile: who sends a form of a state that is no more is shown what
// others did and what was typed, records nothing, and goes on from there.
func TestConsoleRequestMeanwhile(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	at := s.asks("access", 3)
	mine := s.get(at + "/verify")
	form := s.formAt(mine, at+"/verify", url.Values{"means": {"callback"}})
	s.sends(at+"/notes", at+"/notes", url.Values{"words": {"Zqcolleague was here"}})
	before := s.head()
	p := s.send(http.MethodPost, at+"/verify", form, nil)
	if p.status != http.StatusConflict {
		t.Errorf("a stale form: %d", p.status)
	}
	s.says(p, "Somebody else worked on this file", "Zqcolleague was here", "What you typed")
	if !strings.Contains(p.text, `<option value="callback" selected>`) {
		t.Error("what was typed is lost")
	}
	if n := len(s.facts(event.RequestVerified)); n != 0 || s.head() < before {
		t.Errorf("%d verifications", n)
	}
	again := s.send(http.MethodPost, at+"/verify", s.formAt(p, at+"/verify", url.Values{"means": {"callback"}, "subject_id": {s.real["/v1/subjects/"]}}), nil)
	if again.status != http.StatusSeeOther || len(s.facts(event.RequestVerified)) != 1 {
		t.Fatalf("sent again: %d\n%.2000s", again.status, again.text)
	}

	form = s.formAt(s.get(at+"/answer"), at+"/answer", url.Values{"outcome": {"granted"}, "words": {"Zqlongreply"}})
	s.sends(at+"/refuse", at+"/refuse", url.Values{"grounds": {"art12.5.excessive"}, "remedies": {"cnil", "court"}, "reasons": {"Zqreasons"}})
	p = s.send(http.MethodPost, at+"/answer", form, nil)
	s.says(p, "Somebody else worked on this file", "This act is not possible", "Zqreasons", "Zqlongreply", "Keep what I typed in a note")
	if strings.Contains(p.text, `name="outcome"`) || len(s.facts(event.RequestAnswered)) != 0 {
		t.Error("an answer to a refused request is offered or recorded")
	}
	kept := s.send(http.MethodPost, at+"/notes", s.formAt(p, at+"/notes", nil), nil)
	if kept.status != http.StatusSeeOther {
		t.Fatalf("kept: %d %.1000s", kept.status, kept.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	s.says(s.get(at), "Zqlongreply")
}

// TestConsoleRequestList: the most urgent stand first, and each list holds its own.
func TestConsoleRequestList(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	self := s.signIn("dpo")
	s.because("rights_request")
	fresh, late := s.asks("portability", 1), s.asks("access", 60)
	s.sends(late, late+"/assign", nil)
	order := func(path string) (out []string) {
		p := s.get(path)
		if p.status != http.StatusOK {
			t.Fatalf("%s: %d %.500s", path, p.status, p.text)
		}
		for _, m := range regexp.MustCompile(`<th scope="row"><a href="([^"]+)"`).FindAllStringSubmatch(p.text, -1) {
			if m[1] == fresh || m[1] == late {
				out = append(out, m[1])
			}
		}
		return out
	}
	for path, want := range map[string][]string{"": {late, fresh}, "?overdue=true": {late}, "?standing=open&assignee=" + self.String(): {late},
		"?standing=closed": nil, "?all=true": {late, fresh}, "?right=portability": {fresh}} {
		if got := order("/console/requests" + path); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q lists %v, want %v", path, got, want)
		}
	}
	s.says(s.get("/console/requests"), "days overdue", "days left", "(you)", "Mine")
	later := s.asks("access", 50)
	first := s.get("/console/requests?overdue=true&limit=1")
	next := regexp.MustCompile(`href="(/console/requests\?[^"]*cursor=[^"]*)"`).FindStringSubmatch(first.text)
	if next == nil {
		t.Fatal("no way to the second page of what is overdue")
	}
	s.now.pass(time.Minute)
	if p := s.get(html.UnescapeString(next[1])); p.status != http.StatusOK || !strings.Contains(p.text, later) || strings.Contains(p.text, late) {
		t.Errorf("the second page of what is overdue: %d", p.status)
	}
}

// TestConsoleErasure: what an erasure would do stands before its form, and is what the
// certificate then says; to look is a recorded access, and what is held is not offered.
func TestConsoleErasure(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	person := "/console/people/" + s.real["/v1/subjects/"]
	at := person + "/erase"
	before := len(s.facts(event.AccessRecorded))
	p := s.get(at)
	s.says(p, "What the erasure would do now", "The person would be erased", "Destroyed", "Identity", "Kept, and why", "Trace of the erasure", "Recipients who would be told")
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.facts(event.AccessRecorded)) - before; n != 3 {
		t.Errorf("a look at who it is, at what would go and at who asked for it left %d accesses", n)
	}
	partly := s.get(at + "?classes=notes")
	s.says(partly, "Partial erasure", "Left by your choice")
	if f := s.formAt(partly, at, nil); f.Get("classes") != "notes" {
		t.Errorf("the form orders %q", f["classes"])
	}

	hold := s.sends(person+"/hold", person+"/hold", url.Values{"code": {"litigation"}})
	p = s.get(at)
	s.says(p, "A hold or a restriction forbids the erasure", "Litigation")
	if strings.Contains(p.text, `name="ground"`) {
		t.Error("an erasure that is forbidden is offered")
	}
	release := regexp.MustCompile(`href="(/console/hold/[^"]+/release)"`).FindStringSubmatch(hold.text)
	if release == nil {
		t.Fatalf("no way to release: %.1500s", hold.main())
	}
	s.sends(release[1], release[1], nil)

	kept := regexp.MustCompile(`Kept, and why.*?Recipients`).FindString(s.get(at).main())
	done := s.sends(at, at, url.Values{"ground": {"art17.1.b"}, "reason": {"Zqletter"}, "understood": {"yes"}})
	o := s.facts(event.ErasureOrdered)
	if len(o) != 1 || !o[0].Codes.Bool("whole") {
		t.Fatalf("%d orders: %.800s", len(o), done.main())
	}
	for i, class := range o[0].Codes.Strings("kept") {
		if !strings.Contains(kept, map[string]string{"evidence": "Proof of consent", "billing": "Billing", "contract": "Contract", "requests": "Rights requests"}[class]) {
			t.Errorf("kept %s (%d), foreseen %s", class, i, kept)
		}
	}
	s.says(done, "Certificate to hand over")
	paper := regexp.MustCompile(`href="(/console/certificates/[^"]+/pdf/file)"`).FindStringSubmatch(done.text)
	if paper == nil {
		t.Fatalf("no certificate: %.2000s", done.main())
	}
	if f := s.get(paper[1]); f.status != http.StatusOK || !strings.HasPrefix(f.text, "%PDF-") {
		t.Errorf("the certificate: %d %.80q", f.status, f.text)
	}
	if p := s.get(at); strings.Contains(p.text, `name="ground"`) {
		t.Error("who was erased can be erased again")
	}
	gone := s.get(person)
	s.says(gone, "The person was erased", "The data were destroyed")
	if gone.status != http.StatusGone || !strings.Contains(gone.text, `href="/console/operations/`+o[0].ID.String()+`"`) {
		t.Errorf("%d: the page of who was erased leads to no certificate: %.900s", gone.status, gone.main())
	}
}

// TestConsoleHolds: the desk says what stands and in how many days it is looked at
// again; a restriction is lifted with the day on which the person was told; who ends what
// somebody else ended meanwhile is told so.
func TestConsoleHolds(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	subject := s.real["/v1/subjects/"]
	person := "/console/people/" + subject
	s.sends(person+"/hold", person+"/hold", url.Values{"code": {"litigation"}, "review_at": {s.now.read().AddDate(0, 0, 40).UTC().Format(time.RFC3339)}})
	s.sends(person+"/restrict", person+"/restrict", url.Values{"code": {"art18.1.a"}})
	list := s.get("/console/holds")
	s.says(list, "Litigation", "40 days left", "No review date", "Accuracy contested (art. 18(1)(a))", "Review due", "Ended")
	paths := map[string]string{}
	for _, m := range regexp.MustCompile(`href="(/console/(hold|restriction)/[^"]+/(?:release|lift))"`).FindAllStringSubmatch(list.text, -1) {
		if strings.Contains(m[1], subject) {
			paths[m[2]] = m[1]
		}
	}
	if len(paths) != 2 {
		t.Fatalf("ways to release: %v\n%.1500s", paths, list.main())
	}
	if p := s.send(http.MethodPost, paths["restriction"], s.formAt(s.get(paths["restriction"]), paths["restriction"], nil), nil); p.status < 400 {
		t.Errorf("lifted without telling the person: %d", p.status)
	}
	one := func(kind string) string {
		_, id, _ := strings.Cut(paths[kind], "~")
		return "/console/holds/" + id[:36]
	}
	p := s.get(one("hold"))
	s.says(p, "Hold: Litigation, 2 March 2026", "40 days left", "nothing of this person is destroyed", "Review", "Release")
	if s.saysNot(p, "Due No", "One item"); !strings.Contains(p.text, paths["hold"]) || !strings.Contains(p.text, one("hold")+"/review") || !strings.Contains(list.text, `href="`+one("hold")+`"`) {
		t.Errorf("a hold's page does not lead to its end: %.2000s", p.main())
	}
	s.says(s.get(one("restriction")), "No review date", "Before lifting it tell the person")
	s.now.pass(2 * time.Minute)
	s.sends(paths["restriction"], paths["restriction"], url.Values{"query.warned_at": {s.now.read().Add(-time.Minute).UTC().Format(time.RFC3339)}})
	if n := len(s.facts(event.RestrictionLifted)); n != 1 {
		t.Errorf("%d liftings", n)
	}
	stale := s.formAt(s.get(paths["hold"]), paths["hold"], nil)
	s.sends(paths["hold"], paths["hold"], nil)
	p = s.send(http.MethodPost, paths["hold"], stale, nil)
	s.says(p, "This hold or restriction has ended already", "Released")
	if n := len(s.facts(event.HoldReleased)); n != 1 || p.status < 400 {
		t.Errorf("%d releases, %d", n, p.status)
	}
	s.says(s.get("/console/holds?ended=true"), "Litigation")
	if p := s.get(one("hold")); !strings.Contains(p.main(), "Released") || strings.Contains(p.text, "/release\"") || strings.Contains(p.text, one("hold")+"/review") {
		t.Errorf("a hold that ended: %.2000s", p.main())
	}
	if p := s.get("/console/holds/" + subject); p.status != http.StatusNotFound {
		t.Errorf("what is no hold: %d", p.status)
	}
	if n := strings.Count(s.get("/console/holds?subject_id="+subject).text, "/release"); n != 0 {
		t.Errorf("%d are offered to be released", n)
	}
}
