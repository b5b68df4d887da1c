package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
)

type serveCmd struct {
	Listen  string `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	TLSCert string `name:"tls-cert" help:"Certificate (PEM) to serve TLS with." placeholder:"FILE"`
	TLSKey  string `name:"tls-key" help:"Its key (PEM)." placeholder:"FILE"`

	RateIngest float64 `help:"Ingest requests a second, for each account." default:"5000"`
	RateRead   float64 `help:"Reads a second, for each account." default:"2000"`
	RateSearch float64 `help:"Searches a second, for each account." default:"200"`
}

// bootstrapEnv gives the first administrator's token. It is read from the
// environment only: a command line can be seen by every user of the machine.
const bootstrapEnv = "GREFFE_BOOTSTRAP_TOKEN"

// drain bounds how long requests under way may take at shutdown.
const drain = 10 * time.Second

func (c *serveCmd) Run(sh *shell) error {
	a, err := app.Open(sh.ctx, c.config(sh))
	if err != nil {
		return err
	}
	return errors.Join(c.serve(sh, a, nil), a.Close())
}

func (c *serveCmd) config(sh *shell) app.Config {
	cfg := sh.config()
	cfg.Exists = false
	cfg.Rates = map[httpapi.Rate]float64{httpapi.RateIngest: c.RateIngest, httpapi.RateRead: c.RateRead, httpapi.RateSearch: c.RateSearch}
	return cfg
}

// serve answers until the context ends or the ledger stops by itself.
func (c *serveCmd) serve(sh *shell, a *app.App, ready func(base string) error) error {
	made, err := a.Bootstrap(sh.ctx, os.Getenv(bootstrapEnv))
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := a.API.Server(context.WithoutCancel(sh.ctx))
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	base := scheme + "://" + ln.Addr().String()
	fmt.Fprintf(sh.stdout, "Greffe listens on %s\n", base)
	if made != "" {
		fmt.Fprintf(sh.stdout, "First administrator's token, shown once: %s\n", made)
	}
	if ready != nil {
		if err := ready(base); err != nil {
			return errors.Join(err, ln.Close())
		}
	}
	house, stopHouse := context.WithCancel(sh.ctx)
	var housekeeping sync.WaitGroup
	housekeeping.Go(func() { a.KeepHouse(house) })
	defer housekeeping.Wait()
	defer stopHouse()
	ended := make(chan error, 1)
	go func() {
		if c.TLSCert != "" {
			ended <- srv.ServeTLS(ln, c.TLSCert, c.TLSKey)
			return
		}
		ended <- srv.Serve(ln)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-a.Ledger.Failed():
		err = fmt.Errorf("the ledger stopped, restart to recover: %w", a.Ledger.Cause())
	case <-sh.ctx.Done():
		err = nil
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(sh.ctx), drain)
	defer cancel()
	if serr := srv.Shutdown(stop); serr != nil && !errors.Is(serr, http.ErrServerClosed) {
		_ = srv.Close()
	}
	return err
}
