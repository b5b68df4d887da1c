package app

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	rules "greffe/domain/watch"
	"greffe/eventstore/ledger"
	"greffe/projections/watch"
)

// alertAbout records an alert and gives its id.
func (s *consoleSite) alertAbout(account domain.ID, rule rules.Rule, level int, observed int64) domain.ID {
	s.Helper()
	f := rules.Finding{Account: account, Rule: rule, Level: level, Observed: observed, Limit: 60, From: s.now.read().Truncate(time.Hour), At: s.now.read()}
	id, err := s.open.alertID(&f)
	s.ok(err)
	_, err = s.open.Ledger.Write(s.Context(), []ledger.Own{s.open.alerted(&watch.Pending{ID: id, Finding: f})})
	s.ok(err)
	s.ok(s.open.CaughtUp(s.Context()))
	return id
}

// marks demands what stands in a page's source.
func (s *consoleSite) marks(p shownPage, parts ...string) {
	s.Helper()
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			s.Errorf("the page holds no %q", part)
		}
	}
}

// TestConsoleAlerts: alerts about one account on one day stand together, under its name,
// with a link to what it read; they are concluded together, after which nothing is offered
// any more; who may not see names or open events is shown no link there.
func TestConsoleAlerts(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	agent := s.signIn("agent")
	s.signIn("dpo")
	s.because("audit")
	first := s.alertAbout(agent, rules.BreadthHour, 0, 61)
	second := s.alertAbout(agent, rules.BreadthHour, 1, 241)
	other := s.alertAbout(domain.ID{77, 6: 0x80, 8: 0x80}, rules.Rate, 0, 99)
	p := s.get("/console/watch")
	const name = "Zqstaff"
	s.says(p, "2 alerts", "1 alert ", name, agent.String()[:8], "Account of another system")
	s.marks(p, "/console/reads?account="+agent.String()+"&amp;from=", "&amp;period=all")
	if n := strings.Count(p.text, `<section class="alerts">`); n != 2 {
		t.Errorf("%d groups of alerts", n)
	}
	at := "/console/watch/" + first.String()
	s.marks(s.reads(at, name, "61 against a limit of 60"), second.String(), at+"/close")
	form := s.filled(at+"/close", url.Values{"outcome": {"explained"}, "note": {"campaign"}, "also": {second.String()}})
	if got := s.send(http.MethodPost, at+"/close", form, nil); got.status != http.StatusSeeOther {
		t.Fatalf("closing: %d %.600s", got.status, got.text)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.facts(event.WatchClosed)); n != 2 {
		t.Errorf("%d alerts were closed", n)
	}
	p = s.reads(at, "Explained", "campaign", "Closed by", name)
	if strings.Contains(p.text, at+"/close") {
		t.Error("a closed alert is offered to be concluded")
	}
	s.reads(at+"/close", "This alert is concluded already.")
	if p = s.get("/console/watch"); strings.Contains(p.text, first.String()) || !strings.Contains(p.text, other.String()) {
		t.Error("what is to conclude is not what is open")
	}
	s.signIn("security")
	s.because("audit")
	p = s.reads("/console/watch?state=all", agent.String()[:8])
	s.marks(p, first.String(), "/console/reads?account=")
	if strings.Contains(p.text, name) {
		t.Error("who sees no names of accounts is shown one")
	}
	if p = s.get("/console/reads?period=all"); strings.Contains(p.text, `href="/console/events/`) || strings.Contains(p.text, `href="/console/people/`) || !strings.Contains(p.text, "<tbody>") {
		t.Error("links lead where the role may not go")
	}
}

// TestAlertsAreClosedTogether: all that are named, or none; none about another account.
func TestAlertsAreClosedTogether(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	desk, dpo := watchDesk{s.open}, domain.ID{5, 6: 0x40, 8: 0x80}
	one, two := domain.ID{1, 6: 0x40, 8: 0x80}, domain.ID{2, 6: 0x40, 8: 0x80}
	a, b, c := s.alertAbout(one, rules.Rate, 0, 61), s.alertAbout(one, rules.Rate, 1, 241), s.alertAbout(two, rules.Rate, 0, 61)
	for _, bad := range []domain.ID{c, {9, 6: 0x40, 8: 0x80}} {
		if _, err := desk.Close(t.Context(), dpo, a, explained(b, bad)); err == nil || !strings.Contains(err.Error(), "field_invalid") {
			t.Errorf("closed with %s: %v", bad, err)
		}
	}
	if n := len(s.facts(event.WatchClosed)); n != 0 {
		t.Fatalf("%d closed by what was refused", n)
	}
	_, err := desk.Close(t.Context(), dpo, a, explained(b, b, a))
	s.ok(err)
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.facts(event.WatchClosed)); n != 2 {
		t.Errorf("%d closed", n)
	}
	if _, err := desk.Close(t.Context(), dpo, c, explained(b)); !errors.Is(err, httpapi.ErrConflict) {
		t.Error("what is closed was closed again")
	}
}

func explained(also ...domain.ID) httpapi.AlertClosing {
	return httpapi.AlertClosing{Outcome: watch.Explained, Also: also}
}
