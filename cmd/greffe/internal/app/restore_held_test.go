package app

import (
	"errors"
	"testing"
	"time"

	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// holds reports whether a quarantined input can be read.
func (s *site) holds(r ledger.Result) bool {
	s.Helper()
	_, f, err := s.open.Dossier.Fact(s.Context(), r.Quarantine)
	s.ok(err)
	_, err = s.open.Ledger.Held(s.Context(), f)
	if err != nil && !errors.Is(err, ledger.ErrNotHeld) {
		s.Fatal(err)
	}
	return err == nil
}

// TestRestoreTakesWhatWasSetAside (promise 5): neither a quarantined input about
// somebody who was erased after the backup comes back, nor a message about an
// erasure that its recipients took since. No facts are written about either, and
// verification knows why they are gone.
func TestRestoreTakesWhatWasSetAside(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	p := s.tell(addressed("anne"), addressed("bea"), crmContact("e-carl", "carl"))
	bad := func(who string) ledger.Result {
		t.Helper()
		res, err := s.open.Record(t.Context(), [][]byte{[]byte(made("bad-"+who, who, ahead))})
		s.ok(err)
		if res[0].Status != ledger.Quarantined {
			t.Fatalf("%+v", res)
		}
		return res[0]
	}
	anne, bea := bad("anne"), bad("bea")
	s.ok(a.CaughtUp(t.Context()))
	s.forget(p[2].Subject)
	staged := s.facts(event.ErasureStaged)[0]
	message := part.DeliveryOwner(staged.Codes.ID("order"))
	from := s.backup()
	s.forget(p[0].Subject)
	if n, err := s.open.DeliveriesDue(t.Context(), s.now.read().Add(31*24*time.Hour)); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	s.close()

	inPlace := &site{T: t, dir: t.TempDir(), cfg: s.cfg}
	inPlace.cfg.Data = inPlace.path("data")
	inPlace.cfg.FenceDir = inPlace.path("fence")
	copyDir(t, s.path("fence"), inPlace.path("fence"))
	copyDir(t, from, inPlace.path("data"))
	t.Cleanup(inPlace.close)
	inPlace.now.set(s.now.read())
	inPlace.cfg.Now = inPlace.now.read
	_, err := Restore(t.Context(), inPlace.cfg, RestoreOptions{})
	s.ok(err)
	restored, _ := s.restored(from)
	for what, r := range map[string]*site{"from a backup": restored, "in place": inPlace} {
		a := r.live()
		if r.holds(anne) || !r.holds(bea) {
			t.Errorf("%s: held of who was erased: %t, of who was not: %t", what, r.holds(anne), r.holds(bea))
		}
		rows, err := a.vault.Keys(t.Context(), []part.Owner{message})
		s.ok(err)
		opened, err := a.Ledger.Keyring().Open(t.Context(), []*event.Fact{staged}, nil)
		s.ok(err)
		if !rows[0].Destroyed || rows[0].By != message.ID || len(opened[0].Fields) > 0 {
			t.Errorf("%s: the message is back: %+v, %d fields", what, rows[0], len(opened[0].Fields))
		}
		if n := len(r.facts(event.IngestReleased)) + len(r.facts(event.PartRedacted)); n != 0 {
			t.Errorf("%s: %d facts about what is nobody's", what, n)
		}
		res, err := a.Record(t.Context(), [][]byte{[]byte(made("bad-anne", "anne", ahead))})
		if err != nil || res[0].Status != ledger.Erased {
			t.Errorf("%s: the same sent again: %+v %v", what, res, err)
		}
		s.ok(a.CaughtUp(t.Context()))
		if _, err := a.ExpireHeld(t.Context(), r.now.read().AddDate(0, 0, 31)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if r.holds(bea) {
			t.Errorf("%s: what is held does not expire", what)
		}
		r.intactAnew()
	}
}
