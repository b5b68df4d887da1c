//go:build real

package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// treeHead is what verify says of a ledger.
func treeHead(t *testing.T, dir string, args ...string) (facts int64, root string) {
	t.Helper()
	out, errs, code := greffe(t, dir, append([]string{"verify", "--json"}, args...)...)
	var v struct {
		Verdict string `json:"verdict"`
		Summary struct {
			Facts int64  `json:"facts"`
			Root  string `json:"root"`
		} `json:"summary"`
	}
	if err := json.Unmarshal([]byte(out), &v, json.MatchCaseInsensitiveNames(true)); err != nil || code != 0 || v.Summary.Root == "" {
		t.Fatalf("verify ended with %d (%v): %s%s", code, err, out, errs)
	}
	return v.Summary.Facts, v.Summary.Root
}

// TestMigrate moves a ledger with objections, a person erased and a quarantined
// input to grown-up stores: the tree head is the same, what was recorded is a
// duplicate at its position, who was erased stays so, and a second run, or stores
// that hold another ledger, are refused.
func TestMigrate(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serveAt(t, dir, "first")
	events := append(crowd(0, 400), markedPerson()...)
	sent := p.mustEvents(t, events...).Results
	who := sent[400].SubjectID
	if op, ok, err := p.erase(who); err != nil || !ok || op.Certificate == nil {
		t.Fatalf("%+v %v", op, err)
	}
	p.stop()
	first := []string{"--data", "first", "--kek", "first.kek", "--fence-dir", "first.fence"}
	facts, root := treeHead(t, dir, first...)

	data := filepath.Join(dir, "data")
	s := startServers(t, data)
	grown.mu.Lock()
	grown.of[data] = s
	grown.mu.Unlock()
	to := append([]string{"migrate", "--to-log-store", s.log.URL(), "--to-vault-store", s.vaultURL}, first...)
	out, errs, code := greffe(t, dir, to...)
	if code != 0 || !strings.Contains(out, root) {
		t.Fatalf("migrate ended with %d: %s%s", code, out, errs)
	}
	same := []string{"--data", "data", "--kek", "first.kek", "--fence-dir", "first.fence"}
	if n, moved := treeHead(t, dir, same...); n != facts || moved != root {
		t.Errorf("after the migration: %d facts, tree head %s; before: %d, %s", n, moved, facts, root)
	}
	p = serve(t, dir, same[2:]...)
	for i, r := range p.mustEvents(t, events[:400]...).Results {
		if r.Status != "duplicate" || r.Position != sent[i].Position {
			t.Fatalf("%s was recorded at %s and is %s at %s", r.ID, sent[i].Position, r.Status, r.Position)
		}
	}
	if a := p.must(http.StatusGone, http.MethodGet, "/v1/subjects/"+who, "", "", "X-Greffe-Reason", "customer_call"); !strings.Contains(string(a.body), "erased") {
		t.Errorf("who was erased: %s", a.body)
	}
	p.mustEvents(t, crowd(5000, 10)...)
	p.stop()
	if out, errs, code := greffe(t, dir, to...); code == 0 {
		t.Errorf("a second migration over a ledger that went on: %s%s", out, errs)
	}
	huntFiles(t, s.files...)
}
