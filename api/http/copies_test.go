package httpapi

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"greffe/api/problem"
	"greffe/domain"
)

// testCopies stands for a service with a directory of backups.
type testCopies struct {
	closed  atomic.Bool // reads wait for a confirmation
	begun   atomic.Int32
	refuses atomic.Pointer[problem.Error]
	reason  atomic.Pointer[string]
}

func (c *testCopies) Begin(context.Context) error {
	if err := c.refuses.Load(); err != nil {
		return err
	}
	c.begun.Add(1)
	return nil
}

func (c *testCopies) List(context.Context) (Backups, error) {
	out := Backups{Running: c.begun.Load() > 0}
	if out.Running {
		out.Items = []Backup{{Position: 12, Made: testNow, Bytes: 3, KEK: "k1"}}
	}
	return out, nil
}

func (c *testCopies) Readable() error {
	if c.closed.Load() {
		return problem.New(problem.RestoreUnconfirmed)
	}
	return nil
}

func (c *testCopies) ConfirmRestore(_ context.Context, _ domain.ID, reason string) (domain.Position, error) {
	if !c.closed.Swap(false) {
		return 0, problem.New(problem.Conflict)
	}
	c.reason.Store(&reason)
	return 41, nil
}

func copiesWorld(t *testing.T) (*world, *testCopies) {
	t.Helper()
	c := new(testCopies)
	return newWorld(t, func(_ *Config, s *Services) { s.Copies = c }), c
}

func TestBackups(t *testing.T) {
	t.Parallel()
	w, c := copiesWorld(t)
	if got := w.call(http.MethodGet, "/v1/backups", ""); got.status != 200 || !strings.Contains(got.body, `"items":[]`) {
		t.Errorf("none yet: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, "/v1/backups", ""); got.status != 202 || c.begun.Load() != 1 {
		t.Errorf("begin: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, "/v1/backups", ""); !strings.Contains(got.body, `"position":"12"`) || !strings.Contains(got.body, `"running":true`) {
		t.Errorf("one: %s", got.body)
	}
	for code, status := range map[problem.Code]int{problem.Conflict: 409, problem.BackupUnconfigured: 409} {
		c.refuses.Store(problem.New(code))
		if got := w.call(http.MethodPost, "/v1/backups", ""); got.status != status || got.code(t) != string(code) {
			t.Errorf("%s: %d %s", code, got.status, got.body)
		}
	}
	agent := "Bearer " + w.token(authRequest("agent"))
	dpo := "Bearer " + w.token(authRequest("dpo"))
	for _, who := range []string{agent, dpo} {
		if got := w.call(http.MethodPost, "/v1/backups", "", "Authorization", who); got.status != 403 {
			t.Errorf("without keys.rotate: %d", got.status)
		}
	}
}

// TestUnconfirmedRestore: no personal data leaves, by any route, until the DPO
// confirms; what is recorded and decided goes on.
func TestUnconfirmedRestore(t *testing.T) {
	t.Parallel()
	w, c := copiesWorld(t)
	c.closed.Store(true)
	routes := 0
	for _, r := range eachRoute(t, w) {
		if r.Access() != Personal {
			continue
		}
		routes++
		path, body, headers := request(r)
		got := w.call(r.Method, path, body, headers...)
		if got.status != 503 || got.code(t) != "restore_unconfirmed" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %.200s", r.Method, r.Pattern, got.status, got.body)
		}
	}
	if routes < 10 || len(w.journal.all()) != 0 {
		t.Errorf("%d routes, %d accesses recorded", routes, len(w.journal.all()))
	}
	if got := w.call(http.MethodPost, "/v1/events", cloudEvent("e-1", "C-1"), "Content-Type", mediaEvent); got.status != 200 {
		t.Errorf("recording: %d %s", got.status, got.body)
	}
	admin := "Bearer " + w.token(authRequest("admin"))
	if got := w.call(http.MethodPost, "/v1/restore/confirm", `{"reason":"x"}`, "Authorization", admin); got.status != 403 {
		t.Errorf("an administrator confirms: %d", got.status)
	}
	dpo := "Bearer " + w.token(authRequest("dpo"))
	for body, code := range map[string]string{`{}`: "field_required", `{"reason":"` + strings.Repeat("x", maxReason+1) + `"}`: "field_invalid"} {
		if got := w.call(http.MethodPost, "/v1/restore/confirm", body, "Authorization", dpo); got.code(t) != code {
			t.Errorf("%.30s: %s", body, got.body)
		}
	}
	got := w.call(http.MethodPost, "/v1/restore/confirm", `{"reason":"looked into"}`, "Authorization", dpo)
	if got.status != 200 || !strings.Contains(got.body, `"position":"41"`) || *c.reason.Load() != "looked into" {
		t.Errorf("confirm: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, "/v1/restore/confirm", `{"reason":"again"}`, "Authorization", dpo); got.status != 409 {
		t.Errorf("again: %d", got.status)
	}
	if got := w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "X-Greffe-Reason", "maintenance:T-1", "Authorization", dpo); got.status != 200 {
		t.Errorf("after it: %d %s", got.status, got.body)
	}
}
