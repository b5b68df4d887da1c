package app

import (
	"strings"
	"testing"
)

// TestConsoleNames: pages show who an account is to those who may see names of staff,
// and the role behind it to others; the showing is in the access journal.
func TestConsoleNames(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	dpo := s.signIn("dpo")
	s.because("audit")
	person := "/console/people/" + s.real["/v1/subjects/"]
	s.get(person)
	s.ok(s.open.CaughtUp(t.Context()))
	link := `href="/console/accounts/` + dpo.String() + `" title="` + dpo.String() + `">`
	if p := s.get(person + "?tab=accesses"); !strings.Contains(p.text, link+"Zqstaff</a>") {
		t.Errorf("the officer is shown %.3000s", p.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if p := s.get("/console/accounts/" + dpo.String()); p.status != 200 || !strings.Contains(p.text, "<h1>Zqstaff</h1>") || !strings.Contains(p.text, "/console/people/"+s.real["/v1/subjects/"]) {
		t.Errorf("the account: %d %.3000s", p.status, p.text)
	}
	s.signIn("auditor")
	s.because("audit")
	if p := s.get(person); p.status != 200 || !strings.Contains(p.text, "?tab=accesses") || strings.Contains(p.text, "zqkanary@example.org") {
		t.Errorf("a person to an auditor: %d %.3000s", p.status, p.text)
	}
	p := s.get(person + "?tab=accesses")
	if strings.Contains(p.text, "Zqstaff") || !strings.Contains(p.text, "Data protection officer "+dpo.String()[:8]) {
		t.Errorf("the auditor is shown %.9000s", p.text)
	}
	if p := s.get("/console/accounts/" + dpo.String()); p.status != 200 || strings.Contains(p.text, "Zqstaff") || !strings.Contains(p.text, "/console/people/"+s.real["/v1/subjects/"]) {
		t.Errorf("the account to an auditor: %d %.3000s", p.status, p.text)
	}
	s.signIn("agent")
	s.because("customer_call")
	if p := s.get("/console/accounts/" + dpo.String()); p.status != 403 {
		t.Errorf("the account to an agent: %d", p.status)
	}
}

// TestConsoleHabilitations: the matrix says what each role may and sees, and who holds it,
// as of the date that is asked for.
func TestConsoleHabilitations(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	dpo := s.signIn("dpo")
	s.because("audit")
	p := s.get("/console/habilitations")
	for _, want := range []string{`<th scope="col"><span>Data protection officer</span></th>`, `<td class="warn">Masked</td>`, `<td class="good">yes</td>`,
		`href="/console/accounts/` + dpo.String() + `">Zqstaff</a>`, `href="/console/habilitations/-/xlsx/file"`} {
		if !strings.Contains(p.text, want) {
			t.Errorf("the matrix lacks %s: %d %.500s", want, p.status, p.text)
		}
	}
	if p := s.get("/console/habilitations?as_of=1999-01-01T00:00"); p.status != 404 || strings.Contains(p.text, "Masked") {
		t.Errorf("before there was a ledger: %d", p.status)
	}
	s.signIn("agent")
	if p := s.get("/console/habilitations"); p.status != 403 || !strings.Contains(p.text, "accounts.read") {
		t.Errorf("an agent is shown %d %.300s", p.status, p.text)
	}
}
