package main

import (
	"errors"
	"fmt"

	"greffe/cmd/greffe/internal/app"
)

type restoreCmd struct {
	From      string `help:"Directory of the backup." xor:"from" placeholder:"DIR"`
	InPlace   bool   `help:"Bring the data directory itself in line with the fence, after its files were put back from a copy." xor:"from"`
	FenceLost string `help:"The fence is lost for good, and why. Erased people may come back, so nothing is read until a DPO confirms." placeholder:"REASON"`
}

func (c *restoreCmd) Run(sh *shell) error {
	if c.From == "" && !c.InPlace {
		return errors.New("name a backup with --from, or say --in-place")
	}
	show := sh.steps()
	done, err := app.Restore(sh.ctx, sh.config(), app.RestoreOptions{From: c.From, FenceLost: c.FenceLost, Progress: show.at})
	show.end()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(done)
	}
	w := sh.stdout
	fmt.Fprintf(w, "%s is restored: %s facts; %d destructions of the fence carried out, %d of them unknown to what was restored\n",
		sh.cli.Data, done.Position, done.Replayed, done.Erasures)
	if done.FenceLost {
		fmt.Fprintln(w, "The fence was lost: nothing personal is read until a DPO confirms it with POST /v1/restore/confirm.")
	}
	_, err = fmt.Fprintln(w, "Read models are built anew when it is opened. Next: greffe verify, then greffe serve.")
	return err
}
