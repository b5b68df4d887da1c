// Command greffe-verify verifies an inspection bundle with nothing but the
// ledger's public key: no network, no installation, nothing written. It is the
// same code as greffe verify BUNDLE, in a small static binary for whoever was
// given a bundle, on Linux, Windows and macOS. Exit code 0: intact; 1: refused,
// with what and where; 2: could not be verified.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"greffe/cmd/internal/bundlecli"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

type cli struct {
	bundlecli.Flags
	Bundle string `arg:"" help:"Directory or zip."`
	JSON   bool   `name:"json" help:"Print JSON for scripts."`
}

// Exit codes (design §7).
const (
	exitIntact  = 0
	exitRefused = 1
	exitFailed  = 2
)

// noEnvironment takes no flag from the environment.
func noEnvironment(k *kong.Kong) error {
	for _, f := range k.Model.Flags {
		f.Envs, f.Tag.Envs = nil, nil
	}
	return nil
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("greffe-verify"), kong.Vars{"lang": bundlecli.Language(os.Getenv)},
		kong.Description("Verify an inspection bundle of Greffe with nothing but the public key. Vérifier un dossier de contrôle avec la seule clé publique."),
		kong.PostBuild(noEnvironment), kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(stderr, "greffe-verify:", err)
		return exitFailed
	}
	_, err = parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	clean := false
	if err == nil {
		p := &progress{w: stderr, last: time.Now()}
		clean, err = c.Verify(c.Bundle, c.JSON, stdin, stdout, p.at)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "greffe-verify:", err)
		return exitFailed
	case !clean:
		return exitRefused
	}
	return exitIntact
}

// progress is a plain line every few seconds.
type progress struct {
	w    io.Writer
	last time.Time
}

const plainEvery = 5 * time.Second

func (p *progress) at(done, total int64) {
	if total == 0 || time.Since(p.last) < plainEvery {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.w, "%d %% (%d / %d MiB)\n", done*100/total, done>>20, total>>20)
}
