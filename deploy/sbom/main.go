// Command sbom writes what a Go program is made of as CycloneDX 1.6 JSON, from the
// list of modules that the compiler put into the program itself:
//
//	go run ./deploy/sbom PROGRAM FILE
//
// Promised: every module linked in is named with its version and the digest that
// go.sum holds of it, a replaced one as what replaced it; the same program makes the
// same bytes. Not in it: the C library and files of the image. A crash leaves a part
// of the file; run it again.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

type document struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("give a Go program and the file to write")
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read the modules of the program: %w", err)
	}
	out, err := json.MarshalIndent(describe(info), "", "  ")
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if err := os.WriteFile(args[1], append(out, '\n'), 0o600); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	fmt.Printf("%d components in %s\n", len(info.Deps)+1, args[1])
	return nil
}

// describe lists the modules and the standard library.
func describe(info *buildinfo.BuildInfo) document {
	d := document{Format: "CycloneDX", Spec: "1.6", Version: 1}
	d.Metadata.Component = component{Type: "application", Ref: info.Path, Name: info.Path}
	version := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
	std := "pkg:golang/std@" + version
	d.Components = []component{{Type: "library", Ref: std, Name: "std", Version: version, PURL: std}}
	for _, m := range info.Deps {
		d.Components = append(d.Components, componentOf(m))
	}
	slices.SortFunc(d.Components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	return d
}

func componentOf(m *debug.Module) component {
	if m.Replace != nil {
		m = m.Replace
	}
	purl := "pkg:golang/" + m.Path + "@" + m.Version
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) == 32 {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
	}
	return c
}
