package httpapi

import (
	"context"
	"errors"
	"greffe/api/problem"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A caller that says how long it waits is answered by then, whatever a store does.
func TestPreferredDeadline(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]time.Duration{"/v1/subjects/{id}": 2 * time.Second, changesPattern: time.Minute} {
		c := &Call{route: &Route{Pattern: pattern}, r: &http.Request{Header: http.Header{"Prefer": {"respond-async, wait=2"}}}}
		if got := c.within(time.Minute); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
		if got := c.within(time.Second); got != time.Second {
			t.Errorf("%s: %v though the route has a second", pattern, got)
		}
	}
}

// What Prefer says also bounds how long an access may take to become durable, which
// does not depend on the client.
func TestPreferredDeadlineOfAccesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) { c.RecordTimeout = time.Hour })
	w.journal.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	for _, r := range eachRoute(t, w) {
		if r.Pattern != "/v1/subjects/{id}" {
			continue
		}
		path, body, headers := request(r)
		began := time.Now()
		got := w.call(r.Method, path, body, append(headers, "Prefer", "wait=1")...)
		if got.status != http.StatusServiceUnavailable || got.code(t) != "access_not_recorded" || time.Since(began) > 10*time.Second {
			t.Errorf("%d %s after %v", got.status, got.body, time.Since(began))
		}
	}
}

// /readyz names what stands still and why, and the stores that are away, and keeps a node in service that can answer
// without them.
func TestReadyNamesStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		away   error
		status int
		says   string
	}{
		{&AwayError{Stores: []string{"fact log", "vault"}}, http.StatusServiceUnavailable, `"away":["fact log","vault"]`},
		{&AwayError{Stores: []string{"audit dataset"}, Ready: true}, http.StatusOK, "ready; cannot be reached: audit dataset\n"},
		{&StoppedError{Stopped: problem.Stopped{Component: "projection:crm", State: "halted", Cause: "damaged"}, Err: errors.New("said to the log alone")},
			http.StatusServiceUnavailable, `"stopped":{"component":"projection:crm","state":"halted","cause":"damaged"}`},
	} {
		w.node.set(nil, c.away)
		if got := w.call(http.MethodGet, "/readyz", ""); got.status != c.status || !strings.Contains(got.body, c.says) || strings.Contains(got.body, "said to the log") {
			t.Errorf("%d %s", got.status, got.body)
		}
		want := "greffe_ready 0\n"
		if c.status == http.StatusOK {
			want = "greffe_ready 1\n"
		}
		if got := w.call(http.MethodGet, "/metrics", ""); !strings.Contains(got.body, want) {
			t.Errorf("not %q in %s", want, got.body)
		}
	}
}

// outsideNode stood still: others certified without it, and it has not caught up.
type outsideNode struct{ Node }

func (outsideNode) Current(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// A node that erasures were not waiting for answers no read, whatever the route, and
// records what comes.
func TestNodeThatStoodStillAnswersNoRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, s *Services) { s.Nodes, c.MaxWait = outsideNode{s.Nodes}, time.Millisecond })
	tried := 0
	for _, r := range eachRoute(t, w) {
		if r.Endpoint.open || r.Endpoint.local || r.Limits.Rate == RateIngest {
			continue
		}
		path, body, headers := request(r)
		if got := w.call(r.Method, path, body, headers...); got.status != http.StatusServiceUnavailable || got.code(t) != "stale" {
			t.Errorf("%s %s: %d %s", r.Method, r.Pattern, got.status, got.body)
		}
		tried++
	}
	if tried < 30 || len(w.journal.all()) != 0 {
		t.Errorf("%d routes tried, %d accesses recorded", tried, len(w.journal.all()))
	}
	if got := w.call(http.MethodPost, "/v1/events", cloudEvent("a", "s")); got.status != http.StatusOK {
		t.Errorf("an event: %d %s", got.status, got.body)
	}
}
