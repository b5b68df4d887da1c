package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestConsoleContact: whether somebody may be contacted is asked in a form's body and
// answered with a yes or a no, the rule, its sentence and its article; a text that names
// nobody comes back; a person's page answers for every purpose and channel.
func TestConsoleContact(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	const at = "/console/contactability"
	for whom, want := range map[string]struct {
		status int
		says   []string
	}{
		s.real["/v1/subjects/"]: {http.StatusOK, []string{"No, this contact is not allowed", "<dd><code>", "CPCE L34-5"}},
		"zqkanary@example.org":  {http.StatusOK, []string{"No, this contact is not allowed"}},
		"+33 1 99 00 00 00":     {http.StatusOK, []string{"No, this contact is not allowed", "person.unknown"}},
		"somebody":              {http.StatusBadRequest, []string{`role="alert"`, `value="somebody"`}},
	} {
		p := s.send(http.MethodPost, at, s.filled(at, url.Values{"whom": {whom}, "channel": {"email"}, "purpose": {"prospecting"}}), nil)
		for _, says := range want.says {
			if p.status != want.status || p.to != "" || !strings.Contains(p.text, says) || strings.Contains(p.text, "input.at") {
				t.Errorf("%q: %d, without %q: %.3000s", whom, p.status, says, p.text[strings.Index(p.text, "<main"):])
			}
		}
	}
	p := s.get("/console/people/" + s.real["/v1/subjects/"] + "?tab=contact")
	if n := strings.Count(p.text, `<td class="stop">`) + strings.Count(p.text, `<td class="good">`); p.status != http.StatusOK || n < 10 || !strings.Contains(p.text, `<th scope="row">`) {
		t.Errorf("the table of a person: %d, %d answers", p.status, n)
	}
	if p := s.get(at + "?channel=sms"); !strings.Contains(p.text, `<option value="sms" selected>`) {
		t.Errorf("the address does not choose the channel: %d", p.status)
	}
	s.signIn("auditor")
	if p := s.get(at); p.status != http.StatusForbidden || !strings.Contains(p.text, "contactability.check") {
		t.Errorf("an auditor asks: %d", p.status)
	}
}
