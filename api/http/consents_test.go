package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestConsentStateAsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withConsents(newTestConsents(nil)))
	path := "/v1/subjects/" + person.String() + "/consents/state"
	key := "Bearer " + w.token(authRequest("dpo"))
	got := w.call(http.MethodGet, path+"?as_of=2026-01-02T03:04:05Z&known_at=4", "", "Authorization", key, "X-Greffe-Reason", "rights_request")
	var out ConsentStates
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s %v", got.status, got.body, err)
	}
	if len(out.Items) != 1 || out.AsOf.Format("2006-01-02 15:04:05") != "2026-01-02 03:04:05" || !out.Items[0].Since.Equal(out.AsOf) || out.Items[0].Position > 5 {
		t.Errorf("%+v", out)
	}
	if a := w.journal.all(); len(a) != 1 || a[0].Action != "consents" || len(a[0].Subjects) != 2 || a[0].Reason != "rights_request" {
		t.Errorf("recorded as %+v", a)
	}
	if got := w.call(http.MethodGet, path, "", "Authorization", key); got.code(t) != "reason_missing" {
		t.Errorf("without a reason: %s", got.body)
	}
	if got := w.call(http.MethodGet, path+"?as_of=yesterday", "", "Authorization", key, "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("a day in words: %s", got.body)
	}
}

func TestUnprovenGrantsAreCountedOrListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withConsents(newTestConsents(nil)))
	key := "Bearer " + w.token(authRequest("auditor"))
	got := w.call(http.MethodGet, "/v1/consents/unproven", "", "Authorization", key)
	var sum UnprovenSummary
	if err := json.Unmarshal([]byte(got.body), &sum); err != nil || sum.Total != 5 || len(sum.Items) != 2 || !strings.Contains(sum.Complete, "a new id") {
		t.Errorf("%s %v", got.body, err)
	}
	w.data.set(func(s *switches) { s.found = 2500 })
	lines := w.call(http.MethodGet, "/v1/consents/unproven", "", "Authorization", key, "Accept", mediaNDJSON)
	if n := strings.Count(lines.body, `"event_id":"`+anEvent.String()); n != 2500 || !strings.Contains(lines.body, `{"end":{"count":2500,`) || strings.Contains(lines.body, "subject") {
		t.Errorf("%d lines", n)
	}
	if len(w.journal.all()) != 0 {
		t.Error("counts of grants are recorded as an access to people")
	}
	if got := w.call(http.MethodGet, "/v1/consents/unproven", "", "Authorization", "Bearer "+w.token(authRequest("agent"))); got.code(t) != "permission_missing" {
		t.Errorf("an agent counts: %s", got.body)
	}
}
