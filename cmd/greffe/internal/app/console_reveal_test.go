package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
)

// veiled is a person of whom support is shown the birth date and the amounts masked.
var veiled = []string{
	`{"specversion":"1.0","id":"rv1","source":"crm/eu","type":"contact.created","subject":"RV-1","time":"2026-01-05T10:00:00Z","data":{"kind":"client",
		"person":{"given_name":"Zqveiled","birth_date":"1983-05-21","emails":["zqveiled@example.org"]},"collection":{"channel":"phone","purposes":["customer_service","contract"]}}}`,
	`{"specversion":"1.0","id":"rv2","source":"crm/eu","type":"contract.started","subject":"RV-1","time":"2026-01-06T10:00:00Z","data":{"reference":"ZQRV","object":"x","amount_cents":7654329}}`,
}

// body is a page below its heading, as it is written.
func (p shownPage) body() string {
	_, text, _ := strings.Cut(p.text, "<h1>")
	return text
}

// reveals are the accesses that showed something in clear, each as its reason and groups.
func (s *consoleSite) reveals() (out []string) {
	s.Helper()
	for _, f := range s.facts(event.AccessRecorded) {
		if f.Codes.String("action") == event.Reveals {
			out = append(out, f.Codes.String("reason")+" "+strings.Join(f.Codes.Strings(event.Revealed), ","))
		}
	}
	return out
}

// TestConsoleReveal: support is shown a mask with a button; the form asks for the reason
// and shows what was ticked, once, with a note; the page loaded anew masks; the access
// names the groups, and stands so in the lists. Nothing by an address, nothing more than
// the policy says, nothing without a reason or a box.
func TestConsoleReveal(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := record(t, s.open, veiled...)[0].Subject.String()
	s.ok(s.open.CaughtUp(t.Context()))
	page, at := "/console/people/"+id, "/console/reveal/"+id
	s.signIn("support")
	s.because("customer_call")
	const clear, amount = `datetime="1983-05-21"`, "76,543.29"
	p := s.get(page).body()
	if strings.Contains(p, clear) || strings.Contains(p, amount) || !strings.Contains(p, `href="#reveal"`) || !strings.Contains(p, "Show in clear") ||
		!strings.Contains(p, `value="customer_call" selected`) || !strings.Contains(p, `value="birth"`) || !strings.Contains(p, `value="amounts"`) || strings.Contains(p, `value="email"`) {
		t.Fatalf("what is offered: %s", p)
	}
	form := s.numbered(page, at, url.Values{"group": {"birth"}, "reason": {"support_ticket"}, "ticket": {"T-77"}})
	got := s.send(http.MethodPost, at, form, nil)
	if p := got.body(); got.status != http.StatusOK || !strings.Contains(p, clear) || strings.Contains(p, amount) || !strings.Contains(p, "Shown in clear, once") ||
		!strings.Contains(p, "Support ticket (T-77)") || !strings.Contains(p, "recorded in the ledger") || strings.Contains(p, `value="birth"`) || !strings.Contains(p, `value="amounts"`) {
		t.Errorf("in clear: %d %s", got.status, p)
	}
	if h := got.header.Get("Cache-Control"); h != "no-store" {
		t.Errorf("the page may be kept: %s", h)
	}
	if again := s.send(http.MethodPost, at, form, nil); again.status != http.StatusSeeOther || again.to != page {
		t.Errorf("sent again: %d to %q", again.status, again.to)
	}
	if address := s.get(at); address.status != http.StatusSeeOther || address.to != page {
		t.Errorf("the address alone: %d to %q", address.status, address.to)
	}
	if p := s.get(page).body(); strings.Contains(p, clear) || !strings.Contains(p, `value="customer_call" selected`) {
		t.Errorf("the page after it: %s", p)
	}
	if got := s.reveals(); !slices.Equal(got, []string{"support_ticket birth"}) {
		t.Errorf("recorded %q", got)
	}
	s.notRevealed(page, at, clear)
	s.signIn("dpo")
	s.because("audit")
	s.ok(s.open.CaughtUp(t.Context()))
	for _, path := range []string{page + "?tab=accesses", "/console/reads?period=all&action=reveal"} {
		if p := s.get(path).body(); strings.Count(p, "Shown in clear on request: Date of birth") != 1 {
			t.Errorf("%s does not tell it: %s", path, p)
		}
	}
	if p := s.get(page).body(); strings.Contains(p, "reveal") || !strings.Contains(p, clear) {
		t.Errorf("who is shown everything is asked: %s", p)
	}
}

// notRevealed: forms that show nothing in clear, and what they say.
func (s *consoleSite) notRevealed(page, at, clear string) {
	s.Helper()
	before := s.reveals()
	for name, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no box":         {url.Values{"reason": {"customer_call"}}, 400, "Tick at least one group"},
		"no reason":      {url.Values{"group": {"birth"}, "reason": {""}}, 400, "Choose the reason"},
		"another's":      {url.Values{"group": {"birth"}, "reason": {"audit"}}, 400, "Choose the reason"},
		"no ticket":      {url.Values{"group": {"birth"}, "reason": {"support_ticket"}}, 400, "needs the reference of a case"},
		"an unknown one": {url.Values{"group": {"shoes"}, "reason": {"customer_call"}}, 400, "role=\"alert\""},
		"nothing held":   {url.Values{"group": {"comments", "names", "birth"}, "reason": {"customer_call"}, "tab": {"history"}}, 403, "role=\"alert\""},
	} {
		got := s.send(http.MethodPost, at, s.numbered(page, at, c.form), nil)
		if got.status != c.status || !strings.Contains(got.body(), c.says) || strings.Contains(got.body(), clear) {
			s.Errorf("%s: %d, not %q: %s", name, got.status, c.says, got.body())
		}
	}
	if forged := s.send(http.MethodPost, at, url.Values{"group": {"birth"}, "reason": {"customer_call"}}, nil); forged.status != http.StatusForbidden {
		s.Errorf("without the page's number: %d", forged.status)
	}
	if got := s.reveals(); !slices.Equal(got, before) {
		s.Errorf("recorded %q", got)
	}
}

// TestConsoleRevealInHistory: where a role may read the history, what it masks there is
// asked for in the same way, of that part of the page alone.
func TestConsoleRevealInHistory(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	text := strings.Replace(string(deploy.Policy()), "permissions: [subjects.search, subjects.read, contactability.check, notices.read, requests.write]\n    classes: [identity, contact_details, commercial, contract, billing, notes]\n    purposes: [customer_service",
		"permissions: [subjects.search, subjects.read, subjects.history]\n    classes: [identity, contact_details, commercial, contract, billing, notes]\n    purposes: [customer_service", 1)
	_, _, err := s.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(text))
	s.ok(err)
	s.ok(s.open.CaughtUp(t.Context()))
	id := record(t, s.open, veiled...)[0].Subject.String()
	s.ok(s.open.CaughtUp(t.Context()))
	page, at := "/console/people/"+id+"?tab=history", "/console/reveal/"+id
	s.signIn("support")
	s.because("customer_call")
	if p := s.get(page).body(); strings.Contains(p, "76,543.29") || !strings.Contains(p, `value="amounts"`) {
		t.Fatalf("what is offered: %s", p)
	}
	got := s.send(http.MethodPost, at, s.numbered(page, at, url.Values{"group": {"amounts"}, "reason": {"customer_call"}, "tab": {"history"}}), nil)
	if p := got.body(); got.status != http.StatusOK || !strings.Contains(p, "76,543.29") || strings.Contains(p, "1983-05-21") || !strings.Contains(p, "Shown in clear, once") {
		t.Errorf("in clear: %d %s", got.status, p)
	}
	if got := s.reveals(); !slices.Equal(got, []string{"customer_call amounts"}) {
		t.Errorf("recorded %q", got)
	}
}
