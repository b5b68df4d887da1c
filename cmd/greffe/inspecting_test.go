package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestInspectionOnTheMachine: open, bundle as a zip and as a directory, verify each
// with the key alone, close; what fails leaves nothing behind.
func TestInspectionOnTheMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	greffe := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(t.Context(), append([]string{"--data", at("data")}, args...), &out, &errs); got != want {
			t.Fatalf("%v: %d, want %d: %s%s", args, got, want, out.String(), errs.String())
		}
		return out.String()
	}
	greffe(exitClean, "token", "make", "first", "--roles", "admin")
	var opened struct{ ID string }
	if err := json.Unmarshal([]byte(greffe(exitClean, "inspection", "open", "--requester", "CNIL", "--reference", "2026-042C", "--from", "2020-01-01T00:00:00Z", "--json")),
		&opened, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	var made struct{ VKey string }
	if err := json.Unmarshal([]byte(greffe(exitClean, "inspection", "bundle", opened.ID, "--out", at("b.zip"), "--key", at("key.txt"), "--json")),
		&made, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	greffe(exitClean, "inspection", "bundle", opened.ID, "--out", at("b"))
	for _, b := range []string{"b.zip", "b"} {
		greffe(exitClean, "verify", at(b), "--key", made.VKey)
	}
	pdf, err := os.ReadFile(at("b/rapport.pdf"))
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("the report: %v", err)
	}
	if err := os.WriteFile(at("b/rapport.pdf"), append(pdf, ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	greffe(exitFindings, "verify", at("b"), "--key", made.VKey)
	greffe(exitFailed, "inspection", "bundle", opened.ID, "--out", at("b"))
	greffe(exitFailed, "inspection", "bundle", opened.ID, "--out", at("b.zip"))
	if list := greffe(exitClean, "inspection", "list"); !strings.Contains(list, "2026-042C  CNIL  open, answer until") {
		t.Errorf("listed as %s", list)
	}
	if said := greffe(exitClean, "inspection", "close", opened.ID); !strings.Contains(said, "rotate-peppers") {
		t.Errorf("closing says %s", said)
	}
	greffe(exitFailed, "inspection", "bundle", opened.ID, "--out", at("late.zip"))
	greffe(exitFailed, "inspection", "open", "--requester", "CNIL", "--reference", "x", "--from", "2020-01-01T00:00:00Z", "--modes", "by_stealth")
	if left, _ := filepath.Glob(at("*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(at("late.zip")); err == nil {
		t.Error("a closed inspection gave a bundle")
	}
}
