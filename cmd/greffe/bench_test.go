package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestBenchLoaded runs every case over a loaded ledger, on a small one: each gives
// a figure, and the flags say how much is done.
func TestBenchLoaded(t *testing.T) {
	t.Parallel()
	out, errs, code := greffe(t, t.TempDir(), "bench", "--load", "1200", "--seconds", "0.03", "--checks", "300", "--erasures", "7", "--json")
	if code != exitClean {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var got []figure
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	var cases []string
	for _, f := range got {
		cases = append(cases, f.Case)
		if f.PerSecond <= 0 {
			t.Errorf("%s: %v a second", f.Case, f.PerSecond)
		}
	}
	want := []string{"load of 1200 events", "contactability, 10000 known addresses", "contactability, 10000 unknown addresses",
		"contactability, stream of 300", "backup, nothing else going on", "record, 1 × batch 1000, loaded", "record while a backup is made",
		"one erasure with certificate", "7 erasures, 64 at once"}
	if !slices.Equal(cases, want) {
		t.Errorf("cases are\n%s", strings.Join(cases, "\n"))
	}
}

// TestBenchPersons: a ledger of fewer persons than are to be erased ends the run
// clean, with as many as there are.
func TestBenchPersons(t *testing.T) {
	t.Parallel()
	out, errs, code := greffe(t, t.TempDir(), "bench", "--load", "220", "--seconds", "0.03", "--checks", "10")
	if code != exitClean || !strings.Contains(out, "5 erasures, 64 at once") || !strings.Contains(out, "100,000 in ") {
		t.Errorf("exit %d: %s %s", code, out, errs)
	}
}
