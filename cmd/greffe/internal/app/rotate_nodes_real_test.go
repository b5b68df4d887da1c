//go:build real

package app

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/postgres/pgtest"
)

// TestRotationOfNodesWithAKeyFileEach goes the way that keys_by_hand names: no node rotates
// a key of which the others have copies, nobody does while one serves; once all are
// stopped, one does, with its own settings; a node with the old file does not open the
// vault; with the new one all do, and what was recorded before is read at each.
func TestRotationOfNodesWithAKeyFileEach(t *testing.T) {
	dir, pg, log := t.TempDir(), pgtest.Start(t), esdbtest.Start(t, esdbtest.Options{})
	stores := Stores{LogStore: log.URL(), VaultStore: pg.URL(t)}
	var cfg [2]Config
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range cfg {
		name := filepath.Join(dir, string(rune('a'+i)))
		cfg[i] = Config{Data: name, KEK: name + ".key", FenceDir: name + ".fence", Backups: filepath.Join(dir, "backups"), Stores: stores}
	}
	ok(kek.Create(cfg[0].KEK, "k1", rand.Reader))
	give := func() {
		t.Helper()
		b, err := os.ReadFile(cfg[0].KEK)
		ok(err)
		ok(os.WriteFile(cfg[1].KEK, b, 0o600))
	}
	give()
	open := func(i int) *App {
		t.Helper()
		a, err := Open(t.Context(), cfg[i])
		ok(err)
		t.Cleanup(func() { _ = a.Close() })
		ok(a.Join(t.Context()))
		return a
	}
	a, b := open(0), open(1)
	before, err := a.Record(t.Context(), [][]byte{[]byte(made("e-1", "C-1", past))})
	ok(err)
	for _, n := range []*App{a, b} {
		if err := (keyDesk{n}).Rotate(t.Context(), domain.ID{1}); !errors.Is(err, problem.New(problem.KeysByHand)) {
			t.Errorf("a node rotated a key that others have a copy of: %v", err)
		}
	}
	ok(a.Close())
	if _, err := Rotate(t.Context(), cfg[0], RotateOptions{Backups: cfg[0].Backups}); !errors.Is(err, errServed) {
		t.Fatalf("a rotation while another node serves: %v", err)
	}
	ok(b.Close())
	done, err := Rotate(t.Context(), cfg[0], RotateOptions{Backups: cfg[0].Backups})
	if err != nil || strings.Join(done.From, " ") != "k1" || done.To != "k2" {
		t.Fatal(done, err)
	}
	if late, err := Open(t.Context(), cfg[1]); err == nil {
		t.Errorf("a node with the old file opened: %v", late.Close())
	}
	give()
	a, b = open(0), open(1)
	after, err := b.Record(t.Context(), [][]byte{[]byte(made("e-2", "C-2", past))})
	ok(err)
	for i, n := range []*App{a, b} {
		ok(n.CaughtUp(t.Context()))
		for _, r := range append(before, after...) {
			_, f, err := n.Dossier.Fact(t.Context(), r.Event)
			ok(err)
			opened, err := n.Ledger.Keyring().Open(t.Context(), []*event.Fact{f}, nil)
			ok(err)
			if len(opened[0].Fields) == 0 {
				t.Errorf("node %d does not open %s", i, r.Event)
			}
		}
	}
}
