package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/verify"
)

// verified waits until a verification has ended that began at or after a moment.
func (s *site) verified(a *App, since int) *httpapi.Verification {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for ; ; pause(ctx, 5*time.Millisecond) {
		state, err := verifications{a}.State(ctx)
		s.ok(err)
		if !state.Running && state.Last != nil && int(state.Last.Since) == since {
			return state.Last
		}
		s.ok(ctx.Err())
	}
}

// TestVerifiesWhileServing: a service verifies what is new when that is due, all of it
// first, beside what is recorded; it finds a head it did not sign; the next process
// remembers what was found.
func TestVerifiesWhileServing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1", "C-2")
	a := s.serving()
	var no *problem.Error
	if err := (verifications{a}).Start(t.Context(), domain.ID{}, 1<<40); !errors.As(err, &no) || no.Code != problem.FieldInvalid || no.Field != "since" {
		t.Errorf("from beyond the end of the log: %v", err)
	}
	s.covered()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); a.KeepVerifying(ctx, 24*time.Hour) }()
	first := s.verified(a, 0)
	stop()
	<-ended
	if first.Verdict != "intact" || first.Facts == 0 || first.Findings != 0 || first.Head == 0 {
		t.Fatalf("%+v", first)
	}
	if wait, since := a.verificationDue(24 * time.Hour); wait < 23*time.Hour || since != first.Head {
		t.Errorf("the next is due in %v from %d", wait, since)
	}
	s.now.pass(8 * 24 * time.Hour)
	if wait, since := a.verificationDue(24 * time.Hour); wait > 0 || since != 0 {
		t.Errorf("after a week the next is due in %v from %d", wait, since)
	}
	if err := os.WriteFile(filepath.Join(a.cfg.copiesDir(), "head"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok(verifications{a}.Start(t.Context(), domain.ID{}, 1))
	second := s.verified(a, 1)
	if second.Verdict != "findings" || len(second.Items) != 1 || second.Items[0].Code != verify.HeadAltered {
		t.Errorf("%+v", second)
	}
	if c := a.verificationCheck(); c.State != Bad {
		t.Errorf("the doctor says %+v", c)
	}
	s.close()
	b, err := OpenStill(t.Context(), s.cfg)
	s.ok(err)
	s.open = b
	b.recallVerified()
	if state, err := (verifications{b}).State(t.Context()); err != nil || state.Last == nil || state.Last.Verdict != "findings" || state.LastFull == nil {
		t.Errorf("remembered: %+v, %v", state, err)
	}
	if !b.checks.begin() || !errors.Is(verifications{b}.Start(t.Context(), domain.ID{}, 0), httpapi.ErrConflict) {
		t.Error("two run at once")
	}
}
