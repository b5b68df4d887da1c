package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestConsolePolicy: a text of a policy is compared before it can be published, and
// comparing publishes nothing; a version shows its text; letters and register come as files.
func TestConsolePolicy(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	const at = "/console/policy/new/compare"
	_, before := s.open.Ledger.Policy()
	text := strings.Replace(string(s.open.Ledger.PolicySource()), "Prospection commerciale", "Démarchage", 1)
	p := s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {strings.ReplaceAll(text, "\n", "\r\n")}}), nil)
	if p.status != http.StatusOK || !strings.Contains(p.text, "purposes[prospecting].label.fr") {
		t.Fatalf("what changes: %d %.300s", p.status, p.text)
	}
	if n := strings.Count(p.text[strings.Index(p.text, "</thead>"):strings.Index(p.text, "</table>")], "<tr>"); n != 1 {
		t.Errorf("%d changes, want 1", n)
	}
	p = s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {"purposes: ["}}), nil)
	if p.status < 400 || !strings.Contains(p.text, `role="alert"`) || strings.Contains(p.text, "/console/policy/new/publish") {
		t.Errorf("a broken text: %d", p.status)
	}
	if _, after := s.open.Ledger.Policy(); after != before {
		t.Errorf("comparing published version %d", after)
	}
	if p := s.get("/console/policy"); !strings.Contains(p.text, `href="/console/policy/1"`) {
		t.Errorf("no way to a version: %d", p.status)
	}
	if p := s.get("/console/policy/1"); p.status != http.StatusOK || !strings.Contains(p.text, `<pre class="yaml"`) || !strings.Contains(p.text, "Prospection commerciale") {
		t.Errorf("a version: %d %.300s", p.status, p.text)
	}
	if p := s.get("/console/policy/new/publish"); p.status != http.StatusSeeOther || p.to != at {
		t.Errorf("without a comparison: %d %s", p.status, p.to)
	}
	p = s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {text}}), nil)
	typed := url.Values{"raw": {text}}
	for _, m := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		typed.Set(m[1], m[2])
	}
	if p := s.send(http.MethodPost, "/console/policy/new/publish", typed, nil); p.status != http.StatusSeeOther {
		t.Errorf("publishing: %d %.800s", p.status, p.text)
	}
	if _, after := s.open.Ledger.Policy(); after != before+1 {
		t.Errorf("version %d is in force, before it was %d", after, before)
	}
	for _, path := range []string{"/console/activities/-/csv/file", "/console/activities/-/xlsx/file"} {
		if p := s.get(path); p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %s", path, p.status, p.header.Get("Content-Disposition"))
		}
	}
}
