// Package app is the composition root: the only package that names adapters. It
// opens log, vault, keys, ledger, projections and API of one data directory, in
// this order, and closes them in reverse.
//
//	DATA/log/         the fact log            the truth, for ever
//	DATA/vault.db     keys, parts, tokens     what can be destroyed
//	DATA/views/*.db   read models             rebuilt at will
//	DATA.kek          the key that wraps the vault's root key, outside DATA
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/cursor"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/sqlite"
	"greffe/projections"
	"greffe/projections/dossier"
)

// Version is what /healthz and the API document say.
const Version = "0.1.0"

// Config says where a ledger is.
type Config struct {
	Data   string
	KEK    string
	Logger *slog.Logger
	Now    func() time.Time // time.Now when nil
	Rand   io.Reader        // crypto/rand when nil
	Rates  map[httpapi.Rate]float64
	Exists bool // the ledger must be there; without it a new one is made
}

// App is an open ledger with its read models and API.
type App struct {
	cfg    Config
	log    *embedded.Log
	vault  *sqlite.Store
	Ledger *ledger.Ledger
	views
	runner  *projections.Runner
	running chan error
	stop    context.CancelFunc

	Journal *access.Journal
	Dossier *dossier.Dossiers
	Tokens  *auth.Desk
	API     *httpapi.API
	cursors cursor.Key
}

// Open opens the ledger of a data directory, making a new one if there is none,
// and starts following the log.
func Open(ctx context.Context, cfg Config) (*App, error) {
	a, err := OpenStill(ctx, cfg)
	if err != nil {
		return nil, err
	}
	a.run()
	if err := a.serving(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// OpenStill opens a ledger without following the log: for work on the read models.
func OpenStill(ctx context.Context, cfg Config) (_ *App, err error) {
	cfg = cfg.withDefaults()
	a := &App{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.openStores(ctx); err != nil {
		return nil, err
	}
	if a.views, err = openViews(ctx, filepath.Join(cfg.Data, "views"), a); err != nil {
		return nil, err
	}
	a.runner = projections.NewRunner(a.log, 0, a.all()...)
	a.runner.OnHalt = func(h *projections.HaltError) {
		cfg.Logger.Error("a projection stopped; what depends on it answers 503 until a restart", "projection", h.Projection,
			"position", h.Position, "error", h.Err)
	}
	a.Journal = access.New(a.Ledger, cfg.Now)
	a.Dossier = dossier.New(a.log, a.Index, access.NewReader(a.Ledger))
	secret, err := a.Ledger.Secret("cursor")
	if err != nil {
		return nil, err
	}
	a.cursors = cursor.Key(secret)
	return a, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// ErrNoLedger: there is no ledger in the data directory. Nothing was made.
var ErrNoLedger = errors.New("there is no ledger; give its directory with --data, or make one with greffe serve")

// openStores opens log, vault, KEK and ledger.
func (a *App) openStores(ctx context.Context) (err error) {
	if _, err := os.Stat(filepath.Join(a.cfg.Data, "log")); a.cfg.Exists && errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(a.cfg.Data, "vault.db")); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", a.cfg.Data, ErrNoLedger)
		}
	}
	if err := os.MkdirAll(filepath.Join(a.cfg.Data, "views"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if a.log, err = embedded.Open(filepath.Join(a.cfg.Data, "log"), embedded.Options{}); err != nil {
		return err
	}
	if a.vault, err = sqlite.Open(ctx, filepath.Join(a.cfg.Data, "vault.db")); err != nil {
		return err
	}
	key, err := openKEK(ctx, a.cfg, a.log, a.vault)
	if err != nil {
		return err
	}
	a.Ledger, err = ledger.Open(ctx, ledger.Config{
		Log: a.log, Vault: a.vault, KEK: key, Now: a.cfg.Now, Rand: a.cfg.Rand,
		FirstPolicy: deploy.Policy(), Logger: a.cfg.Logger,
	})
	return err
}

// openKEK opens the key file. A new ledger gets a new one; a ledger that exists
// never does, since nothing could be read with it.
func openKEK(ctx context.Context, cfg Config, log eventstore.Log, v vault.Store) (*kek.File, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	root, err := v.Meta(ctx, "root")
	if err != nil {
		return nil, err
	}
	_, err = os.Stat(cfg.KEK)
	if head == 0 && root == nil && errors.Is(err, os.ErrNotExist) {
		if err := kek.Create(cfg.KEK, "k1", cfg.Rand); err != nil {
			return nil, err
		}
	}
	return kek.Open(cfg.KEK, cfg.Rand)
}

// run follows the log until Close.
func (a *App) run() {
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.running = stop, make(chan error, 1)
	go func() { a.running <- a.runner.Run(ctx) }()
}

// serving makes what answers requests.
func (a *App) serving(ctx context.Context) error {
	a.Tokens = &auth.Desk{
		Directory: a.Accounts, Facts: a.Ledger, Now: a.cfg.Now, Rand: a.cfg.Rand,
		WaitFor:  func(ctx context.Context, p domain.Position) error { return a.runner.WaitFor(ctx, p, a.Accounts.Name()) },
		SourceID: a.sourceID,
	}
	services, err := a.services()
	if err != nil {
		return err
	}
	a.API, err = httpapi.New(httpapi.Config{Version: Version, Now: a.cfg.Now, Rand: a.cfg.Rand, Logger: a.cfg.Logger, Rates: a.cfg.Rates, Cursors: a.cursors}, services)
	return err
}

// sourceID is the ledger's id of a producer's name.
func (a *App) sourceID(name string) domain.ID {
	t := a.Ledger.Peppers().Source(name)
	return domain.DeriveID(t[:])
}

// Bootstrap makes the first administrator if there is none; see auth.Desk.
func (a *App) Bootstrap(ctx context.Context, token string) (made string, err error) {
	if err := a.CaughtUp(ctx); err != nil {
		return "", err
	}
	return a.Tokens.Bootstrap(ctx, token)
}

// CaughtUp waits until every read model has applied what is in the log now.
func (a *App) CaughtUp(ctx context.Context) error {
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	return a.runner.WaitFor(ctx, head-1)
}

// Record implements importer.Recorder.
func (a *App) Record(ctx context.Context, events [][]byte) ([]ledger.Result, error) {
	return a.Ledger.Record(ctx, events)
}

// SnapshotSecret keys the state of snapshot imports.
func (a *App) SnapshotSecret(context.Context) ([]byte, error) { return a.Ledger.Secret("snapshot") }

// Close stops following, and closes everything that was opened.
func (a *App) Close() error {
	var errs []error
	if a.stop != nil {
		a.stop()
		errs = append(errs, <-a.running)
		a.stop = nil
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	errs = append(errs, a.views.close())
	if a.vault != nil {
		errs = append(errs, a.vault.Close())
	}
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	return errors.Join(errs...)
}
