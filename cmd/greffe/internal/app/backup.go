package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/backup"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
)

// copying is the backup that is being made, one at a time.
type copying struct {
	mu      sync.Mutex
	cancel  context.CancelFunc // nil when none is
	closed  bool
	failed  bool // the last one
	running sync.WaitGroup
}

// begin makes the context of a backup, or reports that another is being made.
func (c *copying) begin(ctx context.Context) (context.Context, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil || c.closed {
		return nil, ErrCopying
	}
	ctx, c.cancel = context.WithCancel(ctx)
	c.running.Add(1)
	return ctx, nil
}

func (c *copying) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	c.cancel, c.failed = nil, err != nil
	c.running.Done()
}

// stop ends a backup that is being made, and lets no other begin.
func (c *copying) stop() {
	c.mu.Lock()
	c.closed = true
	if c.cancel != nil {
		c.cancel()
	}
	c.mu.Unlock()
	c.running.Wait()
}

// ErrCopying: a backup is being made already.
var ErrCopying = errors.New("a backup is being made already")

// Backup makes one in dst while the ledger goes on; progress may be nil.
func (a *App) Backup(ctx context.Context, dst string, progress func(step string, done, total int64)) (dir string, m *backup.Manifest, err error) {
	if ctx, err = a.copying.begin(ctx); err != nil {
		return "", nil, err
	}
	defer func() { a.copying.end(err) }()
	return a.backup(ctx, dst, progress)
}

func (a *App) backup(ctx context.Context, dst string, progress func(step string, done, total int64)) (string, *backup.Manifest, error) {
	id, err := a.Ledger.ID(ctx)
	if err != nil {
		return "", nil, err
	}
	secret, err := a.Ledger.Secret("backup")
	if err != nil {
		return "", nil, err
	}
	wrapped, err := a.vault.Meta(ctx, metaRoot)
	if err != nil {
		return "", nil, err
	}
	name, err := kek.WrappedBy(wrapped)
	if err != nil {
		return "", nil, err
	}
	source := &backup.Source{
		Ledger: id, Log: a.log, Heads: a.heads, Fence: a.Fence.Mark, KEK: name, Secret: secret, Program: Version,
		Made: domain.NewTime(a.cfg.Now()), Progress: progress, OpenLog: openEmbedded,
	}
	switch v := a.vault.(type) {
	case backup.Vault: // a file, copied as it is
		source.Vault = v
	case transfer.Source:
		source.Transfer, source.OpenVault = v, func(ctx context.Context, path string) (backup.Copied, error) { return sqlite.Open(ctx, path) }
	}
	return backup.Create(ctx, dst, source)
}

// KeepBackups makes a backup whenever the newest is older than every, until ctx
// ends. One that fails is tried again after a tenth of that time.
func (a *App) KeepBackups(ctx context.Context, every time.Duration) {
	for {
		wait, err := a.dueIn(every)
		if err == nil && wait <= 0 {
			var dir string
			if dir, _, err = a.Backup(ctx, a.cfg.Backups, nil); err == nil {
				a.cfg.Logger.Info("backup made", "directory", dir)
			}
			wait = every
		}
		if err != nil && ctx.Err() == nil {
			a.cfg.Logger.Error("no backup could be made", "error", err)
			wait = every / 10
		}
		select {
		case <-time.After(max(wait, time.Second)):
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) dueIn(every time.Duration) (time.Duration, error) {
	found, err := backup.List(a.cfg.Backups)
	for _, f := range found {
		if f.Err == nil {
			return every - a.cfg.Now().Sub(f.Manifest.Made.Time), nil
		}
	}
	return 0, err
}

// newest is the newest backup in the directory of backups that can be restored,
// as far as can be told without reading all of it; why says what is wrong with
// those that are newer.
func (a *App) newest(ctx context.Context) (found *backup.Found, why error, err error) {
	all, err := backup.List(a.cfg.Backups)
	if err != nil {
		return nil, nil, err
	}
	key, err := openWrapping(ctx, a.cfg)
	if err != nil {
		return nil, nil, err
	}
	secret, err := a.Ledger.Secret("backup")
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		f := &all[i]
		bad := f.Err
		if bad == nil {
			bad = f.Manifest.Verify(secret)
		}
		if bad == nil {
			_, bad = key.Only(f.Manifest.KEK)
		}
		if bad == nil {
			bad = f.Manifest.Sizes(f.Dir)
		}
		if bad == nil {
			bad = a.fenceHas(f.Manifest.Fence)
		}
		if bad == nil {
			return f, why, nil
		}
		why = fmt.Errorf("%s: %w", f.Dir, bad)
	}
	return nil, why, nil
}

// fenceHas looks whether the fence goes as far as it did when a backup was made.
func (a *App) fenceHas(m backup.FenceMark) error {
	mark := a.Fence.Mark()
	if m.Number > mark.Number || m.Number == mark.Number && m.Number > 0 && m.Hash != hex.EncodeToString(mark.Hash[:]) {
		return ErrOlderFence
	}
	return nil
}

// copiesDesk is the API's desk of backups and restores.
type copiesDesk struct{ *App }

// Begin implements httpapi.Copies.
func (d copiesDesk) Begin(ctx context.Context) error {
	if d.cfg.Backups == "" {
		return problem.New(problem.BackupUnconfigured)
	}
	work, err := d.copying.begin(context.WithoutCancel(ctx))
	if err != nil {
		return problem.Because(problem.Conflict, err)
	}
	go func() {
		dir, _, err := d.backup(work, d.cfg.Backups, nil)
		if err != nil {
			d.cfg.Logger.Error("no backup could be made", "error", err)
		} else {
			d.cfg.Logger.Info("backup made", "directory", dir)
		}
		d.copying.end(err)
	}()
	return nil
}

// List implements httpapi.Copies.
func (d copiesDesk) List(context.Context) (out httpapi.Backups, err error) {
	d.copying.mu.Lock()
	out.Running, out.Failed = d.copying.cancel != nil, d.copying.failed
	d.copying.mu.Unlock()
	if d.cfg.Backups == "" {
		return out, nil
	}
	found, err := backup.List(d.cfg.Backups)
	if err != nil {
		return out, err
	}
	for _, f := range found {
		if m := f.Manifest; f.Err == nil {
			out.Items = append(out.Items, httpapi.Backup{Position: m.Position, Made: m.Made.Time, Bytes: m.Bytes(), KEK: m.KEK})
		}
	}
	return out, nil
}
