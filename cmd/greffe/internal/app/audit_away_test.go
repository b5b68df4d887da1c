package app

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
)

// TestAuditStoreAway: a server of the audit dataset that is not there, or says nothing,
// keeps nobody from starting, recording and reading what was written; nor does it take
// the node out of service, as it would all nodes at once.
func TestAuditStoreAway(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		t.Run(map[bool]string{false: "refuses", true: "silent"}[silent], func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.cfg.AuditStore = "clickhouse://" + nobody(t, silent) + "/greffe"
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			a, err := Open(ctx, s.cfg)
			s.ok(err)
			s.open = a
			if _, err := a.Bootstrap(ctx, ""); err != nil {
				t.Fatalf("it does not start: %v", err)
			}
			at := s.create("C-1")[0].Position
			for until := time.Now().Add(15 * time.Second); !a.auditStalled(ctx) && time.Now().Before(until); {
				<-time.After(20 * time.Millisecond)
			}
			read, done := context.WithTimeout(ctx, 5*time.Second)
			defer done()
			if err := (node{a}).WaitFor(read, at); err != nil {
				t.Errorf("reading what was written: %v", err)
			}
			var away *httpapi.AwayError
			if err := (node{a}).Ready(ctx); !errors.As(err, &away) || !away.Ready {
				t.Errorf("not ready: %v", err)
			}
		})
	}
}

// TestWaitsForAudit: a dataset that can be reached is waited for.
func TestWaitsForAudit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, err := Open(t.Context(), s.cfg)
	s.ok(err)
	s.open = a
	var at domain.Position
	for _, r := range s.create("C-1", "C-2", "C-3") {
		at = r.Position
	}
	s.ok(node{a}.WaitFor(t.Context(), at))
	if low := a.runner.Applied(a.Audit.Name()); low <= at {
		t.Errorf("the audit dataset is at %d, not behind %d", low, at)
	}
}

// nobody is an address where nobody answers: where nothing listens, or what listens
// says nothing.
func nobody(t *testing.T, silent bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if !silent {
		_ = l.Close()
	} else {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l.Addr().String()
}
