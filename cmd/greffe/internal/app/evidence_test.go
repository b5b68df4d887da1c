package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	signednote "golang.org/x/mod/sumdb/note"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/eventstore/access"
	"greffe/eventstore/notary"
	"greffe/eventstore/seal"
)

func (s *site) verifier() signednote.Verifier {
	s.Helper()
	v, err := signednote.NewVerifier(s.app().VKey())
	s.ok(err)
	return v
}

// proved checks a proof with nothing but the key.
func (s *site) proved(v signednote.Verifier, b []byte, err error) *proof.Proved {
	s.Helper()
	s.ok(err)
	g, err := proof.ParseGiven(b)
	s.ok(err)
	p, err := g.Verify(v)
	s.ok(err)
	return p
}

// serving opens the ledger as a service does, with its notary.
func (s *site) serving() *App {
	s.Helper()
	s.close()
	a, err := Open(s.Context(), s.cfg)
	s.ok(err)
	s.open = a
	s.ok(a.CaughtUp(s.Context()))
	return a
}

// TestProofsOutliveErasure (promise 4): what was given as proof verifies as before when
// the person is erased, the same proof can be given again, and the opened part cannot.
func TestProofsOutliveErasure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1", "C-2")
	a := s.serving()
	v := s.verifier()
	before, err := a.Proof(t.Context(), p[0].Event)
	first := s.proved(v, before, err)
	receipt, err := a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "audit", Subjects: []domain.ID{p[0].Subject}})
	s.ok(err)
	opened, err := a.ProofOpened(t.Context(), receipt, p[0].Event, "identity")
	if shown := s.proved(v, opened, err); len(shown.Fields) == 0 {
		t.Error("the opened part shows nothing")
	}
	if _, err := a.ProofOpened(t.Context(), receipt, p[1].Event, "identity"); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("of somebody whom the access does not name: %v", err)
	}
	if _, err := a.ProofOpened(t.Context(), receipt, p[0].Event, "evidence"); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("a part that the event never had: %v", err)
	}
	s.close()
	s.erase(p[0])
	a = s.serving()
	after, err := a.Proof(t.Context(), p[0].Event)
	if again := s.proved(v, after, err); string(after) != string(before) || again.Fact.ID != first.Fact.ID {
		t.Errorf("the proof of an erased person is another:\n%s\n%s", before, after)
	}
	s.proved(v, opened, nil)
	if _, err := a.ProofOpened(t.Context(), receipt, p[0].Event, "identity"); !errors.Is(err, seal.ErrGone) {
		t.Errorf("the part of an erased person: %v", err)
	}
	if _, err := a.Proof(t.Context(), domain.ID{9}); err == nil {
		t.Error("a proof of an event that never was")
	}
}

// TestRolledBackLedgerStaysClosed (craft I7): a data directory put back as a whole does
// not serve, since the head outside says that there was more; a restore says so in the
// log, and signs under another origin from then on.
func TestRolledBackLedgerStaysClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	s.covered()
	s.close()
	copyDir(t, s.path("data"), s.path("yesterday"))
	s.create("C-2")
	lost := s.covered()
	vkey := s.app().VKey()
	s.close()
	copyDir(t, s.path("yesterday"), s.path("data"))
	if _, err := Open(t.Context(), s.cfg); !errors.Is(err, notary.ErrRolledBack) {
		t.Fatalf("it opens: %v", err)
	}
	done, err := Restore(t.Context(), s.cfg, RestoreOptions{})
	s.ok(err)
	a := s.serving()
	if a.VKey() == vkey || !strings.HasSuffix(done.Origin, "/2") {
		t.Errorf("after a restore that lost facts the origin is %s", done.Origin)
	}
	performed := s.facts(event.RestorePerformed)
	if len(performed) != 1 || performed[0].Codes.Int("lost_size") != int64(lost.Size) || performed[0].Codes.String("lost_root") != lost.Root.String() ||
		performed[0].Codes.Int("lineage") != 2 {
		t.Errorf("restore.performed: %+v", performed)
	}
	s.covered()
	s.close()
	if done, err = Restore(t.Context(), s.cfg, RestoreOptions{}); err != nil || !strings.HasSuffix(done.Origin, "/2") {
		t.Errorf("a restore that lost nothing: %+v, %v", done, err)
	}
	s.serving()
	s.covered()
}

// covered waits until all that is recorded is covered by a head.
func (s *site) covered() notary.Signed {
	s.Helper()
	a := s.open
	if a == nil || a.notary == nil {
		a = s.serving()
	}
	head, err := a.Ledger.Head(s.Context())
	s.ok(err)
	signed, err := a.notary.Covering(s.Context(), uint64(head))
	s.ok(err)
	return signed
}

// TestHeadsGoWithBackups: what was signed is in a backup and goes on after a restore.
func TestHeadsGoWithBackups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	signed := s.covered()
	from := s.backup()
	s.close()
	r, done := s.restored(from)
	if done.Origin != signed.Origin {
		t.Errorf("a restore that lost nothing signs as %s", done.Origin)
	}
	a := r.serving()
	got, err := a.notary.At(t.Context(), signed.Size)
	if err != nil || string(got.Note) != string(signed.Note) {
		t.Errorf("the head of %d facts: %v, %v", signed.Size, got, err)
	}
	if err := os.RemoveAll(filepath.Join(r.cfg.Data, tilesDir)); err != nil {
		t.Fatal(err)
	}
	r.serving()
	r.covered()
}

func TestOriginsOfLineages(t *testing.T) {
	t.Parallel()
	id := domain.ID{1, 6: 0x80, 8: 0x80}
	if got := strings.Join(origins(id, 2), " "); got != "greffe/"+id.String()+" greffe/"+id.String()+"/2" {
		t.Error(got)
	}
	h := heading{ledger: id, lineage: 2, seed: make([]byte, 32)}
	signer, err := proof.NewSigner(h.origin(), h.seed)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := proof.SignHead(proof.Head{Origin: h.origin(), Size: 3}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if head, lineage, err := h.open(signed, 2); err != nil || lineage != 2 || head.Size != 3 {
		t.Errorf("%v %d %v", head, lineage, err)
	}
	if _, _, err := h.open(signed, 1); !errors.Is(err, proof.ErrSignature) {
		t.Errorf("a head of a later lineage: %v", err)
	}
	h.seed = append([]byte{1}, h.seed[1:]...)
	if _, _, err := h.open(signed, 2); !errors.Is(err, proof.ErrSignature) {
		t.Errorf("a head of another key: %v", err)
	}
}
