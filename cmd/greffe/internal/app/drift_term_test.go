package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/audit"
)

func (s *site) accesses() (n int) {
	s.Helper()
	for _, err := range s.open.Audit.Accesses(s.Context(), audit.AccessFilter{}) {
		s.ok(err)
		n++
	}
	return n
}

func (s *site) looked(r domain.ID) {
	s.Helper()
	_, err := s.open.Journal.Record(s.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{9, 6: 0x40, 8: 0x80}, Action: "read", Reason: "audit", Subjects: []domain.ID{r}})
	s.ok(err)
	s.ok(s.open.CaughtUp(s.Context()))
}

// TestAccessTerm: accesses go at the policy's term, by whole months, and stay gone
// when the read models are built anew; that they are gone is no drift, and that one
// too many is gone, is.
func TestAccessTerm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	who := s.tell(addressed("one"))[0].Subject
	s.looked(who)
	for range 13 {
		s.now.set(s.now.read().AddDate(0, 1, 0))
		s.looked(who)
	}
	if n := s.accesses(); n != 14 {
		t.Fatalf("%d accesses", n)
	}
	n, err := a.DropAccesses(t.Context(), s.now.read()) // 2 April 2027, of 12 months: all before April 2026
	if err != nil || n != 1 || s.accesses() != 13 {
		t.Fatalf("%d dropped, %d left, %v", n, s.accesses(), err)
	}
	if n, err := a.DropAccesses(t.Context(), s.now.read()); err != nil || n != 0 {
		t.Fatalf("again: %d dropped, %v", n, err)
	}
	s.equalAnew("running", true)
	before := s.facts(event.AccessRecorded)
	for i, want := range []int{1, 0} { // the key of March 2026, once
		if n, err := a.ExpireJournal(t.Context(), s.now.read()); err != nil || n != want {
			t.Fatalf("%d keys destroyed in call %d, %v", n, i, err)
		}
	}
	opened, err := a.Ledger.Keyring().Open(t.Context(), before, nil)
	s.ok(err)
	for i := range opened {
		if gone := len(opened[i].Gone) > 0; gone != (i == 0) {
			t.Errorf("access %d of %s is gone: %t", i, before[i].Time, gone)
		}
	}
	s.equalAnew("without the key", true)
	s.intact()
	s.app()
	s.close()
	_, err = s.app().Rebuild(t.Context(), nil, nil)
	s.ok(err)
	if n := s.accesses(); n != 13 {
		t.Fatalf("%d accesses after a rebuild", n)
	}
	s.close()
	s.app()
	s.equalAnew("rebuilt", true)
	_, err = s.open.Audit.DropAccessesBefore(t.Context(), s.now.read())
	s.ok(err)
	s.equalAnew("dropped before their term", false)
}

// equalAnew compares with fresh read models.
func (s *site) equalAnew(when string, equal bool) {
	s.Helper()
	all, err := s.open.drift(s.Context(), head(s.T, s.open), nil)
	s.ok(err)
	same := true
	for _, d := range all {
		if same = same && d.Equal; d.Equal != equal && (equal || d.Projection == "audit") {
			s.Errorf("%s: %+v", when, d)
		}
	}
	if same != equal {
		s.Errorf("%s: equal %v", when, same)
	}
}

// TestKeepTerm: a service drops them by itself.
func TestKeepTerm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	s.looked(s.tell(addressed("one"))[0].Subject)
	s.now.set(s.now.read().AddDate(2, 0, 0))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.keepTerm(ctx) }()
	for s.accesses() > 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
}

// TestScratchSwept: read models that a crashed verification left are removed when the
// data directory is opened.
func TestScratchSwept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	s.close()
	left := filepath.Join(s.cfg.Data, scratch+"123")
	s.ok(os.MkdirAll(filepath.Join(left, "deep"), 0o700))
	s.ok(os.WriteFile(filepath.Join(left, "index.db"), []byte("x"), 0o600))
	s.app()
	s.equalAnew("swept", true)
	names, err := filepath.Glob(filepath.Join(s.cfg.Data, scratch+"*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left: %v, %v", names, err)
	}
}
