package app

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"greffe/domain/part"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/verify"
)

// TestMixed: log, vault and fence of different times are told apart at opening.
func TestMixed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old  []string
		want error
		says string
	}{
		"vault older":     {[]string{"data/vault.db"}, ledger.ErrDiverged, "the vault does not know"},
		"log older":       {[]string{"data/log"}, ledger.ErrDiverged, "restore both"},
		"both older":      {[]string{"data/vault.db", "data/log"}, ErrRolledBack, "--in-place"},
		"fence older":     {[]string{"fence"}, fence.ErrShort, "record 2"},
		"fence missing":   {[]string{"-fence"}, ErrFenceMissing, "--fence-lost"},
		"all of it older": {[]string{"data", "fence"}, nil, ""},
		"nothing":         {nil, nil, ""},
	} {
		s := newSite(t)
		p := s.create("C-1", "C-2", "C-3")
		s.erase(p[0])
		s.close()
		s.app()
		s.close()
		copyDir(t, s.path("data"), s.path("old/data"))
		copyDir(t, s.path("fence"), s.path("old/fence"))
		s.erase(p[1])
		s.create("C-4")
		s.close()
		for _, o := range c.old {
			if gone, ok := strings.CutPrefix(o, "-"); ok {
				s.ok(os.RemoveAll(s.path(gone)))
				continue
			}
			if b, err := os.ReadFile(s.path("old/" + o)); err == nil {
				s.ok(os.WriteFile(s.path(o), b, 0o600))
			} else {
				copyDir(t, s.path("old/"+o), s.path(o))
			}
		}
		a, err := OpenStill(t.Context(), s.cfg)
		if err == nil {
			s.open = a
		}
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		s.close()
	}
}

// TestNewFenceForAnOldLedger: one from before there were fences gets one.
func TestNewFenceForAnOldLedger(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	s.ok(s.app().vault.SetMeta(t.Context(), metaFence, nil))
	s.close()
	s.ok(os.RemoveAll(s.path("fence")))
	if s.app().Fence == nil {
		t.Error("no fence")
	}
	secret, err := s.app().Ledger.Secret("fence")
	s.ok(err)
	k, err := kek.Open(s.cfg.KEK, rand.Reader)
	s.ok(err)
	keys, err := openKeyring(t.Context(), s.app().vault, k, s.app().cfg)
	s.ok(err)
	if mine, err := keys.secret("fence"); err != nil || !bytes.Equal(mine, secret) {
		t.Error("the fence's key is not the ledger's secret")
	}
}

// TestMissingKey: a key that is gone without a destruction is a finding that names
// the position.
func TestMissingKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1", "C-2")
	owner := part.SubjectOwner(p[1].Subject)
	rows, err := s.app().vault.Keys(t.Context(), []part.Owner{owner})
	s.ok(err)
	w, err := s.app().Ledger.Keyring().Wrap(&seal.KeySet{Owner: owner, Rev: rows[0].Rev})
	s.ok(err)
	s.ok(s.app().vault.RewriteKeys(t.Context(), []vault.KeyWrite{w}))
	s.close()
	var found []verify.Finding
	_, _, err = Verify(t.Context(), s.cfg, VerifyOptions{Report: func(f verify.Finding) { found = append(found, f) }})
	s.ok(err)
	if len(found) == 0 {
		t.Fatal("no finding")
	}
	for _, f := range found {
		if f.Code != verify.KeyMissing || f.Position != p[1].Position {
			t.Errorf("%+v", f)
		}
	}
}
