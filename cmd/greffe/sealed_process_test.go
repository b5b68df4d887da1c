package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greffe/eventstore/vault/kek/escrow"
)

// TestSealedStart: without its key file a service opens with shares of the key alone;
// until then it says nothing but that it lives. What is on paper makes the file again.
func TestSealedStart(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	who := p.mustEvents(t, contactEvent("first")).Results[0].SubjectID
	p.stop()
	run := func(want int, says string, args ...string) string {
		t.Helper()
		out, errs, code := greffe(t, dir, args...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Fatalf("%v ended with %d: %s%s", args, code, out, errs)
		}
		return out + errs
	}
	run(2, "threshold", "keys", "escrow", "--data", "data", "--out", "none", "--shares", "2", "--threshold", "3")
	run(0, "any 2 of them open key k1", "keys", "escrow", "--data", "data", "--out", "older", "--format", "text")
	run(0, "any 2 of them open key k1", "keys", "escrow", "--data", "data", "--out", "sheets", "--format", "text")
	older, shares := sharesIn(t, dir, "older"), sharesIn(t, dir, "sheets")
	run(2, "keeps nobody out", "serve", "--data", "data", "--sealed", "--listen", "127.0.0.1:0")
	key := filepath.Join(dir, "data.kek")
	if err := os.Rename(key, filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	record := key + ".escrow"
	if err := os.Rename(record, record+".away"); err != nil {
		t.Fatal(err)
	}
	run(2, "no record of the key's shares is there", "serve", "--data", "data", "--sealed", "--listen", "127.0.0.1:0")
	if err := os.Rename(record+".away", record); err != nil {
		t.Fatal(err)
	}
	p = serve(t, dir, "--sealed", "--backup-dir", filepath.Join(dir, "backups"))
	p.must(http.StatusOK, http.MethodGet, "/healthz", "", "")
	for _, path := range []string{"/readyz", "/v1/subjects/" + who, "/metrics", "/openapi.json", "/"} {
		if a := p.must(http.StatusServiceUnavailable, http.MethodGet, path, "", ""); !strings.Contains(string(a.body), `"code":"sealed"`) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	run(2, "share_refused", "unseal", "--server", p.base, older[0]) // of the division before
	run(0, "1 of 2 shares came", "unseal", "--server", p.base, shares[0])
	run(2, "share_refused", "unseal", "--server", p.base, forgedShare(t, dir, shares[1]))
	run(0, "1 of 2 shares came", "unseal", "--server", p.base, shares[0])
	run(0, "The key is whole", "unseal", "--server", p.base, shares[2])
	p.until("Greffe listens on " + p.base)
	p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+who, "", "", "X-Greffe-Reason", "customer_call")
	if a := p.must(http.StatusConflict, http.MethodPost, "/v1/keys/rotation", "", ""); !strings.Contains(string(a.body), "keys_by_hand") ||
		!strings.Contains(string(a.body), "greffe keys restore-escrow first, and greffe keys escrow at the end") {
		t.Errorf("rotating a key of shares: %s", a.body)
	}
	p.notDumped(t)
	p.stop()
	for _, name := range shares {
		b, err := os.ReadFile(name)
		if line, _, _ := strings.Cut(string(b), "\n"); err != nil || strings.Contains(p.said(), line[:20]) {
			t.Error("a share is in the log", err)
		}
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("the key was written to disk")
	}
	run(2, "it says to be number 2", "keys", "restore-escrow", "--data", "data", shares[0], forgedShare(t, dir, shares[1]))
	run(2, "more shares are needed", "keys", "restore-escrow", "--data", "data", shares[1])
	run(0, "Key k1 is in", "keys", "restore-escrow", "--data", "data", shares[1], shares[0])
	run(2, "never overwritten", "keys", "restore-escrow", "--data", "data", shares[1], shares[0])
	was, err := os.ReadFile(filepath.Join(dir, "elsewhere"))
	if now, err2 := os.ReadFile(key); err != nil || err2 != nil || !bytes.Equal(was, now) {
		t.Error("the key file is another", err, err2)
	}
	run(0, "", "verify", "--data", "data")
	run(0, "any 2 of them", "keys", "escrow", "--data", "data", "--out", "pdf", "--lang", "fr")
	run(0, "", "keys", "rotate", "--data", "data", "--to", "backups")
	run(1, "the key in use is k2; divide it", "doctor", "--data", "data")
	run(1, "no core dumps, not readable", "doctor", "--data", "data")
}

// forgedShare is a file with a well-formed share of another key, under the set and the
// number of one that was printed.
func forgedShare(t *testing.T, dir, of string) string {
	t.Helper()
	b, err := os.ReadFile(of)
	if err != nil {
		t.Fatal(err)
	}
	s, err := escrow.Parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	all, err := escrow.Split(s.Key, make([]byte, 32), 3, s.Threshold, io.MultiReader(bytes.NewReader(s.Set[:]), rand.Reader))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "forged.txt")
	if err := os.WriteFile(name, []byte(all[s.Number-1].Compact()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func sharesIn(t *testing.T, dir, sub string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, sub, "share-*-?.txt"))
	if err != nil || len(found) != 3 {
		t.Fatalf("%v %v", found, err)
	}
	for _, name := range found {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	return found
}

// notDumped demands that the running service leaves no core file, and that another
// process of the same user, who is not root, cannot read its memory.
func (p *process) notDumped(t *testing.T) {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && (f[4] != "0" || f[5] != "0") {
			t.Errorf("core files: %s", line)
		}
	}
	if info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", p.cmd.Process.Pid)); err != nil || ownerOf(info) != 0 {
		t.Errorf("the service's memory belongs to its user: %v", err)
	}
	if os.Getuid() == 0 {
		return // root reads everything
	}
	if err := exec.Command("cat", fmt.Sprintf("/proc/%d/environ", p.cmd.Process.Pid)).Run(); err == nil {
		t.Error("another process reads the service's environment")
	}
}

func ownerOf(info os.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }
