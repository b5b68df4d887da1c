package httpapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"greffe/domain"
)

// testVerifications runs for ever once it was started.
type testVerifications struct {
	mu    sync.Mutex
	since *domain.Position
}

func (v *testVerifications) Start(_ context.Context, _ domain.ID, since domain.Position) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.since != nil {
		return ErrConflict
	}
	v.since = &since
	return nil
}

func (v *testVerifications) State(context.Context) (*VerificationState, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &VerificationState{Last: &Verification{Started: testNow, Ended: testNow, Head: 9, Verdict: "findings", Findings: 1,
		Items: []VerificationFinding{{Code: "part_altered", Position: 4, Detail: "The stored part is not the one the fact commits to."}}}}
	if s.Running = v.since != nil; s.Running {
		s.Done = int64(*v.since)
	}
	return s, nil
}

func TestVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, body string
		status       int
		says         string
	}{
		{http.MethodGet, "", 200, `"running":false,"last":{`},
		{http.MethodPost, `{"since":"-1"}`, 400, `field_invalid`},
		{http.MethodPost, `{"since":"7"}`, 202, `"running":true,"done":7`},
		{http.MethodPost, `{"since":"0"}`, 409, `conflict`},
		{http.MethodGet, "", 200, `"items":[{"code":"part_altered","position":"4"`},
	} {
		if got := w.call(c.method, "/v1/verification", c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.body, got.status, got.body)
		}
	}
}
