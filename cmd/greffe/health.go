package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthTimeout bounds a health check.
const healthTimeout = 5 * time.Second

type healthCmd struct {
	Server string `help:"The service." default:"http://127.0.0.1:8080" placeholder:"URL"`
}

// Run needs no token: /readyz says nothing but whether.
func (c *healthCmd) Run(sh *shell) (err error) {
	ctx, cancel := context.WithTimeout(sh.ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server+"/readyz", nil)
	if err != nil {
		return errors.New("--server: give a URL such as https://greffe.example.org")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the service does not answer: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 4096)); err != nil {
		return fmt.Errorf("the service does not answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the service is not ready: %s", res.Status)
	}
	_, err = fmt.Fprintln(sh.stdout, "ready")
	return err
}
