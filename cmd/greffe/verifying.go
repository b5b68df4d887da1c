package main

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"greffe/cmd/greffe/internal/app"
	"greffe/cmd/internal/bundlecli"
	"greffe/domain"
	"greffe/eventstore/verify"
)

type verifyCmd struct {
	Bundle  string          `arg:"" optional:"" help:"Inspection bundle to verify, a directory or a zip; without it, this ledger."`
	With    bundlecli.Flags `embed:"" group:"A bundle"`
	NoDrift bool            `help:"Leave out building the projections anew."`
	Since   int64           `help:"Look at what was recorded from this position on; of what is before, only its place in the tree and what it destroyed. For daily runs." placeholder:"POSITION"`
}

type verdict struct {
	Verdict  string           `json:"verdict"`
	Summary  verify.Summary   `json:"summary"`
	Findings []verify.Finding `json:"findings,omitempty"`
	Drift    []app.Drift      `json:"drift,omitempty"`
}

// maxFindings bounds what one report lists; the summary counts all.
const maxFindings = 1000

func (c *verifyCmd) Run(sh *shell) error {
	if c.Bundle != "" || c.With.Given() {
		return c.bundle(sh)
	}
	if c.Since < 0 {
		return errors.New("--since: give a position, 0 or more")
	}
	var v verdict
	bar := sh.progress("verify")
	building := sync.OnceValue(func() *progress { bar.end(); return sh.progress("build to compare") })
	summary, drift, err := app.Verify(sh.ctx, sh.config(), app.VerifyOptions{
		Drift: !c.NoDrift, Since: domain.Position(c.Since), Progress: bar.at,
		Building: func(done, total int64) { building().at(done, total) },
		Report: func(f verify.Finding) {
			if len(v.Findings) < maxFindings {
				v.Findings = append(v.Findings, f)
			}
		},
	})
	bar.end()
	if err != nil {
		return err
	}
	if c.Since > int64(summary.Head) {
		return fmt.Errorf("--since: the log ends at position %d: nothing was looked at", summary.Head)
	}
	v.Summary, v.Drift = summary, drift
	bad := summary.Findings
	for _, d := range drift {
		if !d.Equal {
			bad++
		}
	}
	v.Verdict = "intact"
	if bad > 0 {
		v.Verdict = "findings"
	}
	if err := c.print(sh, &v); err != nil {
		return err
	}
	if bad > 0 {
		return errFindings
	}
	return nil
}

func (c *verifyCmd) print(sh *shell, v *verdict) error {
	if sh.cli.JSON {
		return sh.printJSON(v)
	}
	w, s := sh.stdout, v.Summary
	fmt.Fprintf(w, "%d facts and %d parts recomputed, %d parts gone by a destruction\n", s.Facts, s.Parts, s.Destroyed)
	fmt.Fprintf(w, "%d rows, %d links and %d markers of the vault, %d signed heads, %d anchors, %d tiles and %d lines of the fence checked\n",
		s.Rows, s.Links, s.Holds, s.Heads, s.Anchors, s.Tiles, s.Fenced)
	fmt.Fprintf(w, "tree head over all facts (RFC 9162): %s\n", s.Root)
	for _, d := range v.Drift {
		state := "equal to a fresh build"
		if !d.Equal {
			state = "DIFFERS from a fresh build: run greffe rebuild, and find out why"
		}
		fmt.Fprintf(w, "projection %-12s %s (up to position %s)\n", d.Projection, state, d.Checkpoint)
		printDrift(w, d)
	}
	for _, f := range v.Findings {
		fmt.Fprintf(w, "FINDING %s at position %s %s %s %s: %s\n", f.Code, f.Position, f.Event, f.Class, f.Where, f.Detail)
	}
	_, err := fmt.Fprintf(w, "verdict: %s\n", v.Verdict)
	return err
}

// printDrift names the rows in which a projection differs.
func printDrift(w io.Writer, d app.Drift) {
	if d.Equal {
		return
	}
	from := "no position can be told"
	if d.FirstPosition != nil {
		from = "from position " + d.FirstPosition.String() + " on"
	}
	fmt.Fprintf(w, "  %d rows differ, %s\n", d.Lines, from)
	for _, f := range d.Findings {
		at := ""
		if f.Position != nil {
			at = " (position " + f.Position.String() + ")"
		}
		fmt.Fprintf(w, "  DRIFT %s %s%s\n", d.Projection, f.Where, at)
	}
}

type rebuildCmd struct {
	Names []string `arg:"" optional:"" help:"Projections to rebuild; all if none is named."`
}

func (c *rebuildCmd) Run(sh *shell) error {
	a, err := app.OpenStill(sh.ctx, sh.config())
	if err != nil {
		return err
	}
	bar := sh.progress("rebuild")
	n, err := a.Rebuild(sh.ctx, c.Names, bar.at)
	bar.end()
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(map[string]int64{"facts": n})
	}
	_, err = fmt.Fprintf(sh.stdout, "%d facts projected anew\n", n)
	return err
}
