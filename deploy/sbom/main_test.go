package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// Every module that a program holds is in the list, with its digest, twice the same.
func TestEveryModuleIsListed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bom.json")
	if err := run([]string{os.Args[0], file}); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := run([]string{os.Args[0], file}); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(first, again) {
		t.Error("the same program makes another list")
	}
	var d document
	if err := json.Unmarshal(first, &d); err != nil || d.Format != "CycloneDX" || d.Spec != "1.6" {
		t.Fatalf("%v %+v", err, d)
	}
	info, err := buildinfo.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Components) != len(info.Deps)+1 || !slices.ContainsFunc(d.Components, func(c component) bool { return c.Name == "std" && c.Version != "" }) {
		t.Errorf("%d components of %d modules", len(d.Components), len(info.Deps))
	}
}

func TestReplacedAndHashed(t *testing.T) {
	t.Parallel()
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.8 X:none", Path: "greffe/cmd/greffe"}
	info.Deps = append(info.Deps, module("example.org/b", "v1.2.0"), module("example.org/a", "v0.1.0"))
	info.Deps[0].Replace = module("example.org/fork", "v1.2.1")
	d := describe(info)
	var names []string
	for _, c := range d.Components {
		names = append(names, c.PURL)
		if c.Name != "std" && (len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("%s lacks its digest", c.Name)
		}
	}
	want := "pkg:golang/example.org/a@v0.1.0 pkg:golang/example.org/fork@v1.2.1 pkg:golang/std@1.26.8"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, args := range [][]string{nil, {"/nowhere/x", "y"}, {"main.go", "y"}} {
		if run(args) == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func module(path, version string) *debug.Module {
	return &debug.Module{Path: path, Version: version, Sum: "h1:" + strings.Repeat("A", 43) + "="}
}
