package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

// TestAuditQuestions: each question reaches the audit desk as it was asked, with what
// is left out at its default.
func TestAuditQuestions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	account := person.String()
	for path, want := range map[string]string{
		"/v1/audit/accounts/" + account + "?type=consent.granted&limit=1": `"account":"` + account + `"`,
		"/v1/audit/bulk?limit=1":                                   `"accesses":24,"most":1000`,
		"/v1/audit/bulk?limit=1&over=5&hours=2&account=" + account: `"account":"` + account + `","from":"0001-01-01T00:00:00Z","to":"0001-01-01T00:00:00Z","first":"0","last":"0","accesses":2,"most":5`,
		"/v1/audit/accesses/hours?reason=audit&account=" + account + "&from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:01Z": `"account":"` + account + `","accesses":1000,"persons":0,"days":[{"hours":[0,0,0,0,0,0,0,0,0,5,`,
		"/v1/audit/difference?kind=erased":        `"kinds":["erased"]`,
		"/v1/audit/difference?type=part.redacted": `"part.redacted":1`,
		"/v1/audit/difference?kind=withdrew":      `"consent.withdrawn":1,"consent.refused":1`,
	} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	// The reads above are events themselves: only now does the log reach position 3.
	for path, want := range map[string]string{
		"/v1/audit/difference/counts?from=1&to=3": `"from":"2","to":"4","events":4`,
		"/v1/audit/difference/counts?to=3":        `"from":"0","to":"4"`,
	} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for path, field := range map[string]string{
		"/v1/audit/accesses?min_count=-1":                                            "min_count",
		"/v1/audit/accesses?without_case=maybe":                                      "without_case",
		"/v1/audit/events?after=yesterday":                                           "after",
		"/v1/audit/accesses?known_at=yesterday":                                      "known_at",
		"/v1/audit/accesses/hours?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z": "to",
		"/v1/audit/bulk?over=-1":                                                     "over",
		"/v1/audit/bulk?hours=745":                                                   "hours",
		"/v1/audit/bulk?hours=-1":                                                    "hours",
		"/v1/audit/bulk?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z":           "to",
		"/v1/audit/difference?kind=other":                                            "kind",
		"/v1/audit/difference?kind=erased&type=a":                                    "kind",
		"/v1/audit/difference?from=yesterday":                                        "from",
		"/v1/audit/difference/counts?to=" + marker:                                   "to",
		"/v1/audit/difference/counts?from=5&to=2":                                    "to",
		"/v1/audit/accounts/" + account + "?from=2026-02-01T00:00:00Z&to=2026":       "to",
	} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" || !strings.Contains(got.body, `"`+field+`"`) || strings.Contains(got.body, marker) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestKindsOf names every kind of difference that events make, once.
func TestKindsOf(t *testing.T) {
	t.Parallel()
	all := map[string]int64{}
	for kind, types := range kindsOfChange() {
		for _, ty := range types {
			if got := kindsOf(map[string]int64{string(ty): 2, "notice.served": 1}); len(got) != 1 || got[0] != kind {
				t.Errorf("%s is %v, want %s", ty, got, kind)
			}
			all[string(ty)] = 1
		}
	}
	if got := strings.Join(kindsOf(all), " "); got != "changed consented created erased opposed withdrew" {
		t.Errorf("all: %s", got)
	}
	if got := kindsOf(map[string]int64{"contact.created": 0}); len(got) != 0 {
		t.Errorf("none: %v", got)
	}
}

// TestSubjectProofs: asked for, the facts that a view was made of are listed with
// their proofs and the head that covers them; else nothing of this is there.
func TestSubjectProofs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/v1/subjects/" + person.String()
	got := w.call(http.MethodGet, path+"?proofs=true&known_at=3", "", "X-Greffe-Reason", "audit")
	for _, want := range []string{
		`"inputs":[{"event":"03000000-0000-8000-8000-000000000000","position":"3","type":"contact.created","proof":"/v1/proofs/03000000-0000-8000-8000-000000000000"}]`,
		`"head":{"origin":"greffe/x","size":"7","root":"00","note":"greffe/x\n7\nAA==\n\n— sig\n"}`,
	} {
		if got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%d %s lacks %s", got.status, got.body, want)
		}
	}
	for _, query := range []string{"", "?proofs=false"} {
		if got := w.call(http.MethodGet, path+query, "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK || strings.Contains(got.body, `"inputs"`) || strings.Contains(got.body, `"head"`) {
			t.Errorf("%q: %d %s", query, got.status, got.body)
		}
	}
}
