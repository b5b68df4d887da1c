package main

import (
	"errors"
	"fmt"

	"greffe/cmd/greffe/internal/app"
)

type doctorCmd struct{}

func (doctorCmd) Run(sh *shell) error {
	checks, err := app.Examine(sh.ctx, sh.config())
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(checks)
	} else {
		for _, c := range checks {
			fmt.Fprintf(sh.stdout, "%-8s %-22s %s\n", c.State, c.Name, c.Detail)
		}
	}
	for _, c := range checks {
		if c.State != app.Good {
			return errors.Join(err, errFindings)
		}
	}
	return err
}
