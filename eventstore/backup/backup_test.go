package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/backup"
	"greffe/eventstore/embedded"
	"greffe/eventstore/fence"
)

var (
	secret = bytes.Repeat([]byte{5}, 32)
	noon   = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
)

// vaultFile stands for a vault: content, and what happens when its copy ends.
type vaultFile struct {
	content string
	before  func() error
	after   func()
}

func (v *vaultFile) Backup(_ context.Context, path string, atEnd func() error, progress func(done, total int64)) error {
	if v.before != nil {
		if err := v.before(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path, []byte(v.content), 0o600); err != nil {
		return err
	}
	if err := atEnd(); err != nil {
		return err
	}
	progress(1, 1)
	if v.after != nil {
		v.after()
	}
	return nil
}

type world struct {
	t     *testing.T
	log   *embedded.Log
	vault *vaultFile
	dst   string
	src   backup.Source
}

func openLog(dir string) (eventstore.Log, error) {
	return embedded.Open(dir, embedded.Options{SegmentBytes: 32 << 10})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, vault: &vaultFile{content: "vault"}, dst: filepath.Join(t.TempDir(), "backups")}
	var err error
	if w.log, err = embedded.Open(filepath.Join(t.TempDir(), "log"), embedded.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.log.Close() })
	w.src = backup.Source{
		Ledger: domain.ID{4}, Log: w.log, Vault: w.vault, OpenLog: openLog, KEK: "k1", Secret: secret, Program: "test",
		Fence: func() fence.Mark { return fence.Mark{Number: 2, Hash: fence.Hash{9}, Position: 7} }, Made: domain.NewTime(noon),
	}
	w.append(500)
	return w
}

// append adds n facts of about 200 bytes.
func (w *world) append(n int) {
	head, err := w.log.Head(context.Background())
	var facts [][]byte
	for i := range n {
		facts = append(facts, fmt.Appendf(nil, `{"fact":%d,"x":"%0200d"}`, int(head)+i, i))
	}
	if err := errors.Join(err, w.log.Append(context.Background(), head, facts)); err != nil {
		w.t.Error(err)
	}
}

func (w *world) create() (string, *backup.Manifest) {
	w.t.Helper()
	dir, m, err := backup.Create(w.t.Context(), w.dst, &w.src)
	if err != nil {
		w.t.Fatal(err)
	}
	w.src.Made.Time = w.src.Made.Add(time.Second)
	return dir, m
}

func (w *world) facts(l eventstore.Log, to domain.Position) (out []string, root string) {
	w.t.Helper()
	var tree proof.Frontier
	err := l.Read(w.t.Context(), 0, to, func(_ domain.Position, b []byte) error {
		out = append(out, string(b))
		tree.Add(proof.LeafHash(b))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out, tree.Root().String()
}

// TestRoundTrip: what is unpacked is what was there at the barrier, however much
// is written meanwhile, and nothing is left beside it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var before, after atomic.Bool
	w.vault.before = func() error { w.append(30); before.Store(true); return nil }
	w.vault.after = func() { w.append(40); after.Store(true) }
	steps := map[string]int64{}
	w.src.Progress = func(step string, done, total int64) {
		if done > total {
			t.Errorf("%s: %d of %d", step, done, total)
		}
		steps[step] = done
	}
	dir, made := w.create()
	if !before.Load() || !after.Load() || made.Position != 530 {
		t.Errorf("the barrier is at %d", made.Position)
	}
	if steps["log"] != 530 || steps["hash"] != made.Bytes() || steps["vault"] != 1 {
		t.Errorf("progress %v", steps)
	}
	m, err := backup.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Verify(secret), m.Check(t.Context(), dir, nil), m.Sizes(dir)); err != nil {
		t.Error(err)
	}
	if m.Ledger != w.src.Ledger || m.KEK != "k1" || m.Fence != (backup.FenceMark{Number: 2, Hash: fmt.Sprintf("09%062d", 0), Position: 7}) ||
		m.Program != "test" || !m.Made.Equal(noon) || filepath.Base(dir) != "20260901T120000Z-530" {
		t.Errorf("%+v in %s", m, dir)
	}
	dest := filepath.Join(t.TempDir(), "data")
	if err := m.Unpack(t.Context(), dir, dest, nil); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(filepath.Join(dest, backup.LogName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	head, err := l.Head(t.Context())
	if err != nil || head != 530 {
		t.Fatalf("the copy's head is %d: %v", head, err)
	}
	got, root := w.facts(l, head)
	want, _ := w.facts(w.log, head)
	if !slices.Equal(got, want) || root != m.Root {
		t.Error("the copied facts are others")
	}
	if b, err := os.ReadFile(filepath.Join(dest, backup.VaultName)); string(b) != "vault" {
		t.Error(err)
	}
	if err := m.Unpack(t.Context(), dir, dest, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into what is there: %v", err)
	}
	if names, _ := os.ReadDir(w.dst); len(names) != 1 {
		t.Errorf("left beside: %v", names)
	}
}

// TestAltered: each changed, cut, missing or exchanged file is named, by a look
// at the sizes where that can tell, by Check and by Unpack.
func TestAltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, m := w.create()
	w.append(100)
	w.vault.content = "wault"
	other, _ := w.create()
	if len(m.Files) < 3 {
		t.Fatalf("only %d files", len(m.Files))
	}
	for _, f := range m.Files {
		path := filepath.Join(dir, f.Name)
		right, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(right)
		flipped[len(flipped)/2] ^= 1
		others, err := os.ReadFile(filepath.Join(other, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{"flipped": flipped, "cut": right[:len(right)-1], "exchanged": others} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var altered *backup.AlteredError
			if err := m.Check(t.Context(), dir, nil); !errors.As(err, &altered) || altered.File != f.Name || !errors.Is(err, backup.ErrAltered) {
				t.Errorf("%s %s: %v", f.Name, name, err)
			}
			if err := m.Unpack(t.Context(), dir, filepath.Join(t.TempDir(), "data"), nil); !errors.As(err, &altered) || altered.File != f.Name {
				t.Errorf("%s %s: %v", f.Name, name, err)
			}
			if err := m.Sizes(dir); len(content) != len(right) && !errors.As(err, &altered) {
				t.Errorf("%s %s: %v", f.Name, name, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := m.Check(t.Context(), dir, nil); !errors.Is(err, backup.ErrAltered) || !strings.Contains(err.Error(), f.Name+" is missing") {
			t.Errorf("%s missing: %v", f.Name, err)
		}
		if err := os.WriteFile(path, right, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Check(t.Context(), dir, nil); err != nil {
		t.Error(err)
	}
}

// TestManifest: no byte of it can change, and only the ledger's secret signs it.
func TestManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, m := w.create()
	if read, err := backup.Read(dir); err != nil || read.Verify([]byte("other")) == nil {
		t.Errorf("another secret: %v", err)
	}
	path := filepath.Join(dir, backup.ManifestName)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range right {
		b := bytes.Clone(right)
		b[i] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if read, err := backup.Read(dir); err == nil && !errors.Is(read.Verify(secret), backup.ErrForged) {
			t.Fatalf("byte %d changed unseen", i)
		}
	}
	for name, edit := range map[string]string{
		`"log/`: `"../x`, `"v":1`: `"v":2`, `"kek"`: `"kei"`, `"name":"vault.db"`: `"name":"manifest.json"`,
	} {
		if err := os.WriteFile(path, bytes.ReplaceAll(right, []byte(name), []byte(edit)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Read(dir); !errors.Is(err, backup.ErrNone) {
			t.Errorf("%s as %s: %v", name, edit, err)
		}
	}
	if _, err := backup.Read(w.dst); !errors.Is(err, backup.ErrNone) {
		t.Error(err)
	}
	if m.Bytes() < 500*200 {
		t.Errorf("%d bytes", m.Bytes())
	}
}

// TestFailures leave no backup and nothing else; a crash's rest goes with the next.
func TestFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boom := errors.New("boom")
	partial := filepath.Join(w.dst, ".partial-"+w.src.Ledger.String())
	w.vault.before = func() error { return boom }
	if _, _, err := backup.Create(t.Context(), w.dst, &w.src); !errors.Is(err, boom) {
		t.Error(err)
	}
	w.vault.before = nil
	w.src.OpenLog = func(string) (eventstore.Log, error) { return nil, boom }
	if _, _, err := backup.Create(t.Context(), w.dst, &w.src); !errors.Is(err, boom) {
		t.Error(err)
	}
	w.src.OpenLog = openLog
	if err := errors.Join(os.MkdirAll(filepath.Join(partial, "log"), 0o700), os.WriteFile(filepath.Join(partial, "vault.db"), []byte("torn"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if found, err := backup.List(w.dst); err != nil || len(found) != 0 {
		t.Errorf("a crash is listed: %v %v", found, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	w.vault.after = cancel
	if _, _, err := backup.Create(ended, w.dst, &w.src); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	w.vault.after = nil
	if names, err := os.ReadDir(w.dst); err != nil || len(names) != 0 {
		t.Errorf("left: %v %v", names, err)
	}
	w.create()
	w.src.Made = domain.NewTime(noon)
	if _, _, err := backup.Create(t.Context(), w.dst, &w.src); !errors.Is(err, backup.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if names, err := os.ReadDir(w.dst); err != nil || len(names) != 1 {
		t.Errorf("left: %v %v", names, err)
	}
}

// TestList: the newest first; what is no backup says so, what is none is left out.
func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if found, err := backup.List(w.dst); err != nil || found != nil {
		t.Errorf("no directory: %v %v", found, err)
	}
	first, _ := w.create()
	w.append(10)
	second, _ := w.create()
	for _, name := range []string{"20990101T000000Z-9", "notes", "2026-09"} {
		if err := os.Mkdir(filepath.Join(w.dst, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	found, err := backup.List(w.dst)
	if err != nil || len(found) != 3 || !errors.Is(found[0].Err, backup.ErrNone) || found[1].Dir != second || found[2].Dir != first ||
		found[1].Manifest.Position != 510 {
		t.Errorf("%+v %v", found, err)
	}
}

// TestEmptyLedger: a backup of nothing is one.
func TestEmptyLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty, err := embedded.Open(filepath.Join(t.TempDir(), "log"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	w.src.Log, w.src.Fence = empty, func() fence.Mark { return fence.Mark{} }
	dir, m := w.create()
	if err := m.Check(t.Context(), dir, nil); err != nil || m.Position != 0 || m.Fence.Hash != "" || m.Root != proof.EmptyRoot().String() {
		t.Errorf("%+v %v", m, err)
	}
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	f.Add([]byte(`{"v":1,"files":[],"mac":"` + strings.Repeat("0", 64) + "\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, backup.ManifestName)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := backup.Read(dir)
		if err != nil && !errors.Is(err, backup.ErrNone) {
			t.Error(err)
		}
		if err == nil && m.Verify(secret) == nil {
			t.Error("forged")
		}
	})
}
