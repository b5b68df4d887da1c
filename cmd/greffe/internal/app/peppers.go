package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"greffe/eventstore/ledger"
)

// PeppersRotated says what a rotation of the peppers did.
type PeppersRotated struct {
	Generation int     `json:"generation"` // of every token from now on
	Looked     int64   `json:"looked_at"`  // links, quarantine markers and rows
	Seconds    float64 `json:"seconds"`
}

// RotatePeppers gives a stopped ledger a new root of peppers and carries every
// stored token over (see eventstore/ledger); key.rotated says so in the log. The
// read models that hold tokens go and are built anew when the ledger is opened
// next. After an error or a crash, doing it again, or opening the ledger, goes on
// where it stopped. Backups made before hold the old tokens and the old root: only
// Rotate makes them dead.
func RotatePeppers(ctx context.Context, cfg Config, progress func(done, total int64)) (out PeppersRotated, err error) {
	a := &App{cfg: cfg.withDefaults()}
	a.cfg.Exists = true
	defer func() { err = errors.Join(err, a.Close()) }()
	began := time.Now()
	a.beforeLedger = func(ctx context.Context, key wrappingKey) (err error) {
		out.Generation, err = ledger.RotatePeppers(ctx, a.ledgerConfig(key), func(done, total int64) {
			if out.Looked = done; progress != nil {
				progress(done, total)
			}
		})
		return err
	}
	if err := a.openStores(ctx); err != nil {
		return out, err
	}
	out.Seconds = time.Since(began).Seconds()
	return out, a.freshViews()
}

// generationFile, beside the read models, says of which generation of peppers the
// tokens in them are; the first where it is missing.
const generationFile = "generation"

// tokenViews are the read models that hold tokens.
func tokenViews() []string { return []string{"crm.db", "opposition.db"} }

// ledgerFile, beside the read models, says whose they are.
const ledgerFile = "ledger"

// ErrOtherLedger: the read models of the data directory were built from another log.
var ErrOtherLedger = errors.New("the read models in the data directory are of another ledger; give this node a data directory of its own")

// ownViews refuses read models of another ledger, as a data directory has that was
// used with other stores.
func (a *App) ownViews(ctx context.Context) error {
	id, err := a.Ledger.ID(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(a.cfg.Data, "views", ledgerFile)
	was, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeFile(path, id.String())
	case err == nil && string(was) != id.String():
		err = fmt.Errorf("%s: %w", a.cfg.Data, ErrOtherLedger)
	}
	if err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	return nil
}

// freshViews removes read models whose tokens are of other peppers than the
// ledger's. A crash leaves it to the next opening.
func (a *App) freshViews() error {
	dir, now := filepath.Join(a.cfg.Data, "views"), strconv.Itoa(a.Ledger.Peppers().Generation())
	path := filepath.Join(dir, generationFile)
	was, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		was = []byte("1")
	case err != nil:
		return fmt.Errorf("generation of the read models: %w", err)
	}
	if string(was) == now {
		return nil
	}
	for _, name := range tokenViews() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(filepath.Join(dir, name+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read model of older peppers: %w", err)
			}
		}
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	if err := writeFile(path+".new", now); err != nil {
		return fmt.Errorf("generation of the read models: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("generation of the read models: %w", err)
	}
	return syncDir(dir)
}

func writeFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
