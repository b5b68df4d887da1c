package httpapi

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRequirements holds domain/REQUIREMENTS.md to what there is: each row names a rule,
// a way to meet it and tests that exist in the package it says; each route of a row is
// one of the table.
func TestRequirements(t *testing.T) {
	t.Parallel()
	const root = "../../"
	b, err := os.ReadFile(root + "domain/REQUIREMENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range Routes() {
		known[r.Method+" "+r.Pattern] = true
	}
	route := regexp.MustCompile(`(GET|POST|DELETE|PUT) (/[^ ?,;|]*)`)
	tested := regexp.MustCompile(`(Test\w+(?:, Test\w+)*) \(([\w/]+)\)`)
	rows, sources := 0, map[string]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[0]) == "Requirement" {
			continue
		}
		if rows++; len(cells) != 3 || len(strings.TrimSpace(cells[0])) < 10 || strings.TrimSpace(cells[1]) == "" {
			t.Errorf("not a row of three: %s", line)
			continue
		}
		for _, m := range route.FindAllStringSubmatch(cells[1], -1) {
			if !known[m[1]+" "+m[2]] {
				t.Errorf("there is no route %s %s: %s", m[1], m[2], cells[0])
			}
		}
		found := tested.FindAllStringSubmatch(cells[2], -1)
		if len(found) == 0 {
			t.Errorf("no test: %s", cells[0])
		}
		for _, m := range found {
			if sources[m[2]] == "" {
				sources[m[2]] = testsOf(t, root+m[2])
			}
			for _, name := range strings.Split(m[1], ", ") {
				if !strings.Contains(sources[m[2]], "\nfunc "+name+"(") {
					t.Errorf("%s has no %s: %s", m[2], name, cells[0])
				}
			}
		}
	}
	if rows < 80 {
		t.Errorf("%d rows", rows)
	}
}

// testsOf is the text of a package's tests.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
