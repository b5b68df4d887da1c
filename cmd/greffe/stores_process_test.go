package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	_ "modernc.org/sqlite" // to damage a vault
)

// filled is a stopped ledger of n persons, one event each and each its own batch,
// and the position of every event by its id.
func filled(t *testing.T, n int) (dir string, at map[string]string) {
	t.Helper()
	dir, at = workDir(t), map[string]string{}
	p := serve(t, dir)
	for i := range n {
		id := fmt.Sprintf("e%d", i)
		r, ok, err := p.events(contactEvent(id))
		if err != nil || !ok {
			t.Fatal(err)
		}
		at[id] = r.Results[0].Position
	}
	p.stop()
	return dir, at
}

// content is the digest of every file under a directory.
func content(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// refuses runs serve on a ledger that must not be opened: exit code 2, a message
// that holds what, and no byte of the ledger changed.
func refuses(t *testing.T, dir, what string) {
	t.Helper()
	data := filepath.Join(dir, "data")
	before := content(t, dir)
	cmd := command(t, dir, "serve", "--data", data, "--listen", "127.0.0.1:0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bound := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // its exit code says all
	bound.Stop()
	out, errs, code := stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	if code != exitFailed || !strings.Contains(errs, what) || strings.Contains(out, "listens") {
		t.Errorf("exit code %d, want 2 and %q: %s%s", code, what, out, errs)
	}
	if strings.Contains(errs, "Anne") || strings.Contains(errs, "example.org") || strings.Contains(errs, "goroutine") {
		t.Errorf("the message is not one for operators: %s", errs)
	}
	after := content(t, dir)
	for name, sum := range before {
		if now, there := after[name]; !there || now != sum {
			t.Errorf("%s was changed by a refused start", name)
		}
	}
}

// TestSecondProcess: one process at a time has the ledger; the other says so and
// leaves, and the first goes on.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	p := serve(t, dir)
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"verify"}, {"token", "list"}, {"rebuild"}} {
		_, errs, code := greffe(t, dir, append(args, "--data", filepath.Join(dir, "data"))...)
		if code != exitFailed || !strings.Contains(errs, "in use by another greffe process") {
			t.Errorf("%s: exit code %d: %s", args[0], code, errs)
		}
	}
	if _, ok, err := p.events(contactEvent("still")); err != nil || !ok {
		t.Errorf("the first process: %v", err)
	}
	p.stop()
	verified(t, dir)
}

// TestKeyFile: a ledger without its own key, private, does not open, and no new
// key is made for it.
func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir, _ := filled(t, 2)
	other, _ := filled(t, 1)
	key := filepath.Join(dir, "data.kek")
	own, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, "data.kek"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte, mode os.FileMode) {
		if err := os.WriteFile(key, b, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "the key file is missing")
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was made for a ledger that has one")
	}
	put(foreign, 0o600)
	refuses(t, dir, "belongs to another ledger")
	put(own[:len(own)-1], 0o600)
	refuses(t, dir, "the key file is damaged")
	put(bytes.Repeat([]byte{'x'}, len(own)), 0o600)
	refuses(t, dir, "the key file is damaged")
	put(own, 0o644)
	refuses(t, dir, "others may read the key file")
	put(own, 0o600)
	verified(t, dir)
}

// TestLogGone: a vault that knows a longer log opens with none shorter.
func TestLogGone(t *testing.T) {
	t.Parallel()
	dir, _ := filled(t, 3)
	if err := os.Rename(filepath.Join(dir, "data", "log"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "log and vault disagree")
}

// TestVaultGone: facts without the vault that holds their keys are no ledger.
func TestVaultGone(t *testing.T) {
	t.Parallel()
	dir, _ := filled(t, 3)
	if err := os.Rename(filepath.Join(dir, "data", "vault.db"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "log and vault disagree")
}

// TestViewsGone: read models that are lost, or rubbish, are no loss.
func TestViewsGone(t *testing.T) {
	t.Parallel()
	dir, at := filled(t, 5)
	if err := os.RemoveAll(filepath.Join(dir, "data", "views")); err != nil {
		t.Fatal(err)
	}
	p := serve(t, dir)
	r, ok, err := p.events(contactEvent("e0"))
	if err != nil || !ok || r.Results[0].Status != "duplicate" || r.Results[0].Position != at["e0"] {
		t.Fatalf("%v %+v", err, r)
	}
	a := p.must(200, "GET", "/v1/subjects/"+r.Results[0].SubjectID, "", "", "X-Greffe-Reason", "audit", "X-Greffe-Min-Position", at["e4"])
	if !strings.Contains(string(a.body), "e0@example.org") {
		t.Errorf("the view built anew lacks the person: %s", a.body)
	}
	p.stop()
	verified(t, dir)
}

type finding struct{ Code, Position string }

// findings is what verify says of a damaged ledger, with exit code 1.
func findings(t *testing.T, dir string) []finding {
	t.Helper()
	out, errs, code := greffe(t, dir, "verify", "--data", filepath.Join(dir, "data"), "--json")
	var v struct {
		Verdict  string    `json:"verdict"`
		Findings []finding `json:"findings"`
	}
	if err := json.Unmarshal([]byte(out), &v, json.MatchCaseInsensitiveNames(true)); err != nil || code != exitFindings || v.Verdict != "findings" {
		t.Fatalf("verify ended with %d (%v):\n%s%s", code, err, out, errs)
	}
	if strings.Contains(out+errs, "Anne") || strings.Contains(out+errs, "example.org") {
		t.Errorf("a finding holds personal data: %s%s", out, errs)
	}
	return v.Findings
}

// TestDamagedLog flips one byte of one fact: verify is red and names the place.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	dir, at := filled(t, 6)
	f, err := os.OpenFile(segment(dir), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(segment(dir))
	if err != nil {
		t.Fatal(err)
	}
	marks := bytes.Split(b, []byte("contact.created"))
	if len(marks) < 6 {
		t.Fatalf("%d facts of persons", len(marks)-1)
	}
	third := len(bytes.Join(marks[:3], []byte("contact.created"))) // where the third begins
	if _, err := f.WriteAt([]byte{b[third] ^ 1}, int64(third)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	all := findings(t, dir)
	if len(all) != 1 || all[0] != (finding{"log_damaged", at["e2"]}) {
		t.Errorf("findings %v, want one: log_damaged at %s", all, at["e2"])
	}
}

// TestDamagedVault flips one byte of the last event's row in the vault, in a
// sealed part and in what says whose it is.
func TestDamagedVault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at         func(rows []byte) int
		code, also string
	}{
		"tag":        {func(rows []byte) int { return len(rows) - 1 }, "part_altered", ""},
		"ciphertext": {func(rows []byte) int { return len(rows) - 40 }, "part_altered", ""},
		"owner": {func(rows []byte) int { // of the last part: before its class, which the part itself names again
			inPart := bytes.LastIndex(rows, []byte("identity"))
			return bytes.LastIndex(rows[:inPart], []byte("identity")) - 3
		}, "part_misplaced", "vault_damaged"}, // its index does not fit any more
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, at := filled(t, 6)
			flipInVault(t, dir, c.at)
			all := slices.DeleteFunc(findings(t, dir), func(f finding) bool { return f.Code == c.also })
			if len(all) != 1 || all[0] != (finding{c.code, at["e5"]}) {
				t.Errorf("findings %v, want one: %s at %s", all, c.code, at["e5"])
			}
		})
	}
}

// flipInVault flips a byte of the vault's newest rows about a person.
func flipInVault(t *testing.T, dir string, at func(rows []byte) int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	var seq int64
	var data []byte
	// What the service may have written of itself since has no part of a person.
	if err := db.QueryRow("SELECT seq,data FROM chunk WHERE instr(data,CAST('identity' AS BLOB))>0 ORDER BY seq DESC LIMIT 1").Scan(&seq, &data); err != nil {
		t.Fatal(err)
	}
	data[at(data)] ^= 1
	if _, err := db.Exec("UPDATE chunk SET data=? WHERE seq=?", data, seq); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
