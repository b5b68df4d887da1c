//go:build real

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRestoreOfNodes: a backup made beside nodes that serve is of the embedded kind; a
// restore of it brings nobody back who was erased since, by whichever node.
func TestRestoreOfNodes(t *testing.T) {
	f := newFleet(t, 2)
	people := f.nodes[0].process().mustEvents(t, contactEvent("stays"), contactEvent("goes"))
	stays, goes := people.Results[0].SubjectID, people.Results[1].SubjectID
	backups := filepath.Join(f.dir, "backups")
	alsoNode(filepath.Join(f.dir, "data"), filepath.Join(f.dir, "data-aside"))
	if out, errs, code := greffe(t, f.dir, "backup", "--data", filepath.Join(f.dir, "data-aside"), "--to", backups); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	if op, ok, err := f.nodes[1].process().erase(goes); err != nil || !ok || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	f.fences()
	f.stop()
	made, err := filepath.Glob(filepath.Join(backups, "[^.]*"))
	if err != nil || len(made) != 1 {
		t.Fatalf("backups: %v %v", made, err)
	}
	where := []string{"--kek", "data.kek", "--fence-dir", "data.fence"} // of the node that did not erase
	if out, errs, code := greffe(t, f.dir, append([]string{"restore", "--from", made[0], "--data", "restored"}, where...)...); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	p := serveAt(t, f.dir, "restored", where...)
	p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+stays, "", "", onCall...)
	p.gone(goes, "goes@example.org")
	p.stop()
	if out, errs, code := greffe(t, f.dir, append([]string{"verify", "--data", "restored"}, where...)...); code != 0 {
		t.Errorf("%s%s", out, errs)
	}
}

// gone demands that nothing can be read of a person, by id or address.
func (p *process) gone(subject, email string) {
	p.t.Helper()
	if a, err := p.call(http.MethodGet, "/v1/subjects/"+subject, "", "", onCall...); err != nil || a.status != http.StatusGone && a.status != http.StatusNotFound {
		p.t.Errorf("%d %s %v", a.status, a.body, err)
	}
	a := p.must(http.StatusOK, http.MethodPost, "/v1/subjects/search", "application/json", `{"email":"`+email+`"}`, onCall...)
	if strings.Contains(string(a.body), subject) {
		p.t.Errorf("search: %s", a.body)
	}
}

// TestServersPutBack: the database of the vault, or both stores, are put back to older
// copies under nodes that have their fences. No node starts; after greffe restore
// --in-place they do, and nobody is back on any of them.
func TestServersPutBack(t *testing.T) {
	f := newFleet(t, 2)
	people := f.nodes[0].process().mustEvents(t, contactEvent("stays"), contactEvent("goes"))
	stays, goes := people.Results[0].SubjectID, people.Results[1].SubjectID
	f.stop()
	copied := f.copied()
	for _, n := range f.nodes {
		n.start()
	}
	later := f.nodes[0].process().mustEvents(t, contactEvent("later"), contactEvent("later-2"), contactEvent("later-3"))
	if op, ok, err := f.nodes[1].process().erase(goes); err != nil || !ok || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	f.fences()
	f.stop()

	f.vaultBack()
	for _, n := range f.nodes { // the log knows more than the vault
		f.refused(n, "log and vault disagree")
	}
	f.logBack(copied)
	for _, n := range f.nodes {
		f.refused(n, "older than its fence")
	}
	data := filepath.Join(f.dir, "data")
	if out, errs, code := greffe(t, f.dir, "restore", "--in-place", "--data", data); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	for _, n := range f.nodes {
		n.start()
	}
	again, ok, err := f.nodes[1].process().events(contactEvent("later"))
	if err != nil || !ok {
		t.Fatalf("%v\n%s\n%s", err, f.nodes[0].process().said(), f.nodes[1].process().said())
	}
	if again.Results[0].Status != "recorded" || again.Results[0].SubjectID == later.Results[0].SubjectID {
		t.Errorf("what the copy lacks is sent again: %+v", again.Results)
	}
	for _, n := range f.nodes {
		p := n.process()
		a := p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+stays, "", "", append(onCall, "X-Greffe-Min-Position", again.Position)...)
		if !strings.Contains(string(a.body), "stays@example.org") {
			t.Errorf("%s: %s", n.name, a.body)
		}
		p.gone(goes, "goes@example.org")
		n.until(10*time.Second, "ready", func(a answer) bool { return a.status == http.StatusOK && string(a.body) == "ready\n" }, http.MethodGet, "/readyz", "", "")
	}
	f.fences()
	f.stop()
}

// journal is the file of the log's server.
func (f *fleet) journal() string { return filepath.Join(f.stores.files[2], "journal") }

// copied copies both stores of a ledger that nobody serves.
func (f *fleet) copied() (log []byte) {
	f.t.Helper()
	if err := f.stores.log.Stop(); err != nil {
		f.t.Fatal(err)
	}
	log, err := os.ReadFile(f.journal())
	if err == nil {
		err = f.stores.log.StartAgain()
	}
	if err == nil {
		err = f.stores.pg.Exec(f.t.Context(), "postgres", "CREATE DATABASE older TEMPLATE vault1")
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return log
}

func (f *fleet) vaultBack() {
	f.t.Helper()
	for _, sql := range []string{"DROP DATABASE vault1", "CREATE DATABASE vault1 OWNER greffe TEMPLATE older"} {
		if err := f.stores.pg.Exec(f.t.Context(), "postgres", sql); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := f.stores.pg.Exec(f.t.Context(), "vault1", "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO greffe"); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) logBack(copied []byte) {
	f.t.Helper()
	err := f.stores.log.Stop()
	if err == nil {
		err = os.WriteFile(f.journal(), copied, 0o600)
	}
	if err == nil {
		err = f.stores.log.StartAgain()
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// refused demands that a node does not start, and says why.
func (f *fleet) refused(n *node, why string) {
	f.t.Helper()
	cmd := command(f.t, f.dir, "serve", "--data", filepath.Join(f.dir, n.data), "--listen", "127.0.0.1:0", "--node", n.name)
	bound := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	out, _ := cmd.CombinedOutput() // its exit code says all
	bound.Stop()
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), why) || strings.Contains(string(out), "listens") {
		f.t.Errorf("%s: exit code %d, want 2 and %q: %s", n.name, cmd.ProcessState.ExitCode(), why, out)
	}
}
