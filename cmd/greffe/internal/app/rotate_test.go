package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/domain/event"
	"greffe/eventstore/vault/kek"
)

// TestRotate: afterwards the new key opens the ledger and the new backup, and the
// backups made before are dead, with their key's end named.
func TestRotate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1", "C-2")
	old := s.backup()
	s.erase(p[0])
	s.close()
	keyWas, err := os.ReadFile(s.cfg.KEK)
	s.ok(err)
	steps := map[string]bool{}
	done, err := Rotate(t.Context(), s.cfg, RotateOptions{Backups: s.cfg.Backups, Progress: func(step string, _, _ int64) { steps[step] = true }})
	if err != nil || strings.Join(done.From, " ") != "k1" || done.To != "k2" {
		t.Fatal(done, err)
	}
	if !steps["copy"] || !steps["verify"] || !steps["replay"] {
		t.Errorf("the backup was not restored and verified: %v", steps)
	}
	if b, err := os.ReadFile(s.cfg.KEK); err != nil || bytes.Contains(b, keyWas[14:40]) {
		t.Error("the old key is still in the file", err)
	}
	if s.reads(p[0]) || !s.reads(p[1]) {
		t.Error("after the rotation the wrong people can be read")
	}
	if f := s.facts(event.KeyRotated); len(f) != 1 || strings.Join(f[0].Codes.Strings("from"), " ") != "k1" || f[0].Codes.String("to") != "k2" {
		t.Errorf("%+v", f)
	}
	s.close()
	cfg := s.cfg
	cfg.Data = s.path("other")
	var retired *kek.RetiredError
	if _, err := Restore(t.Context(), cfg, RestoreOptions{From: old}); !errors.As(err, &retired) ||
		!strings.Contains(err.Error(), "made under KEK k1, which was retired on 2026-03-02") {
		t.Errorf("an old backup: %v", err)
	}
	r, _ := s.restored(done.Backup)
	if r.reads(p[0]) || !r.reads(p[1]) {
		t.Error("in the new backup the wrong people can be read")
	}
	r.close()
	keys, err := Keys(t.Context(), s.cfg)
	if err != nil || len(keys) != 2 || keys[0].Name != "k2" || keys[0].State != "current" || keys[1].State != "retired" || !keys[1].Retired.Equal(s.now.read()) {
		t.Errorf("%+v %v", keys, err)
	}
	left, err := os.ReadDir(s.cfg.Backups)
	if err != nil || len(left) != 2 {
		t.Errorf("in the directory of backups: %v %v", left, err)
	}
	s.intact()
	if _, err := Rotate(t.Context(), s.cfg, RotateOptions{}); err == nil {
		t.Error("rotated without a directory of backups")
	}
}

// TestRotateOldKeyElsewhere: the old key, kept somewhere, opens no vault any more
// but the older copies.
func TestRotateOldKeyElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	s.close()
	b, err := os.ReadFile(s.cfg.KEK)
	s.ok(err)
	s.ok(os.WriteFile(s.path("stolen"), b, 0o600))
	if _, err := Rotate(t.Context(), s.cfg, RotateOptions{Backups: s.cfg.Backups}); err != nil {
		t.Fatal(err)
	}
	cfg := s.cfg
	cfg.KEK = s.path("stolen")
	if _, err := OpenStill(t.Context(), cfg); !errors.Is(err, kek.ErrUnknownKey) {
		t.Error(err)
	}
}

// TestRotateCrashes: what a crash at any step leaves opens, and rotating again ends
// with one new key, a backup that restores, and one fact.
func TestRotateCrashes(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, at := range []string{StepAdded, StepWrapped, StepBackedUp, StepTested, StepAnnounce, StepRetired} {
		s := newSite(t)
		p := s.create("C-1")
		s.close()
		_, err := Rotate(t.Context(), s.cfg, RotateOptions{Backups: s.cfg.Backups, Step: func(step string) error {
			if step == at {
				return boom
			}
			return nil
		}})
		if !errors.Is(err, boom) {
			t.Fatalf("%s: %v", at, err)
		}
		if !s.reads(p[0]) {
			t.Errorf("%s: nothing opens", at)
		}
		if n := len(s.facts(event.KeyRotated)); n > 1 || n == 1 != (at == StepRetired) {
			t.Errorf("%s: %d facts after opening", at, n)
		}
		s.close()
		if at == StepRetired {
			continue // opening has ended it
		}
		s.now.pass(24 * time.Hour)
		done, err := Rotate(t.Context(), s.cfg, RotateOptions{Backups: s.cfg.Backups})
		if err != nil || done.To != "k2" || strings.Join(done.From, " ") != "k1" {
			t.Errorf("%s: again %+v %v", at, done, err)
		}
		if n := len(s.facts(event.KeyRotated)); n != 1 {
			t.Errorf("%s: %d facts", at, n)
		}
		s.close()
		r, _ := s.restored(done.Backup)
		if !r.reads(p[0]) {
			t.Errorf("%s: the new backup reads nothing", at)
		}
		r.close()
		files, _ := filepath.Glob(s.cfg.KEK + "*")
		if len(files) != 1 {
			t.Errorf("%s: beside the key: %v", at, files)
		}
	}
}

// TestBackupWhileRecording: a backup made under writers restores to an intact
// ledger with everything acknowledged before it began.
func TestBackupWhileRecording(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.create("C-1", "C-2", "C-3")
	a := s.app()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := strings.Repeat("w", w+1) + "-" + strings.Repeat("i", i%50+1) + string(rune('a'+i/50%26))
				if _, err := a.Record(t.Context(), [][]byte{[]byte(made(name, name, past))}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var dirs []string
	for range 3 {
		dirs = append(dirs, s.backup())
	}
	a.copying.stop()
	if _, _, err := a.Backup(t.Context(), s.cfg.Backups, nil); !errors.Is(err, ErrCopying) {
		t.Errorf("while closing: %v", err)
	}
	close(stop)
	wg.Wait()
	s.close()
	for _, dir := range dirs {
		r, done := s.restored(dir)
		for _, p := range before {
			if !r.reads(p) {
				t.Errorf("%s: an event acknowledged before is not there", dir)
			}
		}
		if done.Erasures != 0 {
			t.Error(done)
		}
		r.intact()
	}
}
