package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
	"greffe/eventstore/notary"
)

// ledgers of which every test edits a copy: one as it is, and as it was the day before.
type original struct {
	*site
	old notary.Signed // the last head of yesterday
}

// everything is a ledger with something of all there is, closed, and a copy of its data
// and its fence from the middle of its life. It has two full tiles.
func everything(t *testing.T) *original {
	t.Helper()
	s := newSite(t)
	s.now.set(start.AddDate(1, 0, 0))
	a := s.live()
	for _, v := range []string{"1", "2"} {
		_, _, err := a.PublishNotice(t.Context(), notice("web-form", v, "J'accepte "+v))
		s.ok(err)
	}
	samples(t, a, 250)
	s.covered()
	p := s.tell(addressed("anne"), objecting("anne"), addressed("bea"), objecting("bea"), addressed("cleo"), addressed("dora"), addressed("emma"),
		told("m", "contact.merged", "emma", `{"into":{"subject":"bea"},"reason":"duplicate"}`))
	s.looked(p[0].Subject)
	s.setAside("held-1", "held-2")
	s.forget(p[4].Subject)
	s.forget(p[0].Subject, "contact_details")
	old := s.covered()
	s.close()
	copyDir(t, s.path("data"), s.path("yesterday/data"))
	copyDir(t, s.path("fence"), s.path("yesterday/fence"))

	s.now.pass(24 * time.Hour)
	a = s.live()
	samples(t, a, 700)
	s.looked(p[2].Subject)
	s.setAside("held-3")
	s.forget(p[5].Subject)
	s.forget(p[2].Subject, "contact_details")
	a.Tokens = a.desk(a.Ledger)
	policy, _ := a.Ledger.Policy()
	_, err := a.Tokens.Make(t.Context(), policy, domain.ID{8, 6: 0x40, 8: 0x80}, auth.Request{Label: "auditor", Roles: []string{"auditor"}})
	s.ok(err)
	s.tell(addressed("fred"), objecting("fred"))
	_, err = a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{9, 6: 0x40, 8: 0x80}, Action: "export", Reason: "audit", Ticket: "T-1", Subjects: []domain.ID{p[2].Subject, p[3].Subject}})
	s.ok(err)
	s.ok(a.CaughtUp(t.Context()))
	if now := s.covered(); now.Size < 600 || old.Size > now.Size-200 {
		t.Fatalf("a ledger of %d facts, yesterday of %d", now.Size, old.Size)
	}
	s.close()
	return &original{s, old}
}

// setAside sends what is kept in quarantine.
func (s *site) setAside(ids ...string) {
	s.Helper()
	for _, id := range ids {
		res, err := s.open.Record(s.Context(), [][]byte{[]byte(made(id, id, ahead[:3]+"9"+ahead[4:]))})
		s.ok(err)
		if res[0].Quarantine.IsZero() {
			s.Fatalf("%s is not set aside: %+v", id, res[0])
		}
	}
}

// victim is a copy of a ledger.
type victim struct {
	dir string
	cfg Config
}

func (o *original) victim(dir string) (*victim, error) {
	v := &victim{dir: dir, cfg: o.cfg}
	v.cfg.Data, v.cfg.FenceDir, v.cfg.Backups = filepath.Join(dir, "data"), filepath.Join(dir, "fence"), ""
	return v, errors.Join(os.CopyFS(v.cfg.Data, os.DirFS(o.path("data"))), os.CopyFS(v.cfg.FenceDir, os.DirFS(o.path("fence"))), writable(dir))
}

// writable makes files writable that were copied from ones that are.
func writable(dir string) error {
	return filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(p, 0o600)
	})
}
