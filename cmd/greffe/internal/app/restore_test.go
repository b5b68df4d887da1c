package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/backup"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault/kek"
)

// TestRestoreBringsNobodyBack (promise 5): every earlier backup, restored, shows
// the erasures that came after it, whole and by class, and the ledger goes on.
func TestRestoreBringsNobodyBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1", "C-2", "C-3", "C-4")
	first := s.backup()
	order := s.erase(p[0])
	second := s.backup()
	s.erase(p[1], "identity")
	s.erase(p[2])
	s.close()

	for name, c := range map[string]struct {
		from    string
		unknown int
	}{"before all": {first, 3}, "after one": {second, 2}} {
		r, done := s.restored(c.from)
		for i, want := range []bool{false, false, false, true} {
			if got := r.reads(p[i]); got != want {
				t.Errorf("%s: person %d reads: %t", name, i+1, got)
			}
		}
		if done.Replayed != 3 || done.Erasures != int64(c.unknown) {
			t.Errorf("%s: %+v", name, done)
		}
		performed := r.facts(event.RestorePerformed)
		if len(performed) != 1 || performed[0].Codes.Int("fence_number") != 3 || performed[0].Codes.Int("position") != int64(done.Position) ||
			performed[0].Codes.Bool("lost") || performed[0].Codes.String("from") != "backup" {
			t.Fatalf("%s: %d restore.performed", name, len(performed))
		}
		said := map[domain.ID]event.Codes{}
		for _, f := range r.facts(event.SubjectErased) {
			if f.Codes.Bool("restored") {
				said[f.Subject] = f.Codes
			}
		}
		if len(said) != c.unknown || !said[p[2].Subject].Bool("whole") || said[p[1].Subject].Bool("whole") ||
			strings.Join(said[p[1].Subject].Strings("classes"), " ") != "identity" {
			t.Errorf("%s: restored erasures %v", name, said)
		}
		if _, told := said[p[0].Subject]; told != (c.unknown == 3) || told && said[p[0].Subject].ID("order") != order {
			t.Errorf("%s: the first erasure is told: %t", name, told)
		}
		res, err := r.app().Record(t.Context(), [][]byte{[]byte(strings.Replace(made("late", "C-1", past), "contact.created", "contact.changed", 1))})
		if err != nil || res[0].Status != ledger.Erased {
			t.Errorf("%s: upstream's change of an erased person: %+v %v", name, res, err)
		}
		r.create("C-5")
		r.erase(p[3]) // at a position lower than those the fence has
		r.close()
		if r.reads(p[3]) {
			t.Errorf("%s: an erasure after the restore", name)
		}
		r.intact()
		// The fence now has a destruction of that other future: s never saw it.
		copyDir(t, s.path("fence"), s.path("fence-after"))
		s.cfg.FenceDir = s.path("fence")
		cut(t, s)
	}
}

// cut takes the last record away again, as if each restore had a fence of its own.
func cut(t *testing.T, s *site) {
	t.Helper()
	path := filepath.Join(s.cfg.FenceDir, "fence.jsonl")
	b, err := os.ReadFile(path)
	s.ok(err)
	b = b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1]
	s.ok(errors.Join(os.WriteFile(path, b, 0o600), os.Remove(filepath.Join(s.cfg.FenceDir, "head"))))
}

// TestRestoreRefuses, each with what to do about it, and leaves no data directory.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	base := newSite(t)
	p := base.create("C-1", "C-2")
	base.erase(p[0])
	base.close()
	copyDir(t, base.path("fence"), base.path("fence-older"))
	base.erase(p[1])
	from := base.backup()
	base.close()
	other := newSite(t)
	other.erase(other.create("X")[0])
	other.close()
	flip := func(path string) {
		b, err := os.ReadFile(path)
		base.ok(err)
		b[len(b)/2] ^= 1
		base.ok(os.WriteFile(path, b, 0o600))
	}
	for name, c := range map[string]struct {
		change func(cfg *Config, o *RestoreOptions)
		want   error
		says   string
	}{
		"a ledger is there":   {func(cfg *Config, _ *RestoreOptions) { cfg.Data = base.cfg.Data }, ErrNotEmpty, "move this one away"},
		"no backup":           {func(_ *Config, o *RestoreOptions) { o.From = base.dir }, backup.ErrNone, "no backup"},
		"a byte of the vault": {func(_ *Config, o *RestoreOptions) { flip(filepath.Join(o.From, "vault.db")) }, backup.ErrAltered, "vault.db"},
		"a byte of the log":   {func(_ *Config, o *RestoreOptions) { flip(filepath.Join(o.From, "log", "00000000000000000000.seg")) }, backup.ErrAltered, "log/"},
		"no key file":         {func(cfg *Config, _ *RestoreOptions) { cfg.KEK = base.path("absent") }, kek.ErrMissing, "key file is missing"},
		"another's key":       {func(cfg *Config, _ *RestoreOptions) { cfg.KEK = other.cfg.KEK }, kek.ErrWrongKey, "belongs to another ledger"},
		"no fence":            {func(cfg *Config, _ *RestoreOptions) { cfg.FenceDir = base.path("absent") }, fence.ErrMissing, "--fence-lost"},
		"another's fence":     {func(cfg *Config, _ *RestoreOptions) { cfg.FenceDir = other.cfg.FenceDir }, fence.ErrOther, "another ledger's"},
		"an older fence":      {func(cfg *Config, _ *RestoreOptions) { cfg.FenceDir = base.path("fence-older") }, fence.ErrShort, "newest copy"},
		"a damaged fence":     {func(cfg *Config, _ *RestoreOptions) { flip(filepath.Join(cfg.FenceDir, "fence.jsonl")) }, fence.ErrDamaged, "line"},
		"an edited manifest": {func(_ *Config, o *RestoreOptions) {
			edit(t, filepath.Join(o.From, "manifest.json"), `"0.1.0"`, `"0.1.1"`)
		}, backup.ErrForged, "altered"},
		"in place, where none": {func(cfg *Config, o *RestoreOptions) { o.From = "" }, ErrNoLedger, "no ledger"},
	} {
		cfg, o := base.cfg, RestoreOptions{From: filepath.Join(t.TempDir(), filepath.Base(from))}
		copyDir(t, from, o.From)
		cfg.Data, cfg.FenceDir = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "fence")
		copyDir(t, base.path("fence"), cfg.FenceDir)
		c.change(&cfg, &o)
		if _, err := Restore(t.Context(), cfg, o); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(cfg.Data + ".restoring"); err == nil {
			t.Errorf("%s: something is left", name)
		}
		if _, err := os.Stat(cfg.Data); err == nil && cfg.Data != base.cfg.Data {
			t.Errorf("%s: there is a data directory", name)
		}
	}
	if base.reads(p[0]) {
		t.Error("the ledger that was there changed")
	}
}

func edit(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte(old)) {
		t.Fatal(err, "nothing to edit")
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFenceLost: reads stay closed, over restarts, until somebody confirms; why is
// sealed.
func TestFenceLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1")
	from := s.backup()
	s.erase(p[0])
	s.close()
	s.ok(os.Rename(s.path("data"), s.path("burnt")))
	s.ok(os.Rename(s.path("fence"), s.path("gone")))
	if _, err := Restore(t.Context(), s.cfg, RestoreOptions{From: from}); !errors.Is(err, fence.ErrMissing) {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), s.cfg, RestoreOptions{From: from, FenceLost: "zqREASONqz burnt"})
	if err != nil || !done.FenceLost {
		t.Fatal(done, err)
	}
	for range 2 {
		if s.app().Readable() == nil {
			t.Error("reads are open before anybody looked")
		}
		s.close()
	}
	performed := s.facts(event.RestorePerformed)
	if len(performed) != 1 || !performed[0].Codes.Bool("lost") || len(performed[0].Parts) != 1 || performed[0].Parts[0].Class != "requests" {
		t.Errorf("%+v", performed)
	}
	for _, path := range []string{"data/log/00000000000000000000.seg", "data/vault.db", "data/vault.db-wal"} {
		if b, _ := os.ReadFile(s.path(path)); bytes.Contains(b, []byte("zqREASONqz")) {
			t.Errorf("the reason stands in clear in %s", path)
		}
	}
	if at, err := s.app().ConfirmRestore(t.Context(), domain.ID{9}, "looked into"); err != nil || at == 0 {
		t.Error(at, err)
	}
	if _, err := s.app().ConfirmRestore(t.Context(), domain.ID{9}, "again"); err == nil {
		t.Error("confirmed twice")
	}
	for range 2 {
		if err := s.app().Readable(); err != nil {
			t.Error(err)
		}
		s.close()
	}
	if f := s.facts(event.RestoreConfirmed); len(f) != 1 || f[0].Actor != (domain.ID{9}) || f[0].Codes.Int("restore") != int64(done.Recorded) {
		t.Errorf("%+v", f)
	}
	s.erase(p[0])
	s.intact()
}

// TestRolledBack: a data directory put back from an older copy does not open until
// it was brought in line with the fence; a crash in between changes nothing.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1", "C-2")
	s.close()
	copyDir(t, s.path("data"), s.path("snapshot"))
	s.erase(p[0])
	s.create("C-3", "C-4", "C-5")
	s.close()
	copyDir(t, s.path("snapshot"), s.path("data"))
	_, err := OpenStill(t.Context(), s.cfg)
	if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "greffe restore --in-place") {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	_, err = Restore(ended, s.cfg, RestoreOptions{Progress: func(step string, _, _ int64) {
		if step == "record" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := OpenStill(t.Context(), s.cfg); !errors.Is(err, ErrRolledBack) {
		t.Errorf("half restored: %v", err)
	}
	done, err := Restore(t.Context(), s.cfg, RestoreOptions{})
	if err != nil || done.Replayed != 1 {
		t.Fatal(done, err)
	}
	if s.reads(p[0]) || !s.reads(p[1]) {
		t.Error("the wrong people are back")
	}
	n := 0
	for _, f := range s.facts(event.SubjectErased) {
		if f.Subject == p[0].Subject && f.Codes.Bool("restored") {
			n++
		}
	}
	if n != 1 || len(s.facts(event.RestorePerformed)) != 2 {
		t.Errorf("%d erasures, %d restores", n, len(s.facts(event.RestorePerformed)))
	}
	s.close()
	if done, err := Restore(t.Context(), s.cfg, RestoreOptions{}); err != nil || done.Erasures != 0 {
		t.Errorf("once more: %+v %v", done, err)
	}
	s.intact()
}
