package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

const retentionRuns = "/v1/retention/runs"

func retentionWorld(t *testing.T) (*world, *testRetention) {
	desk := new(testRetention)
	w := newWorld(t, func(_ *Config, s *Services) { s.Retention = desk })
	desk.data = w.data
	return w, desk
}

// TestRetentionRunIsOfToday: no day is carried out before it came, nor after; what a
// coming day would do can be foreseen.
func TestRetentionRunIsOfToday(t *testing.T) {
	t.Parallel()
	w, desk := retentionWorld(t)
	var out RetentionStarted
	got := w.call(http.MethodPost, retentionRuns, `{}`)
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != http.StatusOK || out.Run == nil || out.Run.Counts.Erased != 5 || out.Preview != nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, retentionRuns, `{"date":"2026-03-02"}`); got.status != http.StatusOK || len(desk.started) != 2 || desk.started[0].IsZero() {
		t.Errorf("of today: %d %s", got.status, got.body)
	}
	for body, field := range map[string]string{
		`{"date":"2026-03-03"}`:                "date",
		`{"date":"2026-03-01"}`:                "date",
		`{"date":"` + m + `"}`:                 "date",
		`{"dry_run":true,"date":"2026-03-01"}`: "date",
		`{"dry_run":true,"date":"2026-02-30"}`: "date",
	} {
		got := w.call(http.MethodPost, retentionRuns, body)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if len(desk.started) != 2 || len(desk.by) != 0 {
		t.Errorf("%d runs, %d previews", len(desk.started), len(desk.by))
	}
	got = w.call(http.MethodPost, retentionRuns, `{"dry_run":true,"date":"2027-03-29"}`)
	out = RetentionStarted{}
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || out.Run != nil || out.Preview.Persons != 7 || out.Preview.Held != 2 ||
		!desk.by[0].Equal(time.Date(2027, 3, 28, 22, 0, 0, 0, time.UTC)) || len(desk.started) != 2 {
		t.Errorf("foreseen: %d %s", got.status, got.body)
	}
	desk.slow = true
	if got := w.call(http.MethodPost, retentionRuns, `{}`); got.status != http.StatusAccepted || got.header.Get("Location") != retentionRuns+"/"+aRun.String() {
		t.Errorf("a long one: %d %v", got.status, got.header)
	}
}

// TestRetentionListsAreAccesses: who is named is recorded.
func TestRetentionListsAreAccesses(t *testing.T) {
	t.Parallel()
	w, desk := retentionWorld(t)
	for _, path := range []string{"/v1/retention/due?by=2026-04-01", retentionRuns + "/" + aRun.String() + "/report"} {
		for _, accept := range []string{mediaJSON, mediaNDJSON} {
			before := len(w.journal.all())
			got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit", "Accept", accept)
			after := w.journal.all()[before:]
			if got.status != http.StatusOK || len(after) != 1 || !slices.Equal(after[0].Subjects, []domain.ID{person}) || !strings.Contains(got.body, person.String()) {
				t.Errorf("%s: %d %s, recorded %+v", path, got.status, got.body, after)
			}
		}
		if got := w.call(http.MethodGet, path, ""); got.status == http.StatusOK {
			t.Errorf("%s without a reason: %s", path, got.body)
		}
	}
	if len(desk.by) == 0 || !desk.by[0].Equal(time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("asked of %v", desk.by)
	}
}

func TestRetentionDesk(t *testing.T) {
	t.Parallel()
	w, _ := retentionWorld(t)
	if got := w.call(http.MethodGet, "/v1/retention", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"length":"P3Y"`) || !strings.Contains(got.body, `"hour":2`) {
		t.Errorf("rules: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, retentionRuns, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"next":"more"`) {
		t.Errorf("runs: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, retentionRuns+"/"+aRun.String(), ""); got.status != http.StatusOK || !strings.Contains(got.body, `"erased":5`) {
		t.Errorf("run: %d %s", got.status, got.body)
	}
	for _, path := range []string{retentionRuns + "/" + person.String(), retentionRuns + "/" + person.String() + "/report", retentionRuns + "/" + m} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit"); got.status != http.StatusNotFound || strings.Contains(got.body, m) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	auditor := "Bearer " + w.token(authRequest("auditor"))
	if got := w.call(http.MethodPost, retentionRuns, `{}`, "Authorization", auditor); got.code(t) != "permission_missing" {
		t.Errorf("an auditor runs: %d %s", got.status, got.body)
	}
}

// TestRetentionIsForeseen: who may read retention is told what a day's run would do, and
// what the months ahead bring, without the right to run anything.
func TestRetentionIsForeseen(t *testing.T) {
	t.Parallel()
	w, desk := retentionWorld(t)
	for path, want := range map[string]string{"/v1/retention/preview?by=2027-03-29": `"persons":7`, "/v1/retention/calendar?months=3": `"month":"2026-05"`, "/v1/retention/calendar": `"month":"2027-02"`} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for path, field := range map[string]string{"/v1/retention/preview?by=2020-01-01": "by", "/v1/retention/calendar?months=121": "months", "/v1/retention/calendar?months=-1": "months"} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if len(desk.started) != 0 {
		t.Errorf("%d runs", len(desk.started))
	}
}
