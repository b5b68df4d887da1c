package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"greffe/eventstore/vault/kek/awskms/kmstest"
)

// TestKMS: a ledger whose KEK is in a KMS serves while that is away, and rotates once it
// is back; it opens under the new key alone, and a backup under the old one does not.
func TestKMS(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	service := kmstest.Start(t)
	key := service.Key("greffe")
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := command(t, dir, append(args, "--kek", key, "--kek-endpoint", service.URL)...)
		cmd.Env = append(append(cmd.Env, kmstest.Env()...), "GREFFE_TOKEN="+testToken)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want || strings.Contains(string(out), kmstest.Secret) {
			t.Fatalf("%s ended with %d: %s", args[0], code, out)
		}
		return string(out)
	}
	p := serveWith(t, dir, "data", kmstest.Env(), "--kek", key, "--kek-endpoint", service.URL, "--backup-dir", dir+"/backups")
	who := p.mustEvents(t, crowd(0, 20)...).Results[0].SubjectID
	p.must(http.StatusAccepted, http.MethodPost, "/v1/backups", "", "")
	p.backedUp(1)
	old := newestIn(t, dir, "backups")
	if _, err := os.Stat(dir + "/data.kek"); err == nil {
		t.Error("there is a key file")
	}
	service.Down("KMSInternalException")
	if out := run(2, "keys", "rotate", "--server", p.base); !strings.Contains(out, "still opens everything") || !strings.Contains(out, "cannot be reached") {
		t.Errorf("rotating while the KMS is away: %s", out)
	}
	p.must(http.StatusOK, http.MethodGet, "/v1/subjects/"+who, "", "", "X-Greffe-Reason", "customer_call")
	p.mustEvents(t, contactEvent("meanwhile"))
	if a, err := p.call(http.MethodGet, "/v1/keys", "", ""); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("the keys of a KMS that is away: %d %v", a.status, err)
	}
	service.Down("")
	if out := run(0, "keys", "rotate", "--server", p.base); !strings.Contains(out, "Key kms.1234abcd-12ab-34cd-56ef-000000000002 is in use") {
		t.Errorf("rotating: %s", out)
	}
	p.stop()
	if out := run(2, "restore", "--data", "older", "--fence-dir", "data.fence", "--from", old); !strings.Contains(out, "KMS key") {
		t.Errorf("a backup under the retired key: %s", out)
	}
	run(0, "restore", "--data", "again", "--fence-dir", "data.fence", "--from", newestIn(t, dir, "backups"))
	run(0, "verify", "--data", "again", "--fence-dir", "data.fence")
	if out := run(1, "doctor", "--data", "data"); !strings.Contains(out, "never leaves the KMS") {
		t.Errorf("doctor: %s", out)
	}
	service.Down("AccessDeniedException")
	if out := run(2, "verify", "--data", "data"); !strings.Contains(out, "refuses the credentials") {
		t.Errorf("without a right: %s", out)
	}
	if service.Unsigned.Load() != 0 {
		t.Error("requests without a good signature")
	}
}
