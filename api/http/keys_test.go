package httpapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"greffe/api/problem"
	"greffe/domain"
)

// testKeys rotates for ever once it was started.
type testKeys struct {
	mu      sync.Mutex
	by      domain.ID
	refuses error
}

func (k *testKeys) List(context.Context) ([]WrappingKey, error) {
	return []WrappingKey{{Name: "k2", State: "current"}, {Name: "k1", State: "retired", Retired: &testNow}}, nil
}

func (k *testKeys) Rotate(_ context.Context, actor domain.ID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.refuses != nil:
		return k.refuses
	case !k.by.IsZero():
		return ErrConflict
	}
	k.by = actor
	return nil
}

func (k *testKeys) Rotation(context.Context) (*Rotation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &Rotation{Running: !k.by.IsZero(), Step: "copy"}, nil
}

// TestKeys: who may rotate sees the names and begins one, once; nobody else does.
func TestKeys(t *testing.T) {
	t.Parallel()
	k := &testKeys{refuses: problem.New(problem.BackupUnconfigured)}
	w := newWorld(t, func(_ *Config, s *Services) { s.Keys = k })
	if got := w.call(http.MethodPost, "/v1/keys/rotation", ""); got.status != 409 || got.code(t) != "backup_unconfigured" {
		t.Errorf("nowhere to back up: %d %s", got.status, got.body)
	}
	k.mu.Lock()
	k.refuses = nil
	k.mu.Unlock()
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodGet, "/v1/keys", 200, `"name":"k1","state":"retired","retired_at":"`},
		{http.MethodGet, "/v1/keys/rotation", 200, `{"running":false`},
		{http.MethodPost, "/v1/keys/rotation", 202, `"running":true,"step":"copy"`},
		{http.MethodPost, "/v1/keys/rotation", 409, `"code":"conflict"`},
	} {
		if got := w.call(c.method, c.path, ""); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
	if k.by.IsZero() {
		t.Error("nobody rotated")
	}
	for _, role := range []string{"agent", "dpo", "auditor", "service"} {
		who := "Bearer " + w.token(authRequest(role))
		for method, path := range map[string]string{http.MethodGet: "/v1/keys", http.MethodPost: "/v1/keys/rotation"} {
			if got := w.call(method, path, "", "Authorization", who); got.status != 403 {
				t.Errorf("%s %s as %s: %d", method, path, role, got.status)
			}
		}
	}
}
