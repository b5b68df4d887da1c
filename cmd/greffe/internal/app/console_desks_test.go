package app

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// twoPersons publishes a policy under which giving access takes two.
func (s *consoleSite) twoPersons() {
	s.Helper()
	text := string(s.open.Ledger.PolicySource()) + "\napprovals: [{act: grant}, {act: hold_release}]\n"
	_, _, err := s.open.Ledger.PublishPolicy(s.Context(), domain.ID{1}, []byte(text))
	s.ok(err)
	s.ok(s.open.CaughtUp(s.Context()))
}

// reads is a page that says some texts.
func (s *consoleSite) reads(at string, texts ...string) shownPage {
	s.Helper()
	p := s.get(at)
	s.says(p, texts...)
	return p
}

// as goes on with a session that was begun before.
func (s *consoleSite) as(cookies map[string]string) {
	s.cookies = map[string]string{}
	for k, v := range cookies {
		s.cookies[k] = v
	}
}

// TestConsoleBreach: the clock counts hours, the page puts first what comes next, and a
// notification after the time limit takes its reasons.
func TestConsoleBreach(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	const open = "/console/breaches/new/open"
	if p := s.get(open); strings.Contains(p.text, `name="form.measures.taken"`) || !strings.Contains(p.text, `name="form.nature.facts"`) {
		t.Errorf("opening asks for more, or less, than is known first: %d", p.status)
	}
	aware := s.now.read().Add(-72*time.Hour + 5*time.Minute + 30*time.Second).UTC().Format(time.RFC3339)
	p := s.send(http.MethodPost, open, s.filled(open, url.Values{"aware_at": {aware}, "form.nature.nature": {"confidentiality"}, "form.nature.facts": {"<b>lost</b>"}}), nil)
	if p.status != http.StatusSeeOther || len(s.facts(event.BreachOpened)) != 1 {
		t.Fatalf("opening: %d %.600s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	at := strings.Split(p.to, "?")[0]
	s.reads(at, "5 minutes left", "Decide on the risk", "<b>lost</b>", "weekends and holidays included")
	s.reads("/console/breaches", "Loss of confidentiality", "5 minutes left")
	send := func(step string, typed url.Values) shownPage {
		t.Helper()
		p := s.send(http.MethodPost, at+"/"+step, s.filled(at+"/"+step, typed), nil)
		s.ok(s.open.CaughtUp(t.Context()))
		return p
	}
	send("assessment", url.Values{"likelihood": {"significant"}, "severity": {"significant"}, "reasoning": {"r"}})
	s.reads(at, "Notify the authority, then record it", "Greffe sends nothing")
	s.now.pass(11 * time.Minute)
	s.reads(at, "5 minutes over", "give the reasons for the delay")
	sent := s.now.read().UTC().Format(time.RFC3339)
	if p := send("notifications", url.Values{"kind": {"initial"}, "sent_at": {sent}}); p.status < 400 || len(s.facts(event.BreachNotified)) != 0 {
		t.Errorf("late without reasons: %d", p.status)
	}
	send("notifications", url.Values{"kind": {"initial"}, "sent_at": {sent}, "late_reasons": {"found late"}})
	if len(s.facts(event.BreachNotified)) != 1 {
		t.Error("it was not notified")
	}
	s.reads(at, "Complementary notification (art. 33(4))", "found late", "complement due (art. 33(4))", "Tell the persons, then record it", "Greffe will write the text once the form says", "none recorded: to be documented (art. 33(5))",
		"The file cannot be closed yet. There lacks: the notification to the authority")
	if p := s.get(at); strings.Contains(p.text, at+"/letter/file") || strings.Contains(p.text, at+"/close") || s.get(at+"/letter/file").status != http.StatusConflict {
		t.Errorf("what the state does not allow is offered: %.2500s", p.main())
	}
	send("communications", url.Values{"channel": {"email"}, "persons": {"2"}, "sent_at": {sent}, "text": {"told"}})
	s.reads(at, "Complete the notification to the authority", "its complement is expected by", "First establish what the form still lacks: Organisation", "others, listed on this page")
	send("actions", url.Values{"kind": {"containment"}, "item": {"flow_stopped"}, "due": {s.now.read().Add(time.Hour).UTC().Format(time.RFC3339)}})
	s.reads(at, "Stop the flow, access or publication", "Say what became of it")
	s.signIn("agent")
	if p := s.get(at); p.status != http.StatusForbidden {
		t.Errorf("an agent sees a breach: %d", p.status)
	}
}

// TestConsoleApproval: who may not decide asks and is led to what they asked; another is
// told what exactly is asked, and agrees; then it is sent once, as it was.
func TestConsoleApproval(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.twoPersons()
	s.signIn("admin")
	s.because("maintenance")
	const at = "/console/accounts/new/new"
	typed := s.filled(at, url.Values{"kind": {"person"}, "label": {"Paul Zqnew"}, "login": {"paul"}, "roles": {"agent"}, "invite": {"true"}})
	p := s.send(http.MethodPost, at, typed, nil)
	if !strings.Contains(p.text, `name="approval"`) {
		t.Fatalf("no agreement is asked for: %d %.800s", p.status, p.text)
	}
	for _, m := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		typed.Set(m[1], m[2])
	}
	typed.Set("approval", "request")
	p = s.send(http.MethodPost, at, typed, nil)
	s.ok(s.open.CaughtUp(t.Context()))
	own, _, _ := strings.Cut(p.to, "?")
	if !strings.HasPrefix(own, "/console/asked/") || len(s.facts(event.ApprovalRequested)) != 1 {
		t.Fatalf("asking: %d %s", p.status, p.to)
	}
	s.reads(own, "Another person has to decide", "Paul Zqnew")
	s.reads("/console/asked", "Giving access or roles", "waiting")
	admin := map[string]string{}
	for k, v := range s.cookies {
		admin[k] = v
	}
	s.signIn("dpo")
	s.because("rights_request")
	if p := s.get(own); p.status != http.StatusNotFound {
		t.Errorf("somebody else's: %d", p.status)
	}
	desk := strings.Replace(own, "asked", "approvals", 1)
	s.reads("/console/approvals", "Giving access or roles", "Waiting for your decision")
	s.reads(desk, "Make an account", "Paul Zqnew", "receives new rights", "See what these roles allow")
	if p := s.send(http.MethodPost, desk+"/decide", s.filled(desk, url.Values{"decision": {"grant"}, "note": {"seen"}}), nil); p.status != http.StatusSeeOther || len(s.facts(event.ApprovalDecided)) != 1 {
		t.Fatalf("deciding: %d %.600s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	s.as(admin)
	before := len(s.facts(event.AccountCreated))
	form := s.filled(own, url.Values{})
	p = s.send(http.MethodPost, own, form, nil)
	if p.status != http.StatusOK || !strings.Contains(p.text, "What follows is shown once") || len(s.facts(event.AccountCreated)) != before+1 {
		t.Errorf("carried out: %d %.900s", p.status, p.text)
	}
	s.send(http.MethodPost, own, form, nil)
	if n := len(s.facts(event.AccountCreated)); n != before+1 || len(s.facts(event.ApprovalUsed)) != 1 {
		t.Errorf("%d accounts, %d uses", n-before, len(s.facts(event.ApprovalUsed)))
	}
	s.ok(s.open.CaughtUp(t.Context()))
	s.reads(own, "carried out")
}

// TestConsolePolicyWords: what a text changes is told in words with what follows, and who
// has to agree; a version may wait for its date, and be given up.
func TestConsolePolicyWords(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.twoPersons()
	s.signIn("dpo")
	s.because("rights_request")
	const at = "/console/policy/new/compare"
	now := string(s.open.Ledger.PolicySource())
	text := strings.Replace(strings.Replace(now, "acknowledges: false", "acknowledges: true", 1), "breaches.read, retention.read,", "breaches.read, retention.read, reviews.write,", 1)
	p := s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {text}}), nil)
	for _, want := range []string{"Mailing tool", "<del>no</del>", "<ins>yes</ins>", "Roles and permissions", "Takes effect on publication", "you may publish alone"} {
		if !strings.Contains(p.text, want) {
			t.Errorf("a change does not say %q: %.3000s", want, p.text)
		}
	}
	p = s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {strings.Replace(now, "{act: hold_release}", "{act: bulk_export}", 1)}}), nil)
	for _, want := range []string{"A second person’s agreement is needed", "Release of a hold", "<del>two persons</del>"} {
		if !strings.Contains(p.text, want) {
			t.Errorf("a looser rule does not say %q: %.3000s", want, p.text)
		}
	}
	_, version := s.open.Ledger.Policy()
	p = s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {text}}), nil)
	typed := url.Values{"raw": {text}, "query.effective_at": {s.now.read().Add(48 * time.Hour).UTC().Format(time.RFC3339)}}
	for _, m := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		typed.Set(m[1], m[2])
	}
	p = s.send(http.MethodPost, "/console/policy/new/publish", typed, nil)
	s.ok(s.open.CaughtUp(t.Context()))
	if _, after := s.open.Ledger.Policy(); p.status != http.StatusSeeOther || after != version || len(s.facts(event.PolicyScheduled)) != 1 {
		t.Fatalf("scheduling: %d, version %d %.600s", p.status, after, p.text)
	}
	page := s.reads("/console/policy", "A version comes into force on", "in 2 days")
	give := page.text[strings.Index(page.text, `action="/console/policy/`)+8:]
	give = give[:strings.Index(give, `"`)]
	if p := s.send(http.MethodPost, give, s.filled("/console/policy", url.Values{}), nil); p.status != http.StatusSeeOther {
		t.Errorf("giving it up: %d %.600s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if p := s.get("/console/policy"); strings.Contains(p.text, "A version comes into force on") {
		t.Error("it still waits")
	}
	s.reads("/console/policy/2", "Agreement of two persons", "two persons")
}

// TestConsoleOperations: health, keys and backups say how they stand and what to do; a
// token is told once with its use, shown alone, and revoked.
func TestConsoleOperations(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("admin")
	s.because("maintenance")
	s.reads("/console/health", "The service answers everything", "Persons’ files", "up to date")
	s.reads("/console/keys", "in use", "wrapped under it", "Escrow shares")
	s.reads("/console/backups", "Restore a backup")
	s.reads("/console/recipients", "Mailing tool", "Dialer")
	if p := s.send(http.MethodPost, "/console/keys/new/rotate", s.filled("/console/keys", url.Values{}), nil); p.status != http.StatusConflict || !strings.Contains(p.text, "--backup-dir") {
		t.Errorf("a rotation without a place for its backup: %d %.600s", p.status, p.text)
	}
	const at = "/console/tokens/new/new"
	p := s.send(http.MethodPost, at, s.filled(at, url.Values{"label": {"Web"}, "roles": {"service"}, "sources": {"web/fr"}}), nil)
	if !strings.Contains(p.text, "greffe_") || !strings.Contains(p.text, "Keep it in a secret store") {
		t.Fatalf("a token: %d %.800s", p.status, p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	list := s.reads("/console/tokens", "Web")
	m := regexp.MustCompile(`href="(/console/tokens/[^"]+)">Web`).FindStringSubmatch(list.text)
	if m == nil {
		t.Fatalf("no way to the token: %.2000s", list.text)
	}
	one := m[1]
	s.reads(one, "Web", "Revoke")
	if p := s.send(http.MethodPost, one+"/revoke", s.filled(one+"/revoke", url.Values{}), nil); p.status != http.StatusSeeOther || len(s.facts(event.AccountTokenEnded)) != 1 {
		t.Errorf("revoking: %d %.600s", p.status, p.text)
	}
	s.signIn("dpo")
	s.because("rights_request")
	s.reads("/console/minimisation", "No audit was made")
	if p := s.send(http.MethodPost, "/console/minimisation/new/run", s.filled("/console/minimisation", url.Values{}), nil); p.status != http.StatusSeeOther {
		t.Errorf("an audit: %d %.500s", p.status, p.text)
	}
	s.reads("/console/contested", "No source sends an erased person")
}
