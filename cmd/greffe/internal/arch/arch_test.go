// Package arch holds the arrows: cmd → api, projections, eventstore → domain.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
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
		"greffe/eventstore/vault/kek":     {"greffe/cmd/greffe/internal/app", "greffe/eventstore/vault/kek/kektest"},
		"greffe/projections/audit/sqlite": {"greffe/cmd/greffe/internal/app"},
		"greffe/eventstore/seal":          {"greffe/eventstore/ledger", "greffe/eventstore/access"},
		"greffe/eventstore/memory":        {"greffe/projections/projtest"},
		"greffe/eventstore/vault/memory":  nil,
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if by, ok := only[imp]; ok && !slices.Contains(by, p.ImportPath) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}
