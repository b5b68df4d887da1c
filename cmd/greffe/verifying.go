package main

import (
	"errors"
	"fmt"

	"greffe/cmd/greffe/internal/app"
	"greffe/eventstore/verify"
)

type verifyCmd struct {
	NoDrift bool `help:"Leave out building the projections anew."`
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
	var v verdict
	bar := sh.progress("verify")
	summary, drift, err := app.Verify(sh.ctx, sh.config(), app.VerifyOptions{
		Drift: !c.NoDrift, Progress: bar.at,
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
	fmt.Fprintf(w, "tree head over all facts (RFC 9162): %s\n", s.Root)
	for _, d := range v.Drift {
		state := "equal to a fresh build"
		if !d.Equal {
			state = "DIFFERS from a fresh build: run greffe rebuild, and find out why"
		}
		fmt.Fprintf(w, "projection %-9s %s (up to position %s)\n", d.Projection, state, d.Checkpoint)
	}
	for _, f := range v.Findings {
		fmt.Fprintf(w, "FINDING %s at position %s %s %s: %s\n", f.Code, f.Position, f.Event, f.Class, f.Detail)
	}
	_, err := fmt.Fprintf(w, "verdict: %s\n", v.Verdict)
	return err
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
