package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/eventstore/vault/kek/transit/transittest"
)

// TestTransit: a ledger whose KEK is in a transit service serves, rotates, restores
// under the new version alone, and has no key file; without the service, or with
// another token, it does not open and says what to do.
func TestTransit(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	service := transittest.Start(t, false)
	key := service.Key("greffe", "aes256-gcm96")
	service.Token("a-token-of-the-agent")
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("a-token-of-the-agent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--kek", "transit:" + key, "--kek-token-file", token}
	run := func(want int, args ...string) string {
		t.Helper()
		out, errs, code := greffe(t, dir, append(args, at...)...)
		if code != want {
			t.Fatalf("%s ended with %d: %s%s", args[0], code, out, errs)
		}
		return out + errs
	}
	p := serve(t, dir, at...)
	who := p.mustEvents(t, crowd(0, 20)...).Results[0].SubjectID
	p.stop()
	if _, err := os.Stat(filepath.Join(dir, "data.kek")); err == nil {
		t.Error("there is a key file")
	}
	if out := run(0, "keys", "list", "--data", "data"); !strings.Contains(out, "transit.greffe.v1") || !strings.Contains(out, "current") {
		t.Errorf("keys list: %s", out)
	}
	run(0, "backup", "--data", "data", "--to", "old")
	if out := run(0, "keys", "rotate", "--data", "data", "--to", "backups"); !strings.Contains(out, "transit.greffe.v2 is in use") {
		t.Errorf("keys rotate: %s", out)
	}
	if out := run(2, "restore", "--data", "older", "--fence-dir", "data.fence", "--from", newestIn(t, dir, "old")); !strings.Contains(out, "key") {
		t.Errorf("a backup under the destroyed version: %s", out)
	}
	run(0, "restore", "--data", "again", "--fence-dir", "data.fence", "--from", newestIn(t, dir, "backups"))
	run(0, "verify", "--data", "again", "--fence-dir", "data.fence")
	p = serve(t, dir, at...)
	p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+who, "", "", "X-Greffe-Reason", "customer_call")
	p.stop()
	if err := os.WriteFile(token, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(2, "verify", "--data", "data"); !strings.Contains(out, "refuses the token") || strings.Contains(out, "another") {
		t.Errorf("with another token: %s", out)
	}
}

func newestIn(t *testing.T, dir, backups string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, backups, "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no backup in %s: %v", backups, err)
	}
	return found[len(found)-1]
}
