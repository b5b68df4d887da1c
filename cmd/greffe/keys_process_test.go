package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
)

// TestRotateWhileServing: under writers and readers the KEK is rotated by the service,
// as the command asks it to, and no request fails. The command alone, beside the
// service, does nothing. The backup made before is dead, the new one opens.
func TestRotateWhileServing(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	backups := filepath.Join(dir, "backups")
	p := serve(t, dir, "--backup-dir", backups)
	first := p.mustEvents(t, contactEvent("first"))
	p.must(http.StatusAccepted, http.MethodPost, "/v1/backups", "", "")
	p.backedUp(1)
	keyWas, err := os.ReadFile(filepath.Join(dir, "data.kek"))
	if err != nil {
		t.Fatal(err)
	}
	if out, errs, code := greffe(t, dir, "keys", "rotate", "--data", "data", "--to", backups); code == 0 || !strings.Contains(errs, "--server") {
		t.Fatalf("beside the service: %d %s %s", code, out, errs)
	}
	stop := make(chan struct{})
	var wrote, read atomic.Int64
	var wg sync.WaitGroup
	load := func(work func(i int)) {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					work(i)
				}
			}
		})
	}
	for w := range 3 {
		load(func(i int) {
			if _, ok, err := p.events(contactEvent(fmt.Sprintf("w-%d-%d", w, i))); err != nil || !ok {
				t.Errorf("a write failed: %v", err)
			}
			wrote.Add(1)
		})
		load(func(int) {
			a, err := p.call(http.MethodGet, "/v1/subjects/"+first.Results[0].SubjectID, "", "", "X-Greffe-Reason", "maintenance:T-1")
			if err != nil || a.status != http.StatusOK {
				t.Errorf("a read failed: %d %v", a.status, err)
			}
			read.Add(1)
		})
	}
	for n := 2; n <= 3; n++ {
		cmd := command(t, dir, "keys", "rotate", "--server", p.base)
		cmd.Env = append(cmd.Env, "GREFFE_TOKEN="+testToken)
		b, err := cmd.CombinedOutput()
		out := string(b)
		if err != nil || !strings.Contains(out, fmt.Sprintf("Key k%d is in use from position", n)) || !strings.Contains(out, fmt.Sprintf("k%d is destroyed", n-1)) {
			t.Errorf("%v %s", err, out)
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d writes and %d reads beside two rotations", wrote.Load(), read.Load())
	if wrote.Load() < 20 || read.Load() < 20 {
		t.Error("there was no load")
	}
	var list httpapi.KeyList
	if err := json.Unmarshal(p.must(http.StatusOK, http.MethodGet, "/v1/keys", "", "").body, &list); err != nil || len(list.Keys) != 3 ||
		list.Keys[0].Name != "k3" || list.Keys[0].State != "current" || list.Keys[2].Name != "k2" || list.Keys[1].State != "retired" {
		t.Errorf("%v %+v", err, list)
	}
	facts := p.must(http.StatusOK, http.MethodGet, "/v1/audit/events?type=key.rotated", "", "", "X-Greffe-Reason", "maintenance:T-1")
	if n := strings.Count(string(facts.body), `"type":"key.rotated"`); n != 2 {
		t.Errorf("%d facts: %s", n, facts.body)
	}
	p.stop()
	if b, err := os.ReadFile(filepath.Join(dir, "data.kek")); err != nil || strings.Contains(string(b), string(keyWas[14:40])) {
		t.Error("the first key is in the file still", err)
	}
	p.deadAndAlive(t, dir, backups)
	p = serve(t, dir)
	if again := p.mustEvents(t, contactEvent("first")); again.Results[0].Status != "duplicate" {
		t.Errorf("%+v", again.Results)
	}
	p.stop()
}

// deadAndAlive demands that the newest of three backups restores with the key file of
// now, and that the others, made under destroyed keys, do not.
func (p *process) deadAndAlive(t *testing.T, dir, backups string) {
	t.Helper()
	entries, err := os.ReadDir(backups)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d backups, %v", len(entries), err)
	}
	position := func(e os.DirEntry) int {
		_, at, _ := strings.Cut(e.Name(), "-")
		n, _ := strconv.Atoi(at)
		return n
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return position(a) - position(b) })
	for i, e := range entries {
		data := fmt.Sprintf("restored-%d", i)
		_, errs, code := greffe(t, dir, "restore", "--from", filepath.Join(backups, e.Name()), "--data", data, "--kek", "data.kek", "--fence-dir", "data.fence")
		if dead := i < 2; dead != (code != 0) || dead && !strings.Contains(errs, fmt.Sprintf("made under KEK k%d, which was retired", i+1)) {
			t.Errorf("%s: %d %s", e.Name(), code, errs)
		}
	}
	if out, errs, code := greffe(t, dir, "verify", "--data", "restored-2", "--kek", "data.kek", "--fence-dir", "data.fence"); code != 0 {
		t.Errorf("the new backup: %s %s", out, errs)
	}
}

// TestScheduledRotation: a service told to rotates by itself, again and again.
func TestScheduledRotation(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	if _, errs, code := greffe(t, dir, "serve", "--data", "data", "--kek-rotate-every", "1s"); code == 0 || !strings.Contains(errs, "--backup-dir") {
		t.Errorf("without a place for the backup: %d %s", code, errs)
	}
	p := serve(t, dir, "--backup-dir", filepath.Join(dir, "backups"), "--kek-rotate-every", "1s")
	p.until("to=k3")
	p.stop()
	if out, errs, code := greffe(t, dir, "verify", "--data", "data"); code != 0 {
		t.Errorf("afterwards: %s %s", out, errs)
	}
}
