package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/siem"
	"greffe/cmd/greffe/internal/app"
)

type serveCmd struct {
	Listen    string `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	PublicURL string `name:"public-url" help:"What one-click links begin with, as people reach this service; by default the address listened on." placeholder:"URL"`

	Host []string `name:"host" help:"Another name that requests may be sent to, besides that of --public-url, localhost and any address; may be repeated." placeholder:"NAME"`

	Edge edgeFlags `embed:""`

	OIDC string `name:"oidc" help:"YAML file about an OpenID Connect provider to sign in by. The client's secret is in a file that it names, or in GREFFE_OIDC_SECRET." placeholder:"FILE"`

	BackupEvery time.Duration `help:"Make a backup in --backup-dir when the newest is older; 0 for never." default:"0" placeholder:"24h"`

	RotateEvery time.Duration `name:"kek-rotate-every" help:"Make a new key (KEK) when the last is older, with a backup in --backup-dir under it; older backups are dead then. 0 for never." default:"0" placeholder:"2160h"`

	Sealed bool `help:"Start without the key: answer health checks and POST /v1/unseal only, until enough shares of the key came (greffe keys escrow)."`

	LockMemory bool `name:"lock-memory" help:"Never swap any of this process's memory, which holds keys; needs an unlimited RLIMIT_MEMLOCK."`

	VerifyEvery time.Duration `help:"Verify what is new when the last verification is older, and everything once a week; 0 for never." default:"24h" placeholder:"24h"`

	RightsForm bool `name:"rights-form" help:"Serve the public form of rights requests at /rights: no account needed."`

	Verifiers string `help:"Folder of the programs greffe-verify* that the page of an inspection's bundle hands out; by default the folder of this program." placeholder:"DIR"`

	Mappings string `help:"Folder of your own mappings (NAME.jq) for /v1/ingest; they go before the shipped ones." placeholder:"DIR"`

	RateIngest float64 `help:"Ingest requests a second, for each account." default:"5000"`
	RateRead   float64 `help:"Reads a second, for each account." default:"2000"`
	RateSearch float64 `help:"Searches a second, for each account." default:"200"`

	Kafka string `help:"YAML file about a Kafka cluster: topics to take events from, and to tell recipients by." placeholder:"FILE"`

	AlertWebhook string `name:"alert-webhook" help:"Push alerts about unusual reads to this address, signed (greffe watch secret)." placeholder:"URL"`
	SMTP         string `name:"smtp" help:"YAML file about a mail server, and whom to tell of alerts: host, port, security, user, password_file, from, to." placeholder:"FILE"`
	SIEM         string `name:"siem" help:"Send reads, refusals, sign-ins and alerts as OCSF events to a file or an https address; GREFFE_SIEM_TOKEN is sent as bearer token." placeholder:"FILE|URL"`

	Webhook map[string]string `help:"Push changes to a recipient of the policy; may be repeated." placeholder:"RECIPIENT=URL"`

	WebhookAllowPrivate bool `name:"webhook-allow-private" help:"Recipients may be on this machine or in private networks; never where clouds hand out credentials."`

	held net.Listener `kong:"-"` // of a service that was sealed
}

// listen takes the address, or goes on with that of the sealed service.
func (c *serveCmd) listen() (net.Listener, error) {
	if c.held != nil {
		return c.held, nil
	}
	return net.Listen("tcp", c.Listen)
}

// siemTokenEnv gives the token for --siem, from the environment only.
const siemTokenEnv = "GREFFE_SIEM_TOKEN"

// oidcEnv gives the secret of this client of the identity provider, likewise.
const oidcEnv = "GREFFE_OIDC_SECRET"

// drain bounds how long requests under way may take at shutdown.
const drain = 10 * time.Second

func (c *serveCmd) Run(sh *shell) error {
	if c.RotateEvery > 0 && sh.cli.Dir == "" {
		return errors.New("--kek-rotate-every needs --backup-dir: older backups are dead after a rotation, so it makes one")
	}
	if c.LockMemory {
		if err := app.Harden(true); err != nil {
			return err
		}
	}
	cfg := c.config(sh)
	if c.Sealed {
		if err := c.unseal(sh, &cfg); err != nil {
			return err
		}
	}
	a, err := app.Open(sh.ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(c.serve(sh, a, nil), a.Close())
}

func (c *serveCmd) config(sh *shell) app.Config {
	cfg := sh.config()
	cfg.Exists, cfg.Aside, cfg.Mappings, cfg.RightsForm, cfg.Verifiers = false, false, c.Mappings, c.RightsForm, c.Verifiers
	cfg.Rates = map[httpapi.Rate]float64{httpapi.RateIngest: c.RateIngest, httpapi.RateRead: c.RateRead, httpapi.RateSearch: c.RateSearch}
	cfg.OIDC, cfg.OIDCSecret = c.OIDC, os.Getenv(oidcEnv)
	cfg.Hosts, cfg.HouseWebhooks = c.Host, c.WebhookAllowPrivate
	if cfg.PublicURL = c.PublicURL; cfg.PublicURL == "" {
		cfg.PublicURL = c.scheme() + "://" + c.reached()
	}
	cfg.TrustedProxies = c.Edge.TrustedProxy
	return cfg
}

// reached is the address listened on as a URL names it: ":8080" is localhost.
func (c *serveCmd) reached() string {
	if strings.HasPrefix(c.Listen, ":") {
		return "localhost" + c.Listen
	}
	return c.Listen
}

func (c *serveCmd) scheme() string {
	if c.Edge.TLSCert != "" {
		return "https"
	}
	return "http"
}

// serve answers until the context ends or the ledger stops by itself.
func (c *serveCmd) serve(sh *shell, a *app.App, ready func(base string) error) error {
	files, err := c.Edge.open()
	if err != nil {
		return err
	}
	first, err := c.Edge.bootstrap(os.Getenv)
	if err != nil {
		return err
	}
	made, err := a.Bootstrap(sh.ctx, first)
	if err != nil {
		return err
	}
	targets, err := a.Webhooks(c.Webhook)
	if err != nil {
		return err
	}
	telling, err := a.OpenOutlets(app.Outlets{Webhook: c.AlertWebhook, SMTP: c.SMTP, SIEM: siem.Target{Where: c.SIEM, Token: os.Getenv(siemTokenEnv)}})
	if err != nil {
		return err
	}
	topics, err := a.OpenKafka(c.Kafka)
	if err != nil {
		return err
	}
	if err := a.Join(sh.ctx); err != nil {
		return err
	}
	ln, err := c.listen()
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := a.API.Server(context.WithoutCancel(sh.ctx))
	srv.Handler = a.Front
	srv.RegisterOnShutdown(a.Front.EndStreams)
	base := c.scheme() + "://" + ln.Addr().String()
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
	housekeeping.Go(func() {
		a.Keep(house, app.Keeping{Webhooks: targets, BackupEvery: c.BackupEvery, RotateEvery: c.RotateEvery, Kafka: topics, Telling: telling})
	})
	if files != nil {
		housekeeping.Go(func() { watchFiles(house, files, sh.log) })
	}
	if c.VerifyEvery > 0 {
		housekeeping.Go(func() { a.KeepVerifying(house, c.VerifyEvery) })
	}
	housekeeping.Go(func() {
		if err := topics.TakeIn(house); err != nil {
			sh.log.Error("the intake from Kafka ended; restart", "error", err)
		}
	})
	defer housekeeping.Wait()
	defer stopHouse()
	ended := make(chan error, 1)
	go func() {
		if files != nil {
			srv.TLSConfig = files.Config()
			ended <- srv.ServeTLS(ln, "", "")
			return
		}
		ended <- srv.Serve(ln)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-a.Ledger.Failed():
		err = fmt.Errorf("the ledger stopped, restart to recover: %w", a.Ledger.Cause())
	case <-a.Failed():
		err = fmt.Errorf("this node stopped: %w", a.Cause())
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
