package app

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/eventstore/migrate"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
)

// ErrNotGrown: a migration goes to stores of both kinds.
var ErrNotGrown = errors.New("name both where the facts and where the vault are to be: --to-log-store and --to-vault-store")

// Migrate moves a stopped ledger (else ledger.ErrRunning) to other, empty stores, with ids, order, positions
// and digests unchanged, and verifies it. What it left keeps its facts and keys until
// somebody destroys it: erasures no longer reach it. Doing it again goes on where an
// error or a crash ended it.
func Migrate(ctx context.Context, cfg Config, to Stores, progress migrate.Progress) (_ *migrate.Report, err error) {
	if !to.several() {
		return nil, ErrNotGrown
	}
	from := &App{cfg: cfg.withDefaults()}
	from.cfg.Exists = true
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := errors.Join(from.cfg.check(), from.cfg.present(), to.check()); err != nil {
		return nil, err
	}
	if err := from.openLogAndVault(ctx); err != nil {
		return nil, err
	}
	if err := from.stopped(ctx); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	source, err := still(from.vault)
	if err != nil {
		return nil, err
	}
	v, err := openPostgres(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("the new vault: %w", err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	target, ok := v.(interface {
		transfer.Source
		transfer.Target
	})
	if !ok {
		return nil, errors.New("nothing can be moved into that vault")
	}
	id, err := ledgerID(ctx, from.vault, from.cfg)
	if err != nil {
		return nil, err
	}
	log, err := openStream(ctx, to, "greffe-"+id.String(), cfg.Logger)
	if err != nil {
		return nil, fmt.Errorf("the new log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	done, err := migrate.Run(ctx, migrate.From{Log: from.log, Vault: source}, migrate.To{Log: log, Vault: target}, progress)
	if err != nil {
		return nil, err
	}
	return done, from.moveHeads(ctx, to, id)
}

// moveHeads takes the signed heads along.
func (a *App) moveHeads(ctx context.Context, to Stores, id domain.ID) (err error) {
	old, err := openHeads(ctx, a.cfg, a.vault)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	fresh, err := openStream(ctx, to, "greffe-"+id.String()+"-"+headsDir, a.cfg.Logger)
	if err != nil {
		return fmt.Errorf("the new stream of signed heads: %w", err)
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	return moveHeads(ctx, old, fresh)
}

// still is a vault that nobody else has open, to be read in place.
func still(v vault.Store) (transfer.Source, error) {
	switch v := v.(type) {
	case *sqlite.Store:
		return v.Still(), nil
	case transfer.Source:
		return v, nil
	}
	return nil, errors.New("this vault cannot be moved")
}
