package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// consoleSite is a ledger with one person, and a browser's memory of cookies.
type consoleSite struct {
	*rightsSite
	front   *httptest.Server
	cookies map[string]string
}

func openConsole(t *testing.T) *consoleSite {
	t.Helper()
	return openConsoleOf(t, openMatrix(t))
}

func openConsoleOf(t *testing.T, of *rightsSite) *consoleSite {
	t.Helper()
	s := &consoleSite{rightsSite: of, cookies: map[string]string{"greffe_language": "ZW4"}} // en
	s.front = httptest.NewServer(s.open.Front)
	t.Cleanup(s.front.Close)
	t.Cleanup(s.open.Front.EndStreams)
	s.ok(s.open.CaughtUp(t.Context()))
	return s
}

// signIn begins a session of a new account of a role.
func (s *consoleSite) signIn(role string) domain.ID {
	s.Helper()
	made, err := s.open.People.Create(s.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqstaff", Login: "u-" + role, Roles: []string{role}})
	s.ok(err)
	s.cookies[auth.CookieNameLocal] = s.enter(made.Account).Cookie
	delete(s.cookies, "greffe_reason")
	return made.Account
}

// because says why data of people is looked at.
func (s *consoleSite) because(reason string) {
	s.Helper()
	if r := s.send(http.MethodPost, "/console/reason", s.filled("/console", url.Values{"reason": {reason}, "ticket": {"T-1"}}), nil); r.status != http.StatusSeeOther {
		s.Fatalf("reason %s: %d", reason, r.status)
	}
}

type shownPage struct {
	status int
	text   string
	to     string
	header http.Header
}

func (s *consoleSite) send(method, path string, form url.Values, with map[string]string) shownPage {
	s.Helper()
	return s.sendBody(method, path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded", with)
}

func (s *consoleSite) sendBody(method, path string, body io.Reader, media string, with map[string]string) shownPage {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.front.URL+path, body)
	s.ok(err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", media)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, v := range s.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	for name, v := range with {
		req.Header.Set(name, v)
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	s.ok(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	s.ok(err)
	for _, k := range resp.Cookies() {
		s.cookies[k.Name] = k.Value
	}
	return shownPage{resp.StatusCode, string(b), resp.Header.Get("Location"), resp.Header}
}

func (s *consoleSite) get(path string) shownPage {
	s.Helper()
	return s.send(http.MethodGet, path, nil, nil)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="(csrf|number)" value="([^"]*)"`)

// filled is a form as the page at a path gives it, with what a person types.
func (s *consoleSite) filled(at string, typed url.Values) url.Values {
	s.Helper()
	p := s.get(at)
	for _, m := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		typed.Set(m[1], m[2])
	}
	if typed.Get("csrf") == "" {
		s.Fatalf("%s holds no form: %d %.600s", at, p.status, p.text)
	}
	return typed
}

// TestStartIsNoAccess: the start page counts what waits, before a reason is chosen and
// after, and nobody was looked at for it.
func TestStartIsNoAccess(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	p := s.get("/console")
	for _, desk := range []string{"quarantine", "watch", "due"} {
		if !strings.Contains(p.text, `<a href="/console/`+desk+`"><span class="title">`) {
			t.Errorf("before a reason is chosen the start page says nothing of %s", desk)
		}
	}
	s.because("audit")
	before := len(s.facts(event.AccessRecorded))
	s.get("/console")
	if n := len(s.facts(event.AccessRecorded)) - before; n != 0 {
		t.Errorf("the start page recorded %d accesses", n)
	}
}

// TestConsole: who has no session is led to sign in, a page about people asks for the
// reason first, shows the person, and its look is in the access journal.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	if p := s.get("/console/requests?standing=open"); p.status != http.StatusSeeOther || p.to != "/signin?next=%2Fconsole%2Frequests%3Fstanding%3Dopen" {
		t.Errorf("without a session: %d %s", p.status, p.to)
	}
	dpo := s.signIn("dpo")
	if p := s.get("/"); p.to != "/console" {
		t.Errorf("/ leads to %q", p.to)
	}
	person := "/console/people/" + s.real["/v1/subjects/"]
	if p := s.get(person); p.status != http.StatusBadRequest || !strings.Contains(p.text, "Why do you look") || strings.Contains(p.text, "Zqkanary") {
		t.Errorf("without a reason: %d %.300s", p.status, p.text)
	}
	s.because("audit")
	p := s.get(person)
	if p.status != http.StatusOK || !strings.Contains(p.text, "<h1>Zqkanary</h1>") || !strings.Contains(p.text, "zqkanary@example.org") {
		t.Errorf("the person: %d %.800s", p.status, p.text)
	}
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") || strings.Contains(p.text, "<script>") || strings.Contains(p.text, " style=") {
		t.Errorf("code within the page: %s", csp)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if p := s.get(person + "?tab=accesses"); !strings.Contains(p.text, "/console/accounts/"+dpo.String()) {
		t.Errorf("the look is not in the journal: %.2000s", p.text)
	}
	if p := s.get(person + "?tab=history"); !strings.Contains(p.text, "Contact created") && !strings.Contains(p.text, `"contact.created"`) {
		t.Errorf("the timeline: %.1500s", p.text)
	}
	found := s.send(http.MethodPost, "/console/people", s.filled("/console/people", url.Values{"by": {"email"}, "text": {"ZQKANARY@example.org"}}), nil)
	if found.status != http.StatusSeeOther || found.to != person {
		t.Errorf("search leads to %d %s", found.status, found.to)
	}
}

// TestConsoleRoles: every desk opens for whom the API opens it, and says why not to
// others; no role's page holds what the role may not see.
func TestConsoleRoles(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	for _, role := range []string{"dpo", "auditor", "agent", "admin", "security"} {
		s.signIn(role)
		if r := s.reasonOf(role); r != "" {
			s.because(strings.TrimSuffix(r, ":T-1"))
		}
		start := s.get("/console")
		if start.status != http.StatusOK {
			t.Fatalf("%s: %d %.500s", role, start.status, start.text)
		}
		links := regexp.MustCompile(`<a href="(/console/[a-z]+)"`).FindAllStringSubmatch(start.text, -1)
		if len(links) < 3 {
			t.Errorf("%s has a menu of %d", role, len(links))
		}
		for _, l := range links {
			p := s.get(l[1])
			if p.status != http.StatusOK {
				t.Errorf("%s is shown %s and gets %d: %.400s", role, l[1], p.status, p.text)
			}
			for _, bad := range []string{"[missing text]", "%!", "ZgotmplZ"} {
				if at := strings.Index(p.text, bad); at >= 0 {
					t.Errorf("%s of %s: %.120s", l[1], role, p.text[at:])
				}
			}
			if role == "admin" && strings.Contains(p.text, "Zqkanary") {
				t.Errorf("%s shows the administrator a person", l[1])
			}
		}
	}
	if p := s.get("/console/accounts"); p.status != http.StatusForbidden || !strings.Contains(p.text, "accounts.manage") {
		t.Errorf("the security role opens accounts: %d %.300s", p.status, p.text)
	}
}

// TestConsoleForms: a form is sent once, from its own page, and comes back with what was
// typed if the API refuses it.
func TestConsoleForms(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	at := "/console/requests/new/new"
	before := s.head()
	typed := s.filled(at, url.Values{"right": {"access"}, "channel": {"postal"}, "subject_id": {s.real["/v1/subjects/"]}, "message": {"<img src=x onerror=alert(1)>"}})
	for name, c := range map[string]struct {
		change func(url.Values)
		with   map[string]string
		want   int
	}{
		"another site":     {func(url.Values) {}, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, http.StatusForbidden},
		"a forged number":  {func(v url.Values) { v.Set("csrf", strings.Repeat("0", 64)) }, nil, http.StatusForbidden},
		"no form number":   {func(v url.Values) { v.Del("number") }, nil, http.StatusBadRequest},
		"an unknown right": {func(v url.Values) { v.Set("right", "flying") }, nil, http.StatusBadRequest},
	} {
		v := url.Values{}
		for k, x := range typed {
			v[k] = append([]string(nil), x...)
		}
		c.change(v)
		p := s.send(http.MethodPost, at, v, c.with)
		if p.status != c.want && !(name == "an unknown right" && p.status == http.StatusUnprocessableEntity) {
			t.Errorf("%s: %d %.500s", name, p.status, p.text)
		}
		if name == "an unknown right" && (!strings.Contains(p.text, "&lt;img src=x onerror=alert(1)&gt;") || strings.Contains(p.text, "<img")) {
			t.Errorf("what was typed does not come back as text: %.3000s", p.text)
		}
	}
	for _, f := range s.factsFrom(before) {
		if f.Type != event.AccessRecorded { // the form names its person
			t.Errorf("what was refused left %s", f.Type)
		}
	}
	first := s.send(http.MethodPost, at, typed, nil)
	if first.status != http.StatusSeeOther || !strings.HasPrefix(first.to, "/console/requests/") {
		t.Fatalf("sent: %d %s %.800s", first.status, first.to, first.text)
	}
	if again := s.send(http.MethodPost, at, typed, nil); again.status != http.StatusSeeOther || again.to != first.to {
		t.Errorf("sent twice: %d %s, before %s", again.status, again.to, first.to)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	shown := s.get(first.to)
	if shown.status != http.StatusOK || !strings.Contains(shown.text, "&lt;img src=x onerror=alert(1)&gt;") || strings.Contains(shown.text, "<img") {
		t.Errorf("the request: %d %.2000s", shown.status, shown.text)
	}
	if list := s.get("/console/requests"); strings.Count(list.text, `<th scope="row"><a href="/console/requests/`) != 1 {
		t.Errorf("one request was made, the list shows: %.2500s", list.text)
	}
}

// TestConsoleAgain: a grave act asks for password and code when the session is not
// fresh, and keeps what was typed meanwhile.
func TestConsoleAgain(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	at := "/console/people/" + s.real["/v1/subjects/"] + "/erase"
	typed := s.filled(at, url.Values{"ground": {"art17.1.b"}, "reason": {"asked by letter"}, "understood": {"yes"}})
	s.now.pass(10 * time.Minute)
	p := s.send(http.MethodPost, at, typed, nil)
	if p.status < 400 || !strings.Contains(p.text, `name="again.password"`) || !strings.Contains(p.text, `name="reason" value="asked by letter"`) {
		t.Errorf("an old session: %d %.1500s", p.status, p.text)
	}
	typed.Set("again.password", "Zqmistyped")
	typed.Set("again.code", "123456")
	p = s.send(http.MethodPost, at, typed, nil)
	if p.status != http.StatusForbidden || !strings.Contains(p.text, "is not yours") || !strings.Contains(p.text, `name="again.password"`) || !strings.Contains(p.text, `name="reason" value="asked by letter"`) {
		t.Errorf("mistyped: %d %s %.1500s", p.status, p.to, p.main())
	}
}

func (s *consoleSite) head() domain.Position {
	s.Helper()
	head, err := s.open.Ledger.Head(s.Context())
	s.ok(err)
	return head
}

// TestReasonInBetween: a search that was sent before a reason was chosen is carried out
// once it is, and what was typed is in no address.
func TestReasonInBetween(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	p := s.send(http.MethodPost, "/console/people", s.filled("/console/people", url.Values{"by": {"email"}, "text": {"zqkanary@example.org"}}), nil)
	if p.status != http.StatusBadRequest || !strings.Contains(p.text, `action="/console/people"`) || !strings.Contains(p.text, `<input type="hidden" name="text" value="zqkanary@example.org">`) {
		t.Fatalf("without a reason: %d %.2000s", p.status, p.text)
	}
	form := url.Values{"by": {"email"}, "text": {"zqkanary@example.org"}, "given_reason": {"nobodys"}, "given_ticket": {"T-1"}}
	if p := s.send(http.MethodPost, "/console/people", s.filled("/console/people", form), nil); p.status != http.StatusBadRequest || strings.Contains(p.header.Get("Set-Cookie"), "greffe_reason") {
		t.Errorf("with a reason that there is not: %d", p.status)
	}
	form.Set("given_reason", "audit")
	if p := s.send(http.MethodPost, "/console/people", form, nil); p.to != "/console/people/"+s.real["/v1/subjects/"] {
		t.Errorf("with a reason: %d %s %.600s", p.status, p.to, p.text)
	}
	if p := s.get("/console/people/" + s.real["/v1/subjects/"]); p.status != http.StatusOK {
		t.Errorf("the reason is not kept: %d", p.status)
	}
}
