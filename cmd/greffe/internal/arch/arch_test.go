// Package arch holds the arrows: cmd → api, projections, eventstore → domain.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	look(t)
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "greffe/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 15 {
		t.Fatalf("go list found %d packages: the test looked at nothing", len(all))
	}
	return all
}

// look looks at every source file, so that a result of other sources is not taken for
// these: the go command knows which files a test looked at, not what it started.
func look(t *testing.T) {
	t.Helper()
	top, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// room is the top-level folder of a package of ours, "" for others.
func room(path string) string {
	rest, ok := strings.CutPrefix(path, "greffe/")
	if !ok {
		return ""
	}
	top, _, _ := strings.Cut(rest, "/")
	return top
}

func TestArrowsPointInwards(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"domain":      {"domain"},
		"eventstore":  {"eventstore", "domain"},
		"projections": {"projections", "eventstore", "domain"},
		"api":         {"api", "projections", "eventstore", "domain"},
		"deploy":      {"deploy", "domain"},
		"cmd":         {"cmd", "api", "projections", "eventstore", "domain", "deploy"},
	}
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		may, ok := allowed[from]
		if !ok {
			t.Errorf("%s stands in no room of the design", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if imp == "greffe/deploy" && strings.HasSuffix(p.ImportPath, "test") {
				continue // what tests are made of may begin with the shipped policy
			}
			if to := room(imp); to != "" && !slices.Contains(may, to) {
				t.Errorf("%s imports %s: %s may not know %s", p.ImportPath, imp, from, to)
			}
		}
	}
}

func TestDomainIsPure(t *testing.T) {
	t.Parallel()
	impure := []string{"os", "os/exec", "net", "net/http", "io/fs", "io/ioutil", "log", "log/slog", "crypto/rand", "math/rand",
		"math/rand/v2", "database/sql", "context", "runtime", "syscall", "embed"}
	for _, p := range packages(t) {
		if room(p.ImportPath) != "domain" {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: the domain has no I/O, clock or randomness", p.ImportPath, imp)
			}
		}
	}
}

// Adapters are named in the composition root alone, and nobody opens parts but
// through eventstore/access.
func TestAdaptersAreNamedOnce(t *testing.T) {
	t.Parallel()
	only := map[string][]string{
		"greffe/eventstore/embedded":      {"greffe/cmd/greffe/internal/app"},
		"greffe/eventstore/vault/sqlite":  {"greffe/cmd/greffe/internal/app"},
		"greffe/eventstore/vault/kek":     {"greffe/cmd/greffe/internal/app", "greffe/eventstore/vault/kek/kektest", "greffe/eventstore/vault/kek/transit", "greffe/eventstore/vault/kek/awskms"},
		"greffe/projections/audit/sqlite": {"greffe/cmd/greffe/internal/app"},
		"greffe/eventstore/seal": {"greffe/eventstore/ledger", "greffe/eventstore/access",
			"greffe/eventstore/eraser",        // tells recipients of an erasure under their own ids
			"greffe/eventstore/verify",        // unwraps key rows and recomputes MACs; opens no part
			"greffe/cmd/greffe/internal/app"}, // the fence before the ledger opens; rotation; decisions
		"greffe/eventstore/memory":       {"greffe/projections/projtest"},
		"greffe/eventstore/vault/memory": nil,
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if by, ok := only[imp]; ok && !slices.Contains(by, p.ImportPath) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}
