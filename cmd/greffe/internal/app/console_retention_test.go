package app

import (
	"greffe/domain/event"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestConsoleRetention: the months ahead, what today's run would do, and one press that
// carries it out and leads to its report; a day to come is foreseen and cannot be run.
func TestConsoleRetention(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	p := s.get("/console/retention")
	s.says(p, "Terms of the months ahead", "Past its term", "March 2026", "Foresee", "Carry out today’s run", "Retention rules in force")
	ahead := s.get("/console/retention?by=2027-01-01")
	s.says(ahead, "Only today’s run can be carried out")
	s.saysNot(ahead, "Carry out today’s run")
	if past := s.get("/console/retention?by=2020-01-01"); !strings.Contains(past.text, `role="alert"`) || !strings.Contains(past.main(), "Terms of the months ahead") {
		t.Errorf("a day that is past: %.800s", past.main())
	}
	run := s.sends("/console/retention", "/console/retention/new/run", nil)
	begun := s.facts(event.RetentionRun)
	if len(begun) == 0 || begun[0].Actor.IsZero() {
		t.Fatalf("%d runs: %.800s", len(begun), run.main())
	}
	s.says(run, "Run of", "Retention and runs", "What was done, to whom")
	at := "/console/retention/" + begun[0].ID.String()
	s.now.pass(s.rules.Sessions().Fresh + time.Minute)
	late := s.get(at)
	s.says(late, "The list of people is shown after a recent sign-in alone")
	again := "/console/again?" + url.Values{"to": {at}}.Encode()
	if !strings.Contains(late.text, `href="`+html.EscapeString(again)+`"`) {
		t.Errorf("no way to confirm who sits there: %s", late.main())
	}
	if p := s.send(http.MethodPost, "/console/again", s.filled(again, url.Values{"to": {at}, "again.password": {"Zqwrong"}, "again.code": {"123456"}}), nil); p.status < 400 || p.to != "" || !strings.Contains(p.text, `name="to" value="`+at+`"`) {
		t.Errorf("a wrong password: %d %s", p.status, p.to)
	}
	due := s.get("/console/due?by=2036-01-01")
	s.says(due, "Every rule", "For the run of")
	if !strings.Contains(due.text, "/console/people/"+s.real["/v1/subjects/"]) {
		t.Errorf("nobody reaches a term in ten years: %.1500s", due.main())
	}
	rule := regexp.MustCompile(`<option value="([a-z_]+\.[a-z_.0-9]+)"[^>]*>([^<]*)</option>`).FindAllStringSubmatch(due.text, -1)
	if len(rule) < 5 {
		t.Fatalf("%d rules to choose from: %.1500s", len(rule), due.main())
	}
	named := map[string]string{}
	for _, r := range rule {
		if strings.Contains(r[2], r[1]) || strings.Contains(r[2], "_") || named[r[2]] != "" {
			t.Errorf("the rule %s is offered as %q, as is %q", r[1], r[2], named[r[2]])
		}
		named[r[2]] = r[1]
	}
	auditor := s.signIn("auditor")
	s.because("audit")
	if p := s.get("/console/retention"); auditor.IsZero() || strings.Contains(p.text, "/console/retention/new/run") {
		t.Error("the auditor is offered a run")
	}
}
