package main

import (
	"errors"
	"os"
)

var errNoBundle = errors.New("name the bundle to verify: greffe verify BUNDLE --key key.pem")

// bundle verifies an inspection bundle; no ledger is opened.
func (c *verifyCmd) bundle(sh *shell) error {
	if c.Bundle == "" {
		return errNoBundle
	}
	bar := sh.progress("verify")
	clean, err := c.With.Verify(c.Bundle, sh.cli.JSON, os.Stdin, sh.stdout, bar.at)
	bar.end()
	if err == nil && !clean {
		return errFindings
	}
	return err
}
