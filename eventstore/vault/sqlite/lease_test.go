package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// TestLeaseClock demands the exact instant at which a lease ends, by the given clock.
func TestLeaseClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "vault.db"), WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	take := func(holder byte) (vault.Lease, error) {
		return s.Lease(t.Context(), "role", domain.ID{holder}, time.Minute, nil)
	}
	if l, err := take(1); err != nil || l.Left != time.Minute || l.Term != 1 {
		t.Errorf("%+v %v", l, err)
	}
	now = now.Add(time.Minute - time.Microsecond)
	if l, err := take(2); !errors.Is(err, vault.ErrHeld) || l.Left != time.Microsecond {
		t.Errorf("just before the end: %+v %v", l, err)
	}
	now = now.Add(time.Microsecond)
	if all, err := s.Leases(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("at the end: %+v %v", all, err)
	}
	if l, err := take(2); err != nil || l.Term != 2 {
		t.Errorf("at the end: %+v %v", l, err)
	}
}

// TestOpenEndsLeases: whoever held one died with the process that had the file open,
// and nobody waits for it; its term is over.
func TestOpenEndsLeases(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openAt(t, path)
	if _, err := s.Lease(t.Context(), "role", domain.ID{1}, time.Hour, []byte("note")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if all, err := s.Leases(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
	if l, err := s.Lease(t.Context(), "role", domain.ID{2}, time.Hour, nil); err != nil || l.Term != 2 {
		t.Errorf("%+v %v", l, err)
	}
}
