// Package app is the composition root: the only package that names adapters. It
// opens log, vault, keys, ledger, projections and API of one data directory, in
// this order, and closes them in reverse.
//
//	DATA/log/         the fact log            the truth, for ever
//	DATA/vault.db     keys, parts, tokens     what can be destroyed
//	DATA/heads/       signed heads of the log evidence, for ever
//	DATA/tiles/       the log's tree          rebuilt at will
//	DATA/views/*.db   read models             rebuilt at will
//	DATA.kek          the key that wraps the vault's root key, outside DATA
//	DATA.fence/       what was destroyed, outside DATA and backups
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"greffe/api/auth"
	"greffe/api/console"
	"greffe/api/denial"
	httpapi "greffe/api/http"
	"greffe/api/kafka/intake"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/cursor"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/eventstore/anchor"
	"greffe/eventstore/eraser"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/notary"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
	"greffe/projections"
	"greffe/projections/dossier"
	"greffe/projections/watch"
)

// Version is what /healthz and the API document say.
const Version = "0.1.0"

// App is an open ledger with its read models and API.
type App struct {
	cfg    Config
	log    eventstore.Log
	vault  vault.Store
	lock   *os.File // of a data directory that holds read models only
	self   member
	Ledger *ledger.Ledger
	Fence  *fence.Fence
	views
	runner  *projections.Runner
	running chan error
	stop    context.CancelFunc

	heads   eventstore.Log // signed heads
	notary  *notary.Notary
	headed  heading
	anchors *anchor.Keeper

	Eraser    *eraser.Eraser
	producers producerNames
	intake    atomic.Pointer[intake.Intake]    // of Kafka; nil: this node takes nothing from it
	beside    func(work func(context.Context)) // does work until Close
	foreseen  *foreseen
	checks    verifying
	audits    auditing
	rotations rotating
	rechecks  rechecking
	working   sync.WaitGroup // what is carried out beside the requests

	Journal *access.Journal
	Dossier *dossier.Dossiers
	Tokens  *auth.Desk
	auth    *auth.Authenticator
	Denials *denial.Recorder
	People  *auth.People
	Meter   *watch.Meter // of reads; nil for one command
	API     *httpapi.API
	Front   *console.Console // the API, and the console in front of it
	cursors cursor.Key

	unconfirmed atomic.Bool // a restore without its fence waits to be confirmed
	copying     copying     // of a backup
	relay       *fence.Relay
	failing     sync.Once
	failed      chan struct{} // closed when this node must stop; why is said in cause
	cause       error
	aside       func() // ends keepAside
	fenced      bool   // the fence was closed

	beforeLedger func(context.Context, wrappingKey) error // nil: nothing
}

// Open opens the ledger of a data directory, making a new one if there is none,
// and starts following the log.
func Open(ctx context.Context, cfg Config) (*App, error) {
	a, err := OpenStill(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := a.openNotary(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
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
	a := &App{cfg: cfg, failed: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.self.id, err = domain.RandomID(cfg.Rand); err != nil {
		return nil, err
	}
	if err := a.openStores(ctx); err != nil {
		return nil, err
	}
	if err := a.ownViews(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(a.sweepScratch(), a.freshViews(), a.viewsSinceRestore(ctx)); err != nil {
		return nil, err
	}
	if a.views, err = openViews(ctx, filepath.Join(cfg.Data, "views"), a); err != nil {
		return nil, err
	}
	a.runner = projections.NewRunner(a.log, 0, a.followed()...)
	a.runner.OnHalt = func(h *projections.HaltError) {
		cfg.Logger.Error("a projection stopped; what depends on it answers 503 until a restart", "projection", h.Projection,
			"position", h.Position, "error", h.Err)
	}
	if cfg.Aside && a.sharedAudit() {
		a.keepAside(ctx)
	}
	a.Journal = access.New(a.Ledger, cfg.Now)
	a.Dossier = dossier.New(a.log, a.Index, access.NewReader(a.Ledger), dossier.Classes(a.classOf))
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
	if cfg.FenceDir == "" {
		cfg.FenceDir = filepath.Clean(cfg.Data) + ".fence"
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

// ErrNoKey: one of several nodes has no key file.
var ErrNoKey = errors.New("there is no key file; make one with greffe keys create, and give each node a copy")

// CreateKey makes a new key file; an existing one is left as it is.
func CreateKey(cfg Config) error {
	if at := cfg.remote(); at != "" {
		return errors.New("make the key in " + at + ": type aes256-gcm96 in a transit service, symmetric and with an alias in a KMS")
	}
	return kek.Create(cfg.KEK, "k1", cfg.withDefaults().Rand)
}

// openStores opens log, vault, KEK and ledger.
func (a *App) openStores(ctx context.Context) (err error) {
	if err := errors.Join(a.cfg.check(), a.cfg.present()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(a.cfg.Data, "views"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := a.openLogAndVault(ctx); err != nil {
		return err
	}
	key, err := openKEK(ctx, a.cfg, a.log, a.vault)
	if err != nil {
		return err
	}
	if w, ok := key.(interface{ Wipe() }); ok {
		defer w.Wipe() // from here on the root key does
	}
	k, err := openKeyring(ctx, a.vault, key, a.cfg)
	if err == nil && k != nil {
		err = a.openFence(ctx, k)
	}
	if err != nil {
		return err
	}
	if a.beforeLedger != nil {
		if err := a.beforeLedger(ctx, key); err != nil {
			return err
		}
	}
	if err := a.openLedger(ctx, key); err != nil {
		return err
	}
	if a.Fence == nil {
		err = a.makeFence(ctx, key)
	}
	return errors.Join(err, a.recall(ctx, key))
}

func (a *App) openLedger(ctx context.Context, key wrappingKey) (err error) {
	a.Ledger, err = ledger.Open(ctx, a.ledgerConfig(key))
	return err
}

func (a *App) ledgerConfig(key wrappingKey) ledger.Config {
	return ledger.Config{
		Log: a.log, Vault: a.vault, KEK: key, Now: a.cfg.Now, Rand: a.cfg.Rand,
		FirstPolicy: deploy.Policy(), Logger: a.cfg.Logger, Scarce: scarce(a.cfg.Data, a.cfg.DiskLimit),
	}
}

// recall reads what a restore or a rotation left to do.
func (a *App) recall(ctx context.Context, key wrappingKey) error {
	b, err := a.vault.Meta(ctx, metaUnconfirmed)
	if err != nil {
		return err
	}
	a.unconfirmed.Store(len(b) > 0)
	return a.finishRotation(ctx, key)
}

// openKEK opens the KEK. A new ledger gets a new key file; a ledger that exists
// never does, since nothing could be read with it.
func openKEK(ctx context.Context, cfg Config, log eventstore.Log, v vault.Store) (wrappingKey, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	root, err := v.Meta(ctx, "root")
	if err != nil {
		return nil, err
	}
	if cfg.remote() != "" || cfg.key != nil {
		return openWrapping(ctx, cfg)
	}
	_, err = os.Stat(cfg.KEK)
	if cfg.several() && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", cfg.KEK, ErrNoKey)
	}
	if head == 0 && root == nil && errors.Is(err, os.ErrNotExist) {
		if err := kek.Create(cfg.KEK, "k1", cfg.Rand); err != nil {
			return nil, err
		}
	}
	return openWrapping(ctx, cfg)
}

// run follows the log until Close.
func (a *App) run() {
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.running = stop, make(chan error, 1)
	a.beside = func(work func(context.Context)) { a.working.Go(func() { work(ctx) }) }
	a.foreseen = newForeseen(a.cfg.Now, a.beside)
	go func() { a.running <- a.runner.Run(ctx) }()
	a.Eraser = a.newEraser()
	a.working.Go(func() { a.erasing(ctx) })
	a.working.Go(func() { a.notarize(ctx) })
	a.Denials = denial.New(a.Ledger, a.cfg.Now, a.cfg.Logger)
	a.working.Go(func() { a.Denials.Run(ctx) })
	if a.Meter != nil {
		a.working.Go(func() { a.alerting(ctx) })
	}
	if a.cfg.several() {
		a.working.Go(func() { a.beat(ctx) })
		a.working.Go(func() { a.relaying(ctx) })
	}
}

// serving makes what answers requests.
func (a *App) serving(ctx context.Context) error {
	a.Tokens = a.desk(a.Ledger)
	var err error
	if a.People, err = a.newPeople(); err != nil {
		return err
	}
	a.Tokens.Alone = a.People.Alone
	services, err := a.services()
	if err != nil {
		return err
	}
	a.API, err = httpapi.New(httpapi.Config{Version: Version, Now: a.cfg.Now, Rand: a.cfg.Rand, Logger: a.cfg.Logger,
		Rates: a.cfg.Rates, RightsForm: a.cfg.RightsForm, Cursors: a.cursors, TrustedProxies: a.cfg.TrustedProxies, PublicURL: a.cfg.PublicURL, Hosts: a.cfg.Hosts}, services)
	if err != nil {
		return err
	}
	if a.Front, err = console.New(console.Config{API: a.API, Now: a.cfg.Now, Rand: a.cfg.Rand, Logger: a.cfg.Logger, Terms: a.vocabulary, Scratch: a.spill, LogKey: a.KeyPEM, PublicURL: a.cfg.PublicURL}); err != nil {
		return err
	}
	return errors.Join(a.API.Registry().Register(newGauges(a)), a.API.Registry().Register(newSentGauges(a)))
}

// CaughtUp waits until every read model of this node has applied what is in the
// log now; one on a server of its own is not waited for.
func (a *App) CaughtUp(ctx context.Context) error {
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	return a.runner.WaitFor(ctx, head-1, a.ownModels()...)
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
	if a.Front != nil {
		a.Front.Close()
	}
	a.copying.stop()
	if a.aside != nil {
		a.aside()
	}
	if a.stop != nil {
		a.stop()
		a.working.Wait()
		errs = append(errs, <-a.running)
		a.stop = nil
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	errs = append(errs, a.views.close(), a.closeFence())
	if a.vault != nil {
		errs = append(errs, a.vault.Close())
	}
	if a.heads != nil {
		errs = append(errs, a.heads.Close())
	}
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}
