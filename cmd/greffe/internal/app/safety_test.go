package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/problem"
)

// check is one of the doctor's findings.
func (s *site) check(name string) Check {
	s.Helper()
	s.close()
	all, err := Examine(s.Context(), s.cfg)
	s.ok(err)
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	s.Fatalf("the doctor does not look at %s: %+v", name, all)
	return Check{}
}

func (s *site) expect(when, name, state, says string) {
	s.Helper()
	if c := s.check(name); c.State != state || !strings.Contains(c.Detail, says) {
		s.Errorf("%s: %+v", when, c)
	}
}

// TestDoctorLooksAtCopies: the newest backup that can be restored, its age, what is
// wrong with newer ones, and the fence.
func TestDoctorLooksAtCopies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.create("C-1")
	dir := s.cfg.Backups
	s.cfg.Backups = ""
	s.expect("no directory", "backup", Warn, "--backup-dir")
	s.cfg.Backups = dir
	s.expect("none", "backup", Warn, "there is none")
	s.expect("nothing destroyed", "fence", Good, "nothing was destroyed yet")
	first := s.backup()
	s.expect("one", "backup", Good, "1 minutes ago")
	s.now.pass(24 * time.Hour)
	second := s.backup()
	s.ok(os.Truncate(filepath.Join(second, "vault.db"), 100))
	s.expect("the newer cut", "backup", Warn, "24 hours ago")
	s.expect("the newer cut", "backup", Warn, "a newer one cannot: "+second)
	edit(t, filepath.Join(first, "manifest.json"), `"k1"`, `"k2"`)
	s.expect("both wrong", "backup", Bad, "none can be restored")
	s.ok(os.RemoveAll(second))
	edit(t, filepath.Join(first, "manifest.json"), `"k2"`, `"k1"`)
	s.now.pass(5 * 24 * time.Hour)
	s.expect("old", "backup", Warn, "6 days ago")
	s.erase(p[0])
	s.now.pass(time.Hour)
	s.expect("after an erasure", "fence", Good, "1 destructions, the last ordered at position ")
	s.close()
	if _, err := Rotate(t.Context(), s.cfg, RotateOptions{Backups: s.cfg.Backups}); err != nil {
		t.Fatal(err)
	}
	s.expect("after a rotation", "backup", Good, "under key k2")
	found, err := os.ReadDir(s.cfg.Backups)
	s.ok(err)
	s.ok(os.RemoveAll(filepath.Join(s.cfg.Backups, found[len(found)-1].Name())))
	s.expect("the key retired", "backup", Bad, "retired on")
}

// TestDoctorWantsThemApart: what must not be lost together.
func TestDoctorWantsThemApart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	right := s.cfg
	for says, change := range map[string]func(c *Config){
		"rolled back with it":           func(c *Config) { c.FenceDir = filepath.Join(c.Data, "fence") },
		"what loses one loses both":     func(c *Config) { c.FenceDir = filepath.Join(c.Backups, "fence") },
		"would open itself":             func(c *Config) { c.KEK = filepath.Join(c.Backups, "kek") },
		"is inside the data directory":  func(c *Config) { c.Backups = filepath.Join(c.Data, "backups") },
		"fence is inside the directory": func(c *Config) { c.FenceDir = c.Backups },
	} {
		cfg := right
		change(&cfg)
		if c := fenceApart(cfg); c.State != Bad || !strings.Contains(c.Detail, says) {
			t.Errorf("%s: %+v", says, c)
		}
	}
	if c := fenceApart(right); c.State != Good {
		t.Errorf("%+v", c)
	}
}

// TestDesk: a backup through the API's desk, one at a time, and what it lists.
func TestDesk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	desk := copiesDesk{s.app()}
	s.ok(desk.Begin(t.Context()))
	s.app().copying.running.Wait()
	list, err := desk.List(t.Context())
	if err != nil || len(list.Items) != 1 || list.Running || list.Failed || list.Items[0].KEK != "k1" || !list.Items[0].Made.Equal(start) {
		t.Errorf("%+v %v", list, err)
	}
	s.ok(desk.Begin(t.Context())) // of the same second and position
	s.app().copying.running.Wait()
	if list, err := desk.List(t.Context()); err != nil || !list.Failed || len(list.Items) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	s.app().copying.stop()
	if err := desk.Begin(t.Context()); problem.From(err).Code != problem.Conflict {
		t.Errorf("while closing: %v", err)
	}
	s.close()
	s.cfg.Backups = ""
	if err := (copiesDesk{s.app()}).Begin(t.Context()); problem.From(err).Code != problem.BackupUnconfigured {
		t.Error(err)
	}
	if list, err := (copiesDesk{s.app()}).List(t.Context()); err != nil || len(list.Items) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	var _ httpapi.Copies = copiesDesk{}
}

// TestDue: a backup is made when the newest whole one is older than it may be.
func TestDue(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.create("C-1")
	if wait, err := s.app().dueIn(time.Hour); wait > 0 || err != nil {
		t.Errorf("without any: %v %v", wait, err)
	}
	s.backup() // a minute passes
	if wait, err := s.app().dueIn(time.Hour); wait != 59*time.Minute || err != nil {
		t.Errorf("%v %v", wait, err)
	}
	s.now.pass(2 * time.Hour)
	if wait, err := s.app().dueIn(time.Hour); wait > 0 || err != nil {
		t.Errorf("%v %v", wait, err)
	}
}
