package main

import (
	"errors"
	"fmt"
)

// watchCmd is about the watch over reads; alerts themselves are read over the API, by
// those who may (GET /v1/watch).
type watchCmd struct {
	Secret watchSecretCmd `cmd:"" help:"Show what alerts by webhook are signed with."`
}

type watchSecretCmd struct{}

func (c *watchSecretCmd) Run(sh *shell) (err error) {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	secret, err := a.AlertSecret()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(map[string]string{"webhook_secret": secret})
	}
	_, err = fmt.Fprintf(sh.stdout, "secret of alerts by webhook (Standard Webhooks): %s\n", secret)
	return err
}
