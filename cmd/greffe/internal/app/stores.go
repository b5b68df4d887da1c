package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/esdb"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres"
	"greffe/eventstore/vault/sqlite"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse"
	auditdb "greffe/projections/audit/sqlite"
)

// Stores say where the parts of a ledger are that are no files of its data
// directory; empty for those that are. Secrets in the addresses are not shown.
type Stores struct {
	LogStore   string // esdb://… or kurrentdb://…
	VaultStore string // postgres://…
	AuditStore string // clickhouse://… or, over HTTP, http://… and https://…
	// Files that hold the passwords, with or without a line end; empty for none.
	LogPassword, VaultPassword, AuditPassword string
	// Node is this process's name for people; nodes are told apart by random ids.
	Node string
}

// several tells that other processes may write the same log and vault.
func (s Stores) several() bool { return s.LogStore != "" && s.VaultStore != "" }

// local tells that all truth is in the data directory.
func (s Stores) local() bool { return s.LogStore == "" && s.VaultStore == "" }

// check refuses addresses of what is not spoken.
func (s Stores) check() error {
	for _, x := range []struct {
		flag, at string
		schemes  []string
	}{
		{"--log-store", s.LogStore, []string{"esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"}},
		{"--vault-store", s.VaultStore, []string{"postgres", "postgresql"}},
		{"--audit-store", s.AuditStore, []string{"clickhouse", "http", "https"}},
	} {
		scheme, _, _ := strings.Cut(x.at, "://")
		if x.at != "" && !slices.Contains(x.schemes, scheme) {
			return fmt.Errorf("%s: the address begins with %s://", x.flag, strings.Join(x.schemes, ":// or "))
		}
	}
	return nil
}

// ErrInUse: another process has the data directory.
var ErrInUse = errors.New("the data directory is in use by another process; stop it, or give this one a directory of its own")

// present refuses a data directory without a ledger where there must be one.
func (cfg Config) present() error {
	if !cfg.Exists || !cfg.local() {
		return nil
	}
	for _, name := range []string{"log", "vault.db"} {
		if _, err := os.Stat(filepath.Join(cfg.Data, name)); !errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", cfg.Data, ErrNoLedger)
}

// openLogAndVault opens the two stores of truth: in the data directory, or where
// the configuration says.
func (a *App) openLogAndVault(ctx context.Context) (err error) {
	if a.cfg.LogStore == "" { // it has a lock of its own
		if a.log, err = openEmbedded(filepath.Join(a.cfg.Data, "log")); err != nil {
			return err
		}
	} else if a.lock, err = lockDir(a.cfg.Data); err != nil {
		return err
	}
	if a.cfg.VaultStore == "" {
		a.vault, err = openSQLite(ctx, filepath.Join(a.cfg.Data, "vault.db"))
	} else {
		a.vault, err = openPostgres(ctx, a.cfg.Stores)
	}
	if err != nil || a.cfg.LogStore == "" {
		return err
	}
	a.log, err = openESDB(ctx, a.cfg, a.vault)
	return err
}

// What is not opened is no value of the port, not one that holds a nil pointer.

func openEmbedded(dir string) (eventstore.Log, error) {
	l, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openSQLite(ctx context.Context, path string) (vault.Store, error) {
	v, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func openESDB(ctx context.Context, cfg Config, v vault.Store) (eventstore.Log, error) {
	id, err := ledgerID(ctx, v, cfg)
	if err != nil {
		return nil, err
	}
	return openStream(ctx, cfg.Stores, "greffe-"+id.String(), cfg.Logger)
}

func openStream(ctx context.Context, s Stores, stream string, logger *slog.Logger) (eventstore.Log, error) {
	l, err := esdb.Open(ctx, esdb.Config{URL: s.LogStore, PasswordFile: s.LogPassword, Stream: stream, Logger: logger})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openPostgres(ctx context.Context, s Stores) (vault.Store, error) {
	cfg := postgres.Config{URL: s.VaultStore}
	if s.VaultPassword != "" {
		b, err := os.ReadFile(s.VaultPassword)
		if err != nil {
			return nil, fmt.Errorf("the vault's password: %w", err)
		}
		cfg.Password = strings.TrimRight(string(b), "\r\n")
	}
	v, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// ledgerID reads the id that names a ledger's stream, or gives a new ledger one.
// Of several nodes that start at once one gives it.
func ledgerID(ctx context.Context, v vault.Store, cfg Config) (id domain.ID, err error) {
	for range 2 {
		b, err := v.Meta(ctx, metaLedger)
		if err != nil {
			return id, err
		}
		if len(b) == len(id) {
			return domain.ID(b), nil
		}
		if cfg.Exists {
			return id, ErrNoLedger
		}
		if id, err = domain.RandomID(cfg.Rand); err != nil {
			return id, err
		}
		if err = v.SwapMeta(ctx, metaLedger, nil, id[:]); !errors.Is(err, vault.ErrStale) {
			return id, err
		}
	}
	return id, vault.ErrStale
}

// openAudit opens the audit dataset.
func (a *App) openAudit(ctx context.Context, dir string) (audit.Dataset, error) {
	if a.cfg.AuditStore == "" || dir != filepath.Join(a.cfg.Data, "views") { // a fresh one, to compare with
		d, err := auditdb.Open(filepath.Join(dir, "audit.db"), opener{a}, auditdb.Options{})
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	id, err := a.Ledger.ID(ctx)
	if err != nil {
		return nil, err
	}
	d, err := clickhouse.Open(clickhouse.Config{URL: a.cfg.AuditStore, PasswordFile: a.cfg.AuditPassword, Ledger: id, Opener: opener{a}, Log: a.log,
		OnLost: func(from, to domain.Position) {
			a.cfg.Logger.Warn("the audit store lost what it had acknowledged; it is written again", "from", from, "to", to)
		}})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// lockDir keeps other processes out of a data directory whose log is elsewhere.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, ErrInUse), f.Close())
	}
	return f, nil
}

// lookFor bounds how long a store is waited for that is asked whether it is there.
const lookFor = 2 * time.Second

// away names the stores of truth that cannot be reached now.
func (a *App) away(ctx context.Context) (out []string) {
	if a.cfg.local() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	vaultGone := make(chan bool, 1)
	go func() {
		_, err := a.vault.Meta(ctx, metaLedger)
		vaultGone <- err != nil
	}()
	if _, err := a.log.Head(ctx); err != nil {
		out = append(out, "fact log")
	}
	if <-vaultGone {
		out = append(out, "vault")
	}
	return out
}

// Place is an address without what is secret in it.
func Place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
