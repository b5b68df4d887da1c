package app

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is every file below some directories, with what is in it and when it was written.
func tree(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			out[path] = fmt.Sprintf("%x %s", sha256.Sum256(b), info.ModTime())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func stored(r *UpgradeReport, name string) UpgradeStore {
	for _, s := range r.Stores {
		if s.Name == name {
			return s
		}
	}
	return UpgradeStore{}
}

// ofFormat makes a file of another format, as a program of another version would have.
func ofFormat(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// closedLedger is a ledger of some facts that nobody has open.
func closedLedger(t *testing.T) (Config, int64) {
	t.Helper()
	a := open(t)
	record(t, a, made("e1", "C-1", past), made("e2", "C-2", past))
	if err := a.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Upgrade(t.Context(), a.cfg, UpgradeOptions{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("looked at a ledger that is open: %v", err)
	}
	n := int64(head(t, a))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return a.cfg, n
}

// TestUpgradeLooks: what is of another format is told with what a start does to it,
// nothing is written, and the start then does it.
func TestUpgradeLooks(t *testing.T) {
	t.Parallel()
	cfg, facts := closedLedger(t)
	view := func(name string) string { return filepath.Join(cfg.Data, "views", name) }
	look := func() *UpgradeReport {
		t.Helper()
		before := tree(t, cfg.Data, cfg.FenceDir)
		r, err := Upgrade(t.Context(), cfg, UpgradeOptions{BackupAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if after := tree(t, cfg.Data, cfg.FenceDir); !maps.Equal(before, after) {
			t.Errorf("looking changed files:\n%v\n%v", before, after)
		}
		return r
	}
	r := look()
	if len(r.Todo)+len(r.Refused) > 0 || r.ToFold != 0 || r.Facts != facts || r.PolicyVersion != 1 {
		t.Fatalf("nothing is to do: %+v", r)
	}
	var made []string
	entries, err := filepath.Glob(view("*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range entries {
		made = append(made, filepath.Base(path))
	}
	var known []string
	for _, v := range viewFiles() {
		known = append(known, v.file)
		if s := stored(r, "read model "+v.name); s.State != UpgradeCurrent || s.Found != v.format || s.Behind != 0 {
			t.Errorf("%s: %+v", v.name, s)
		}
	}
	if slices.Sort(known); !slices.Equal(made, known) {
		t.Errorf("read models are in %q, the check knows %q", made, known)
	}
	ofFormat(t, view("accounts.db"), "UPDATE checkpoint SET version = 1")
	ofFormat(t, view("crm.db"), "PRAGMA user_version = 1")
	ofFormat(t, filepath.Join(cfg.Data, "vault.db"), "PRAGMA user_version = 4")
	if err := os.Remove(view("watch.db")); err != nil {
		t.Fatal(err)
	}
	r = look()
	if a, c, w := stored(r, "read model accounts"), stored(r, "read model crm"), stored(r, "read model watch"); !a.Folded || a.State != UpgradeOlder || !c.Folded || c.Found != 1 || !w.Folded || w.State != UpgradeAbsent {
		t.Errorf("%+v %+v %+v", a, c, w)
	}
	if v := stored(r, "vault"); v.State != UpgradeOlder || !v.NoBack || v.Found != 4 || r.ToFold != 3*facts || r.About <= 0 || r.DiskNeeded <= v.Bytes || len(r.Refused) > 0 {
		t.Errorf("%+v of %+v", v, r)
	}
	if len(r.Todo) != 5 || !strings.HasPrefix(r.Todo[0], "backup: none is younger than 1h") {
		t.Errorf("to do: %q", r.Todo)
	}
	ofFormat(t, filepath.Join(cfg.Data, "vault.db"), "PRAGMA user_version = 5") // a real one of 4: eventstore/vault/sqlite
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.CaughtUp(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	if r = look(); len(r.Todo)+len(r.Refused) > 0 {
		t.Errorf("after the start: %q %q", r.Todo, r.Refused)
	}
}

// TestUpgradeRefuses: what a newer program wrote, and what is damaged, is refused by
// name, before a start would meet it.
func TestUpgradeRefuses(t *testing.T) {
	t.Parallel()
	cfg, _ := closedLedger(t)
	at := func(name ...string) string { return filepath.Join(append([]string{cfg.Data}, name...)...) }
	change := func(path string, fn func([]byte) []byte) func() {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, fn(slices.Clone(b)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	segment := at("log", "00000000000000000000.seg")
	for name, c := range map[string]struct {
		path  string
		fn    func([]byte) []byte
		state string
	}{
		"read model crm":      {at("views", "crm.db"), func(b []byte) []byte { b[63] = 99; return b }, UpgradeNewer},
		"read model accounts": {at("views", "accounts.db"), func(b []byte) []byte { return b[:len(b)/3] }, UpgradeUnread},
		"vault":               {at("vault.db"), func(b []byte) []byte { b[63] = 99; return b }, UpgradeNewer},
		"fact log":            {segment, func(b []byte) []byte { b[8] = 2; return b }, UpgradeNewer},
		"fence":               {filepath.Join(cfg.FenceDir, "fence.jsonl"), func(b []byte) []byte { return []byte(strings.Replace(string(b), `"v":1`, `"v":2`, 1)) }, UpgradeNewer},
	} {
		restore := change(c.path, c.fn)
		r, err := Upgrade(t.Context(), cfg, UpgradeOptions{})
		restore()
		if err != nil || stored(r, name).State != c.state || len(r.Refused) != 1 || !strings.HasPrefix(r.Refused[0], name+": ") {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	damaged := change(segment, func(b []byte) []byte { b[100] ^= 1; return b })
	if r, err := Upgrade(t.Context(), cfg, UpgradeOptions{}); err != nil || len(r.Refused) != 1 || stored(r, "fact log").State != UpgradeUnread {
		t.Errorf("a damaged log: %+v %v", r, err)
	}
	damaged()
	if r, err := Upgrade(t.Context(), cfg, UpgradeOptions{}); err != nil || len(r.Refused) > 0 {
		t.Errorf("put back: %+v %v", r, err)
	}
	cfg.Data = t.TempDir()
	if _, err := Upgrade(t.Context(), cfg, UpgradeOptions{}); !errors.Is(err, ErrNoLedger) {
		t.Errorf("no ledger: %v", err)
	}
}
