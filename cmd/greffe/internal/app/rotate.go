package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/backup"
	"greffe/eventstore/embedded"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/verify"
)

// rootPurpose is what eventstore/seal binds the wrapped root key to.
const rootPurpose = "greffe/rootkey/1"

// The steps of a rotation, in order. What a crash between any two leaves opens.
const (
	StepAdded    = "added"    // the key file has the new key and the old
	StepWrapped  = "wrapped"  // the vault's root key is wrapped by the new key
	StepBackedUp = "backup"   // a backup under the new key was made
	StepTested   = "tested"   // and restored and verified, with the new key alone
	StepAnnounce = "announce" // the vault remembers what is about to be said
	StepRetired  = "retired"  // the old key is destroyed
)

// RotateOptions say where the new backup goes, and which account asked for it, zero
// for the command line. Step, for tests, may end it.
type RotateOptions struct {
	Backups  string
	Actor    domain.ID
	Progress func(step string, done, total int64)
	Step     func(step string) error
}

// Rotated says what a rotation did.
type Rotated struct {
	From     []string        `json:"from"`
	To       string          `json:"to"`
	Backup   string          `json:"backup"`
	Position domain.Position `json:"position"` // of key.rotated
}

// rotation is what the vault remembers from before the old key goes until that was
// written down.
type rotation struct {
	From  []string  `json:"from"`
	To    string    `json:"to"`
	Actor domain.ID `json:"actor,omitzero"`
}

// errNoBackups: a rotation has nowhere to put the backup that it begins with.
var errNoBackups = errors.New("name a directory of backups: old backups cannot be restored afterwards, so a new one is made first")

// Rotate gives a stopped ledger a new KEK and destroys the old one: every backup
// made before is dead then. So it first makes a backup under the new key, restores
// it elsewhere with that key alone, and verifies it. The root key stays the same,
// wrapped anew; older wrappings of it, in free pages of the vault or in old copies,
// open with the old KEK only. Doing it again after an error or a crash goes on
// where it stopped. While nodes serve, ledger.ErrRunning: a service rotates itself.
func Rotate(ctx context.Context, cfg Config, o RotateOptions) (out Rotated, err error) {
	if o.Backups == "" {
		return out, errNoBackups
	}
	a := &App{cfg: cfg.withDefaults()}
	a.cfg.Exists = true
	defer func() { err = errors.Join(err, a.Close()) }()
	a.beforeLedger = func(ctx context.Context, _ wrappingKey) error { return a.stopped(ctx) }
	if err := a.openStores(ctx); errors.Is(err, embedded.ErrInUse) || errors.Is(err, ErrInUse) || errors.Is(err, ledger.ErrRunning) {
		return out, fmt.Errorf("%w: greffe keys rotate --server URL (%w)", errServed, err)
	} else if err != nil {
		return out, err
	}
	return a.rotate(ctx, o)
}

var errServed = errors.New("the ledger is being served; have the service rotate")

// rotate is Rotate of an open ledger, which may serve meanwhile: the root key in use
// stays the same, so no request waits for anything.
func (a *App) rotate(ctx context.Context, o RotateOptions) (out Rotated, err error) {
	if o.Step == nil {
		o.Step = func(string) error { return nil }
	}
	key, names, err := a.newestKey(ctx)
	if err == nil {
		err = o.Step(StepAdded)
	}
	if err != nil {
		return out, err
	}
	out.To = key.ID()
	out.From = slices.DeleteFunc(names, func(n string) bool { return n == out.To })
	if out.Backup, err = a.wrapAndCopy(ctx, key, &o); err != nil {
		return out, err
	}
	alone, err := key.Only(out.To)
	if err == nil {
		err = a.tryRestore(ctx, out.Backup, alone, o.Progress)
	}
	if err == nil {
		err = o.Step(StepTested)
	}
	if err != nil {
		return out, err
	}
	out.Position, err = a.retire(ctx, key, rotation{out.From, out.To, o.Actor}, o.Step)
	return out, err
}

// wrapAndCopy wraps the root key with the newest key and makes a backup. No other is
// made meanwhile: its manifest would name one key and its vault need another.
func (a *App) wrapAndCopy(ctx context.Context, key wrappingKey, o *RotateOptions) (dir string, err error) {
	work, err := a.copying.begin(ctx)
	for errors.Is(err, ErrCopying) {
		if pause(ctx, noteBeat); ctx.Err() != nil {
			return "", ctx.Err()
		}
		work, err = a.copying.begin(ctx)
	}
	defer func() { a.copying.end(err) }()
	if err := a.rewrap(work, key); err != nil {
		return "", err
	}
	if err := o.Step(StepWrapped); err != nil {
		return "", err
	}
	if dir, _, err = a.backup(work, o.Backups, o.Progress); err != nil {
		return "", err
	}
	return dir, o.Step(StepBackedUp)
}

// newestKey adds a key, if a rotation before did not already.
func (a *App) newestKey(ctx context.Context) (key wrappingKey, names []string, err error) {
	if key, err = openWrapping(ctx, a.cfg); err != nil {
		return nil, nil, err
	}
	if names, err = key.Names(ctx); err == nil && len(names) == 1 {
		if key, err = key.Add(ctx); err == nil {
			names, err = key.Names(ctx)
		}
	}
	return key, names, err
}

// rewrap wraps the vault's root key with the newest key.
func (a *App) rewrap(ctx context.Context, key wrappingKey) error {
	wrapped, err := a.vault.Meta(ctx, metaRoot)
	if err != nil {
		return err
	}
	if name, err := kek.WrappedBy(wrapped); err != nil || name == key.ID() {
		return err
	}
	root, err := key.Unwrap(ctx, wrapped, []byte(rootPurpose))
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	defer clear(root)
	if wrapped, err = key.Wrap(ctx, root, []byte(rootPurpose)); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return a.vault.SetMeta(ctx, metaRoot, wrapped)
}

// tryRestore restores a backup into a directory of its own, verifies it, and
// removes it.
func (a *App) tryRestore(ctx context.Context, dir string, key wrappingKey, progress func(string, int64, int64)) (err error) {
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".test-restore-")
	if err != nil {
		return fmt.Errorf("test restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	cfg := a.cfg
	cfg.Data = filepath.Join(temp, "data")
	if _, err := restoreFrom(ctx, cfg, key, RestoreOptions{From: dir, Progress: progress}); err != nil {
		return fmt.Errorf("test restore: %w", err)
	}
	if err := verifyCopy(ctx, cfg, key, progress); err != nil {
		return fmt.Errorf("test restore: %w", err)
	}
	return nil
}

// verifyCopy recomputes facts and parts of a restored data directory.
func verifyCopy(ctx context.Context, cfg Config, key seal.KEK, progress func(string, int64, int64)) (err error) {
	log, err := embedded.Open(filepath.Join(cfg.Data, backup.LogName), embedded.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	v, err := sqlite.Open(ctx, filepath.Join(cfg.Data, backup.VaultName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	k, err := openKeyring(ctx, v, key, cfg)
	if err != nil || k == nil {
		return errors.Join(err, ledger.ErrDiverged)
	}
	var first *verify.Finding
	sum, err := verify.Run(ctx, verify.Input{Log: log, Vault: v, Keys: k.ring, Progress: func(done, total int64) { progress("verify", done, total) },
		Report: func(f verify.Finding) {
			if first == nil {
				first = &f
			}
		}})
	if err == nil && sum.Findings > 0 {
		err = fmt.Errorf("%d findings, the first %s at position %s", sum.Findings, first.Code, first.Position)
	}
	return err
}

// retire destroys the old keys and says so in the log.
func (a *App) retire(ctx context.Context, key wrappingKey, r rotation, step func(string) error) (domain.Position, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	if err := a.vault.SetMeta(ctx, metaRotation, b); err != nil {
		return 0, err
	}
	if err := step(StepAnnounce); err != nil {
		return 0, err
	}
	if err := key.Retire(ctx, r.To, a.cfg.Now()); err != nil {
		return 0, err
	}
	if err := step(StepRetired); err != nil {
		return 0, err
	}
	return a.rotated(ctx, r)
}

// rotated says it in the log, once, and remembers when it was.
func (a *App) rotated(ctx context.Context, r rotation) (at domain.Position, err error) {
	id, err := a.Ledger.Derived("kek.rotated", []byte(r.To))
	if err != nil {
		return 0, err
	}
	w, err := a.Ledger.Write(ctx, []ledger.Own{{Type: event.KeyRotated, ID: id, Actor: r.Actor, Codes: event.Codes{}.With("from", r.From).With("to", r.To)}})
	switch {
	case err == nil:
		at = w[0].Position
	case !errors.Is(err, ledger.ErrTaken): // a crash after it was written
		return 0, err
	}
	b, err := domain.NewTime(a.cfg.Now()).MarshalText()
	if err == nil {
		err = a.vault.SetMeta(ctx, metaRotated, b)
	}
	if err == nil {
		err = a.vault.SetMeta(ctx, metaRotation, nil)
	}
	return at, err
}

// finishRotation writes down a rotation whose old key is gone already, and
// overwrites what a crash left of it.
func (a *App) finishRotation(ctx context.Context, key wrappingKey) error {
	b, err := a.vault.Meta(ctx, metaRotation)
	if err != nil || len(b) == 0 {
		return err
	}
	var r rotation
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("a rotation under way: %w", err)
	}
	names, err := key.Names(ctx)
	if err != nil || len(names) > 1 { // Rotate goes on
		return err
	}
	if err := key.Finish(ctx); err != nil {
		return err
	}
	_, err = a.rotated(ctx, r)
	return err
}

// KeyState is one key of the key file.
type KeyState struct {
	Name    string       `json:"name"`
	State   string       `json:"state"` // current, kept or retired
	Retired *domain.Time `json:"retired_at,omitempty"`
}

// Keys lists the keys of the key file, the newest first, then those retired.
func Keys(ctx context.Context, cfg Config) ([]KeyState, error) {
	key, err := openWrapping(ctx, cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	names, err := key.Names(ctx)
	if err != nil {
		return nil, err
	}
	var out []KeyState
	for _, n := range names {
		state := "kept"
		if n == key.ID() {
			state = "current"
		}
		out = append(out, KeyState{Name: n, State: state})
	}
	for _, r := range key.Retired() {
		at := domain.NewTime(r.At)
		out = append(out, KeyState{Name: r.Name, State: "retired", Retired: &at})
	}
	return out, nil
}
