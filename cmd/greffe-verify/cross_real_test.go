//go:build real

package main

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCrossBuilt builds the verifier for every system that inspectors have, into the
// directory GREFFE_CROSS if that is set: static, for the processor it says. The one for
// this machine, alone with a bundle and the key, takes what is whole and refuses the rest.
func TestCrossBuilt(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("GREFFE_CROSS")
	if dir == "" {
		dir = t.TempDir()
	}
	own := ""
	for _, system := range []string{"linux", "windows", "darwin"} {
		for _, processor := range []string{"amd64", "arm64"} {
			name := filepath.Join(dir, "greffe-verify-"+system+"-"+processor)
			if system == "windows" {
				name += ".exe"
			}
			build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", name, ".")
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%s/%s: %v\n%s", system, processor, err, out)
			}
			if err := isFor(name, system, processor); err != nil {
				t.Errorf("%s/%s: %v", system, processor, err)
			}
			info, err := os.Stat(name)
			check(t, err)
			t.Logf("%s: %d bytes", filepath.Base(name), info.Size())
			if system == runtime.GOOS && processor == runtime.GOARCH {
				own = name
			}
		}
	}
	if own == "" {
		t.Fatalf("no verifier for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	smoke(t, own)
}

// isFor says whether a program is for a system and processor, and needs no library of
// a system's distribution.
func isFor(name, system, processor string) error {
	arm := processor == "arm64"
	switch system {
	case "linux":
		f, err := elf.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 || f.Section(".interp") != nil {
			return errors.New("it is not static")
		}
		return is(f.Machine, arm, elf.EM_AARCH64, elf.EM_X86_64)
	case "windows":
		f, err := pe.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return is(f.Machine, arm, pe.IMAGE_FILE_MACHINE_ARM64, pe.IMAGE_FILE_MACHINE_AMD64)
	}
	f, err := macho.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return is(f.Cpu, arm, macho.CpuArm64, macho.CpuAmd64)
}

func is[T comparable](got T, arm bool, arm64, amd64 T) error {
	want := amd64
	if arm {
		want = arm64
	}
	if got != want {
		return fmt.Errorf("it is for processor %v, not %v", got, want)
	}
	return nil
}

// smoke runs the program without any environment.
func smoke(t *testing.T, name string) {
	t.Helper()
	name, err := filepath.Abs(name)
	check(t, err)
	g := give(t)
	verify := func(what string) (int, string) {
		c := exec.Command(name, "--lang", "fr", "--key", g.key, what)
		c.Env, c.Dir = []string{}, t.TempDir()
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode(), string(out)
	}
	for _, what := range []string{g.zip, g.dir} {
		if code, out := verify(what); code != 0 || !strings.Contains(out, "Résultat : intact") {
			t.Errorf("a whole bundle: %d\n%s", code, out)
		}
	}
	check(t, os.Truncate(filepath.Join(g.dir, "tile", "0", "000.p", "1"), 31))
	if code, out := verify(g.dir); code != 1 || !strings.Contains(out, "tile/0/000.p/1") {
		t.Errorf("a cut tile: %d\n%s", code, out)
	}
	if code, out := verify(filepath.Join(g.dir, "nothing")); code != 2 {
		t.Errorf("nothing there: %d\n%s", code, out)
	}
}
