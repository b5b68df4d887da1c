package httpapi

import (
	"net/http"
	"testing"
)

// TestArchivesAreAskedFor: a reading is of archives when they are asked for and the
// caller has subjects.archived; without the permission nothing is read or recorded.
func TestArchivesAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subject := "/v1/subjects/" + person.String()
	dpo, agent, auditor := w.token(authRequest("dpo")), w.token(authRequest("agent")), w.token(authRequest("auditor"))
	for _, c := range []struct {
		name, token, path, reason string
		status                    int
		archives                  bool
	}{
		{"dpo", dpo, subject, "audit", 200, false},
		{"dpo", dpo, subject + "?archived=false", "audit", 200, false},
		{"dpo", dpo, subject + "?archived=true", "audit", 200, true},
		{"dpo", dpo, subject + "?archived=maybe", "audit", 400, false},
		{"dpo", dpo, subject + "/history?archived=true", "audit", 200, true},
		{"dpo", dpo, subject + "/history", "audit", 200, false},
		{"agent", agent, subject, "customer_call", 200, false},
		{"agent", agent, subject + "?archived=true", "customer_call", 403, false},
		{"agent", agent, subject + "?archived=false", "customer_call", 200, false},
		{"auditor", auditor, subject + "/history?archived=true", "audit", 403, false},
		{"auditor", auditor, subject + "/history", "audit", 200, false},
	} {
		before := len(w.journal.all())
		got := w.call(http.MethodGet, c.path, "", "Authorization", "Bearer "+c.token, "X-Greffe-Reason", c.reason)
		if got.status != c.status {
			t.Errorf("%s %s: %d %s", c.name, c.path, got.status, got.body)
		}
		if c.status == 403 && got.code(t) != "permission_missing" {
			t.Errorf("%s %s: %s", c.name, c.path, got.body)
		}
		read := w.journal.all()[before:]
		if c.status != 200 && len(read) != 0 || c.status == 200 && (len(read) != 1 || read[0].Archived != c.archives) {
			t.Errorf("%s %s: recorded %+v", c.name, c.path, read)
		}
	}
}
