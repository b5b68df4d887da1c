package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/domain/proof"
	"greffe/eventstore/notary"
)

// TestRollBackOfEverything puts data, fence and the copy of the head back to yesterday
// together. Nothing on the machine shows that: verification is green. Whoever kept a head
// or a proof elsewhere sees it: the ledger has no head as large, or, when it has grown
// again, one of another tree.
func TestRollBackOfEverything(t *testing.T) {
	t.Parallel()
	o := everything(t)
	s := o.site
	a := s.serving()
	now := s.covered()
	checker := s.verifier()
	of := s.facts("contact.created")
	given, err := a.Proof(t.Context(), of[len(of)-1].ID)
	mine := s.proved(checker, given, err)
	s.close()
	copied := filepath.Join(s.cfg.copiesDir(), "head")
	kept, err := os.ReadFile(copied)
	s.ok(err)

	v := &victim{s.dir, s.cfg}
	s.ok(errors.Join(o.rollBack(v, "data", s.cfg.Data), o.rollBack(v, "fence", s.cfg.FenceDir)))
	if said, found := v.verify(t.Context()); found {
		t.Fatalf("it is seen without anything kept elsewhere; say so in the documentation: %s", said)
	}
	a = s.serving()
	if latest, ok := a.notary.Latest(); !ok || latest.Size != o.old.Size || latest.Size >= mine.Head.Size {
		t.Errorf("the head of a ledger that was rolled back: %v", latest)
	}
	if _, err := a.notary.Consistency(t.Context(), o.old.Size, mine.Head.Size); !errors.Is(err, notary.ErrNotShown) {
		t.Errorf("that it goes on to the head of the proof: %v", err)
	}
	if _, err := a.Proof(t.Context(), mine.Fact.ID); err == nil {
		t.Error("the fact can be proved still")
	}
	s.close()
	s.keptElsewhere(v, kept, "head_missing")

	a = s.serving()
	samples(t, a, 900) // others than were lost, by their ids and times at least
	grown := s.covered()
	if grown.Size < now.Size {
		t.Fatalf("grown to %d, was %d", grown.Size, now.Size)
	}
	path, err := a.notary.Consistency(t.Context(), now.Size, grown.Size)
	s.ok(err)
	if err := proof.CheckConsistency(path, now.Size, grown.Size, now.Root, grown.Root); err == nil {
		t.Error("the ledger's head agrees with one of facts that it lost")
	}
	if err := proof.CheckConsistency(path, mine.Head.Size, grown.Size, mine.Head.Root, grown.Root); err == nil {
		t.Error("the ledger's head agrees with a proof of a fact that it lost")
	}
	s.close()
	s.keptElsewhere(v, kept, "head_forked")
}

// keptElsewhere puts the copy of a head that was kept elsewhere in place, has all
// verified, and puts back what was there.
func (s *site) keptElsewhere(v *victim, kept []byte, want string) {
	s.Helper()
	path := filepath.Join(s.cfg.copiesDir(), "head")
	was, err := os.ReadFile(path)
	s.ok(errors.Join(err, os.WriteFile(path, kept, 0o600)))
	if said, _ := v.verify(s.Context()); !strings.HasPrefix(said, want) {
		s.Errorf("with the head that was kept elsewhere: %q, want %s", said, want)
	}
	s.ok(os.WriteFile(path, was, 0o600))
}

// TestRollBackUnfenced puts a whole data directory back to a day since which nobody was
// erased: the copy of the head outside shows it.
func TestRollBackUnfenced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	s.covered()
	s.close()
	copyDir(t, s.path("data"), s.path("yesterday"))
	s.create("C-2")
	lost := s.covered()
	s.close()
	copyDir(t, s.path("yesterday"), s.path("data"))
	v := &victim{s.dir, s.cfg}
	said, found := v.verify(t.Context())
	if !found || !strings.HasPrefix(said, "head_missing") {
		t.Errorf("nothing was found of a log that had %d facts: %q", lost.Size, said)
	}
}
