package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// backupsOf asks the service what backups there are.
func (p *process) backupsOf() (out struct {
	Items []struct {
		Position string
		KEK      string
	}
	Running, Failed bool
}) {
	p.t.Helper()
	a := p.must(http.StatusOK, http.MethodGet, "/v1/backups", "", "")
	if err := json.Unmarshal(a.body, &out, json.MatchCaseInsensitiveNames(true)); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// backedUp waits, at most a minute, until n backups are there and none is made.
func (p *process) backedUp(n int) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if b := p.backupsOf(); !b.Running && len(b.Items) >= n && !b.Failed {
			return
		}
		p.must(http.StatusOK, http.MethodGet, "/readyz", "", "")
	}
	p.t.Fatalf("no backup within a minute: %+v\n%s", p.backupsOf(), p.said())
}

// TestBackupWhileServing: backups made under writers, by schedule and on demand,
// restore to what was acknowledged before they began; one that kill -9 ended is
// nothing, and the next takes its rest away.
func TestBackupWhileServing(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	backups := filepath.Join(dir, "backups")
	p := serve(t, dir, "--backup-dir", backups, "--backup-every", "24h")
	first := p.mustEvents(t, contactEvent("first"))
	stop, sent := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ; sent++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, ok, err := p.events(contactEvent(fmt.Sprintf("w-%d", sent))); err != nil || !ok {
				return // killed
			}
		}
	})
	p.backedUp(1) // by schedule
	p.must(http.StatusAccepted, http.MethodPost, "/v1/backups", "", "")
	p.backedUp(2)
	if a, err := p.call(http.MethodPost, "/v1/backups", "", ""); err != nil || a.status != http.StatusAccepted {
		t.Errorf("%d %v", a.status, err)
	}
	p.kill()
	close(stop)
	wg.Wait()
	partial, err := filepath.Glob(filepath.Join(backups, ".partial-*"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events beside the backups; the killed one left %d directories", sent, len(partial))
	if _, errs, code := greffe(t, dir, "backup", "--data", "data", "--to", backups); code != 0 {
		t.Fatal(errs)
	}
	entries, err := os.ReadDir(backups)
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d backups, %v", len(entries), err)
	}
	for i, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("left by the killed backup: %s", e.Name())
			continue
		}
		data := fmt.Sprintf("restored-%d", i)
		if _, errs, code := greffe(t, dir, "restore", "--from", filepath.Join(backups, e.Name()), "--data", data, "--kek", "data.kek", "--fence-dir", "data.fence"); code != 0 {
			t.Fatalf("%s: %s", e.Name(), errs)
		}
		if out, errs, code := greffe(t, dir, "verify", "--data", data, "--kek", "data.kek", "--fence-dir", "data.fence"); code != 0 {
			t.Errorf("%s: %s %s", e.Name(), out, errs)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1].Name()
	if _, errs, code := greffe(t, dir, "restore", "--from", filepath.Join(backups, last), "--data", "data"); code != 0 {
		t.Fatal(errs)
	}
	p = serve(t, dir)
	again := p.mustEvents(t, contactEvent("first"), contactEvent("after"))
	if again.Results[0].Status != "duplicate" || again.Results[0].SubjectID != first.Results[0].SubjectID || again.Results[1].Status != "recorded" {
		t.Errorf("after the restore: %+v", again.Results)
	}
	p.stop()
}

func (p *process) mustEvents(t *testing.T, events ...string) results {
	t.Helper()
	r, ok, err := p.events(events...)
	if err != nil || !ok {
		t.Fatalf("record: %v", err)
	}
	return r
}
