package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	make1 := func(key, body string) reply {
		return w.call(http.MethodPost, "/v1/tokens", body, "Idempotency-Key", key)
	}
	first := make1("k1", `{"label":"x","roles":["agent"]}`)
	again := make1("k1", `{"label":"x","roles":["agent"]}`)
	if first.status != 201 || again.status != 201 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" ||
		again.header.Get("Content-Type") != mediaJSON || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
	if n := len(w.store.List()); n != 2 {
		t.Errorf("%d tokens after a repeated request", n)
	}
	if other := make1("k1", `{"label":"y","roles":["agent"]}`); other.status != 409 || other.code(t) != "idempotency_key_reused" {
		t.Errorf("another body: %d %s", other.status, other.body)
	}
	if other := make1("k2", `{"label":"x","roles":["agent"]}`); other.status != 201 || other.body == first.body {
		t.Errorf("another key: %d", other.status)
	}
	// another account's key is another key, and an error is not kept
	key := w.token(authRequest("admin"))
	mine := w.call(http.MethodPost, "/v1/tokens", `{"label":"x","roles":["agent"]}`, "Idempotency-Key", "k1", "Authorization", "Bearer "+key)
	if mine.status != 201 || mine.body == first.body {
		t.Errorf("another account: %d", mine.status)
	}
	if bad := make1("k3", `{}`); bad.status != 400 {
		t.Errorf("%d", bad.status)
	}
	if good := make1("k3", `{"label":"x","roles":["agent"]}`); good.status != 201 {
		t.Errorf("a key whose request failed: %d %s", good.status, good.body)
	}
	w.clock.Store(int64(25 * time.Hour))
	if late := make1("k1", `{"label":"z","roles":["agent"]}`); late.status != 201 {
		t.Errorf("after 24 hours: %d %s", late.status, late.body)
	}
}

// slowTokens waits in Make.
type slowTokens struct{ entered, leave chan struct{} }

func (s slowTokens) Make(context.Context, *policy.Policy, domain.ID, auth.Request) (auth.Made, error) {
	close(s.entered)
	<-s.leave
	return auth.Made{Text: "made"}, nil
}

func (slowTokens) Rotate(context.Context, *policy.Policy, domain.ID, auth.Rotation) (auth.Made, error) {
	return auth.Made{}, nil
}

func (slowTokens) Revoke(context.Context, domain.ID, domain.ID) error { return nil }

func TestIdempotencyKeyInProgress(t *testing.T) {
	t.Parallel()
	slow := slowTokens{make(chan struct{}), make(chan struct{})}
	w := newWorld(t, func(_ *Config, s *Services) { s.Tokens = slow })
	post := func() reply { return w.call(http.MethodPost, "/v1/tokens", "{}", "Idempotency-Key", "k") }
	done := make(chan reply)
	go func() { done <- post() }()
	<-slow.entered
	if got := post(); got.status != 409 || got.code(t) != "idempotency_key_in_progress" || got.header.Get("Retry-After") == "" {
		t.Errorf("meanwhile: %d %s", got.status, got.body)
	}
	close(slow.leave)
	if got := <-done; got.status != 201 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestKeyStoreIsBounded(t *testing.T) {
	t.Parallel()
	now := testNow
	s := newKeyStore(func() time.Time { return now })
	for i := range maxKeys + 50 {
		k, err := s.begin([32]byte{byte(i), byte(i >> 8)}, [32]byte{})
		must(t, err)
		s.finish(k, answer{status: 200})
	}
	if s.order.Len() != maxKeys || len(s.byKey) != maxKeys {
		t.Errorf("%d keys are kept", s.order.Len())
	}
	if k, err := s.begin([32]byte{49}, [32]byte{}); err != nil || k.done {
		t.Error("the oldest was not forgotten")
	}
	now = now.Add(keyLife)
	if k, err := s.begin([32]byte{60}, [32]byte{}); err != nil || k.done || s.order.Len() != 1 {
		t.Errorf("%d keys are kept after their time", s.order.Len())
	}
}

func TestPolicyIsPublishedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/policy", "")
	if got.status != 200 || got.body != string(deploy.Policy()) || got.header.Get("ETag") != `"1"` || got.header.Get("X-Greffe-Policy-Version") != "1" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	for want, h := range map[int][]string{201: {"If-Match", `"1"`}, 412: {"If-Match", `"9"`}} {
		w := newWorld(t)
		got := w.call(http.MethodPost, "/v1/policy", string(deploy.Policy())+"\n# changed\n", append(h, "Content-Type", mediaYAML)...)
		if got.status != want {
			t.Errorf("%v: %d %s", h, got.status, got.body)
		}
		if want == 201 && !strings.Contains(got.body, `"version":2`) {
			t.Error(got.body)
		}
	}
	bad := w.call(http.MethodPost, "/v1/policy", strings.Replace(string(deploy.Policy()), "purposes:", "purposses:", 1), "Content-Type", mediaYAML)
	var b problem.Body
	must(t, json.Unmarshal([]byte(bad.body), &b))
	if bad.status != 422 || len(b.Problems) == 0 || b.Problems[0].Line == 0 || b.Problems[0].Message == "" {
		t.Errorf("%d %s", bad.status, bad.body)
	}
	if _, v := w.ledger.Policy(); v != 1 {
		t.Errorf("a refused policy made version %d", v)
	}
}
