package httpapi

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestThreats holds domain/THREATS.md to what there is: each row says with what, what
// holds or does not, and names tests of the packages it says.
func TestThreats(t *testing.T) {
	t.Parallel()
	const root = "../../"
	b, err := os.ReadFile(root + "domain/THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	tested := regexp.MustCompile(`(Test\w+(?:, Test\w+)*) \(([\w/]+)\)`)
	rows, sources := 0, map[string]string{}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| With ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if rows++; len(cells) != 3 {
			t.Fatalf("not a row of three: %s", line)
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
	if rows < 20 {
		t.Errorf("%d rows", rows)
	}
}
