package app

import (
	"crypto/rand"
	"errors"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/fence"
)

// TestLearned: a node that is told of destructions looks whether its ledger knows their
// orders. One that does not was put back, and people who were erased can be read in it.
func TestLearned(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	people := s.create("C-1", "C-2")
	s.erase(people[0])
	a := s.app()
	s.ok(a.learned(t.Context(), 0))
	mark := a.Fence.Mark().Number
	by, err := domain.RandomID(rand.Reader)
	s.ok(err)
	s.ok(a.Fence.Append([]erasure.Destruction{{Owner: part.SubjectOwner(people[1].Subject), By: by, Position: 99, At: domain.NewTime(s.now.read())}}))
	for _, after := range []int64{0, mark} {
		if err := a.learned(t.Context(), after); !errors.Is(err, ErrRolledBack) {
			t.Errorf("an order that the ledger does not know, after %d: %v", after, err)
		}
	}
	s.ok(a.learned(t.Context(), mark+1))
	s.ok(writeState(t.Context(), a.vault, fenceState{Replayed: mark + 1}))
	s.ok(a.learned(t.Context(), 0))
}

// TestAhead: a fence that goes further than the vault's copy of it, as after a standby
// took over that lacked the last commits, is believed: whoever it names is destroyed in
// the vault, or the node does not open.
func TestAhead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	people := s.create("C-1", "C-2")
	order := s.erase(people[0])
	a := s.app()
	begin := func() error {
		a.relay = &fence.Relay{Fence: a.Fence, Vault: a.vault}
		if _, err := a.relay.Pull(t.Context()); err != nil {
			return err
		}
		return a.ahead(t.Context())
	}
	s.ok(begin()) // nothing is there yet
	s.ok(a.relay.Push(t.Context()))
	s.ok(begin())
	lost := []erasure.Destruction{{Owner: part.SubjectOwner(people[1].Subject), By: order, Position: 1, At: domain.NewTime(s.now.read())}}
	s.ok(a.Fence.Append(lost))
	if err := begin(); !errors.Is(err, ErrRolledBack) {
		t.Errorf("somebody erased is back: %v", err)
	}
	s.ok(a.Ledger.Destroy(t.Context(), lost))
	s.ok(begin())
}
