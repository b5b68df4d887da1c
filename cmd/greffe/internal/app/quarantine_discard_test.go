package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// TestDiscardSaysWhy: an item is discarded for a reason of the closed list alone, which
// the fact holds and the item says from then on, without what was sent; one that was
// discarded before reasons were asked for still reads; an expiry has none.
func TestDiscardSaysWhy(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	bad := func(id string) *event.Fact {
		record(t, s.open, `{"specversion":"1.0","id":"`+id+`","source":"crm/eu","type":"contact.shouted","subject":"Q-1","time":"`+past+`","data":{"note":"Zqset-aside"}}`)
		all := s.facts(event.IngestQuarantined)
		return all[len(all)-1]
	}
	now, former := bad("q1"), bad("q2")
	_, err := s.open.Ledger.CloseHeld(t.Context(), domain.ID{1}, former, ledger.OutcomeDiscarded)
	s.ok(err)
	s.ok(s.open.CaughtUp(t.Context()))
	s.signIn("dpo")
	s.because("maintenance")
	at := "/console/quarantine/" + now.ID.String()
	for _, reason := range ledger.DiscardReasons() {
		if form := s.get(at + "/discard"); strings.Count(form.body(), `<option value="`+reason+`"`) != 1 || strings.Contains(form.body(), ">"+reason+"<") {
			t.Errorf("the form does not offer %s by name: %s", reason, form.body())
		}
	}
	for _, reason := range []string{"", "i do not like it"} {
		if p := s.send(http.MethodPost, at+"/discard", s.numbered(at+"/discard", at+"/discard", url.Values{"reason": {reason}}), nil); p.status != http.StatusBadRequest || len(s.facts(event.IngestReleased)) != 1 {
			t.Errorf("for %q: %d", reason, p.status)
		}
	}
	p := s.send(http.MethodPost, at+"/discard", s.numbered(at+"/discard", at+"/discard", url.Values{"reason": {"superseded"}}), nil)
	if p.status != http.StatusSeeOther || p.to != at+"?done=discard" {
		t.Fatalf("discarded: %d to %q %s", p.status, p.to, p.body())
	}
	s.ok(s.open.CaughtUp(t.Context()))
	facts := s.facts(event.IngestReleased)
	if f := facts[len(facts)-1]; len(facts) != 2 || f.Codes.String("outcome") != "discarded" || f.Codes.String("reason") != "superseded" || f.Codes.String("item") != now.ID.String() {
		t.Errorf("%d facts, %v", len(facts), f.Codes)
	}
	s.tells(s.get(p.to), http.StatusOK, "Superseded: the source sent a newer state")
	s.saysNot(s.get(p.to), "Zqset-aside", "Repair and record")
	old := s.get("/console/quarantine/" + former.ID.String())
	s.tells(old, http.StatusOK, "Discarded")
	s.saysNot(old, "Superseded", "Zqset-aside")
}
