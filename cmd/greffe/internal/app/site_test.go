package app

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
	"greffe/eventstore/verify"
)

// site is an installation: data, key, fence and backups side by side.
type site struct {
	*testing.T
	dir  string
	cfg  Config
	open *App
	now  clock
}

// clock is a time that tests set.
type clock struct{ micro atomic.Int64 }

func (c *clock) set(t time.Time)      { c.micro.Store(t.UnixMicro()) }
func (c *clock) read() time.Time      { return time.UnixMicro(c.micro.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.set(c.read().Add(d)) }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir()}
	s.now.set(start)
	s.cfg = Config{Data: s.path("data"), KEK: s.path("kek"), FenceDir: s.path("fence"), Backups: s.path("backups"), Now: s.now.read}
	t.Cleanup(func() { s.close() })
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// app opens the ledger if it is not open.
func (s *site) app() *App {
	s.Helper()
	if s.open == nil {
		a, err := OpenStill(s.Context(), s.cfg)
		s.ok(err)
		s.open = a
	}
	return s.open
}

func (s *site) close() {
	if s.open != nil {
		if err := s.open.Close(); err != nil {
			s.Error(err)
		}
		s.open = nil
	}
}

func (s *site) create(names ...string) (out []ledger.Result) {
	s.Helper()
	for _, n := range names {
		res, err := s.app().Record(s.Context(), [][]byte{[]byte(made("e-"+n, n, past))})
		s.ok(err)
		out = append(out, res[0])
	}
	return out
}

// erase orders and carries out an erasure, of all or of one class; unsaid leaves
// out that it was done.
func (s *site) erase(r ledger.Result, classes ...string) domain.ID {
	s.Helper()
	a := s.app()
	id, err := domain.RandomID(rand.Reader)
	s.ok(err)
	w, err := a.Ledger.Erase(s.Context(), ledger.Erasure{Orders: []ledger.SubjectOrder{{ID: id, Subject: r.Subject}}, Whole: len(classes) == 0, Classes: classes,
		Codes: event.Codes{}.With("ground", "art17.1.b").With("whole", len(classes) == 0)})
	s.ok(err)
	d := erasure.Destruction{Owner: part.SubjectOwner(r.Subject), By: id, Position: w.Position, At: domain.NewTime(s.now.read())}
	if len(classes) > 0 {
		sets, err := a.Ledger.Keyring().Load(s.Context(), []part.Owner{d.Owner})
		s.ok(err)
		d.Keys = sets[0].Doomed(classes)
	}
	s.ok(a.Fence.Append([]erasure.Destruction{d}))
	s.ok(a.Ledger.Destroy(s.Context(), []erasure.Destruction{d}))
	_, err = a.Ledger.Write(s.Context(), []ledger.Own{{Type: event.SubjectErased, Subject: r.Subject, Codes: event.Codes{}.With("order", id.String())}})
	s.ok(err)
	return id
}

func (s *site) backup() string {
	s.Helper()
	dir, _, err := s.app().Backup(s.Context(), s.cfg.Backups, nil)
	s.ok(err)
	s.now.pass(time.Minute)
	return dir
}

// restored opens what a backup gives in a directory of its own.
func (s *site) restored(from string) (*site, Restored) {
	s.Helper()
	other := &site{T: s.T, dir: s.dir, cfg: s.cfg}
	other.now.set(s.now.read())
	other.cfg.Data = filepath.Join(s.TempDir(), "data")
	other.cfg.Now = other.now.read
	done, err := Restore(s.Context(), other.cfg, RestoreOptions{From: from})
	s.ok(err)
	s.Cleanup(func() { other.close() })
	return other, done
}

// reads reports whether anything of an event opens.
func (s *site) reads(r ledger.Result) bool {
	s.Helper()
	a := s.app()
	var facts []*event.Fact
	s.ok(a.log.Read(s.Context(), r.Position, r.Position+1, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		facts = append(facts, f)
		return err
	}))
	opened, err := a.Ledger.Keyring().Open(s.Context(), facts, func(ref *event.PartRef) bool { return ref.Class == "identity" })
	s.ok(err)
	return len(opened[0].Fields) > 0
}

// facts are those of a type, in order.
func (s *site) facts(of event.Type) (out []*event.Fact) {
	s.Helper()
	return slices.DeleteFunc(s.factsFrom(0), func(f *event.Fact) bool { return f.Type != of })
}

// factsFrom are those from a position on, in order.
func (s *site) factsFrom(from domain.Position) (out []*event.Fact) {
	s.Helper()
	head, err := s.app().log.Head(s.Context())
	s.ok(err)
	s.ok(s.app().log.Read(s.Context(), from, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		out = append(out, f)
		return err
	}))
	return out
}

func (s *site) intact() {
	s.Helper()
	s.close()
	sum, _, err := Verify(s.Context(), s.cfg, VerifyOptions{Report: func(f verify.Finding) { s.Errorf("finding: %+v", f) }})
	if err != nil || sum.Facts == 0 {
		s.Errorf("verified %d facts: %v", sum.Facts, err)
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
	_ = filepath.WalkDir(to, func(p string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			return os.Chmod(p, 0o600)
		}
		return nil
	})
}
