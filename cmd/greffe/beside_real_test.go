//go:build real

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// grownLedger is a node on grown-up stores with some events, whatever the environment
// says, and a second data directory of the same ledger.
func grownLedger(t *testing.T, events int) (dir string, p *process, s *servers, other string) {
	t.Helper()
	dir = workDir(t)
	data := filepath.Join(dir, "data")
	s = startServers(t, data)
	grown.mu.Lock()
	grown.of[data] = s
	grown.mu.Unlock()
	p = serve(t, dir)
	for i := range events {
		if _, ok, err := p.events(contactEvent(fmt.Sprint("e", i))); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	other = filepath.Join(dir, "other")
	alsoNode(data, other)
	return dir, p, s, other
}

// listed is how many events the audit dataset answers with.
func (p *process) listed() int {
	p.t.Helper()
	a := p.must(http.StatusOK, http.MethodGet, "/v1/audit/events", "", "", "X-Greffe-Reason", "audit")
	return strings.Count(string(a.body), `"event_id"`)
}

// TestRebuildBesideANode: rebuilding the read models of one node leaves the audit
// dataset alone that all share; nobody would fill it again before the next event.
func TestRebuildBesideANode(t *testing.T) {
	t.Parallel()
	dir, p, _, other := grownLedger(t, 5)
	for until := time.Now().Add(20 * time.Second); p.listed() < 5 && time.Now().Before(until); {
		<-time.After(100 * time.Millisecond)
	}
	before := p.listed()
	if before < 5 {
		t.Fatalf("the audit dataset has %d events", before)
	}
	if out, errs, code := greffe(t, dir, "rebuild", "--data", other); code != exitClean {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if _, errs, code := greffe(t, dir, "rebuild", "audit", "--data", other); code != exitFailed || !strings.Contains(errs, "which is one for all nodes") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if now := p.listed(); now < before { // asking is recorded too
		t.Errorf("the audit dataset has %d events, it had %d", now, before)
	}
	p.stop()
	if out, errs, code := greffe(t, dir, "rebuild", "audit", "--data", other); code != exitClean {
		t.Errorf("with all nodes stopped: exit code %d: %s%s", code, out, errs)
	}
	p = serve(t, dir)
	if now := p.listed(); now < before {
		t.Errorf("the dataset that was rebuilt has %d events, it had %d", now, before)
	}
	p.stop()
}

// TestStoppedLedgersOnly: what needs a stopped ledger refuses one that a node serves.
func TestStoppedLedgersOnly(t *testing.T) {
	t.Parallel()
	dir, p, _, other := grownLedger(t, 1)
	if _, errs, code := greffe(t, dir, "verify", "--no-drift", "--data", other); code != exitClean { // makes the directory and the fence
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var all sync.WaitGroup
	all.Go(func() {
		_, errs, code := greffe(t, dir, "migrate", "--data", other, "--to-log-store", "esdb://127.0.0.1:1?tls=false", "--to-vault-store", "postgres://127.0.0.1:1/x")
		if code != exitFailed || !strings.Contains(errs, "stop all of them first") {
			t.Errorf("migrate: exit code %d: %s", code, errs)
		}
	})
	all.Wait()
	if _, errs, code := greffe(t, dir, "restore", "--in-place", "--data", other); code != exitFailed || !strings.Contains(errs, "stop all of them first") {
		t.Errorf("restore: exit code %d: %s", code, errs)
	}
	if _, ok, err := p.events(contactEvent("still")); err != nil || !ok {
		t.Errorf("the node that serves: %v", err)
	}
	p.stop()
}

// TestVaultSilent: PostgreSQL says nothing for longer than any call waits, with facts
// under way to the read models. They go on when it is back; and a node that is told to
// stop meanwhile does so within the time that orchestrators give.
func TestVaultSilent(t *testing.T) {
	t.Parallel()
	_, p, s, _ := grownLedger(t, 5)
	s.pg.Pause(t)
	<-time.After(25 * time.Second)
	if a, err := p.call(http.MethodGet, "/readyz", "", ""); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("ready without a vault: %d %v", a.status, err)
	}
	s.pg.Resume(t)
	healed := time.Now()
	for until := healed.Add(10 * time.Second); ; <-time.After(100 * time.Millisecond) {
		a, err := p.call(http.MethodGet, "/readyz", "", "")
		_, ok, sent := p.events(contactEvent("after"))
		if err == nil && a.status == http.StatusOK && ok && sent == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("not healed within 10 s: %d %v %v\n%s", a.status, err, sent, p.said())
		}
	}
	s.pg.Pause(t)
	for i := range 20 {
		go func() { _, _, _ = p.events(contactEvent(fmt.Sprint("x", i))) }()
	}
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("the service ended with %v\n%s", err, p.said())
		}
		t.Logf("stopped after %s", time.Since(began).Round(time.Second))
	case <-time.After(25 * time.Second):
		t.Errorf("not stopped within 25 s\n%s", p.said())
		_ = p.cmd.Process.Kill()
	}
	s.pg.Resume(t)
}
