package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/eventstore/backup"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
)

var (
	// ErrNotEmpty: there is something in the directory to restore into.
	ErrNotEmpty = errors.New("the data directory is not empty; restore into a new one, or move this one away")
	// ErrOlderFence: the fence is older than the backup.
	ErrOlderFence = fmt.Errorf("%w (the backup is of a later time than this fence)", fence.ErrShort)
)

// RestoreOptions say what to restore. Without From the data directory itself is
// brought in line with the fence.
type RestoreOptions struct {
	From      string // directory of a backup
	FenceLost string // why there is no fence; sealed in the ledger
	// Progress is told of "copy" in bytes, "objections" in facts, and "compare",
	// "carry", "replay" and "record" in destructions.
	Progress func(step string, done, total int64)
}

// Restored says what a restore did.
type Restored struct {
	Ledger    domain.ID       `json:"ledger"`
	Position  domain.Position `json:"position"`       // head of what was restored
	Recorded  domain.Position `json:"recorded"`       // of restore.performed
	Made      *domain.Time    `json:"made,omitempty"` // when the backup was made
	Replayed  int64           `json:"replayed"`       // destructions of the fence carried out
	Erasures  int64           `json:"erasures"`       // of them such as the restored log did not know
	FenceLost bool            `json:"fence_lost"`     // reads stay closed until confirmed
	Origin    string          `json:"origin"`         // of the heads from now on
}

// Restore makes the data directory out of a backup, or brings it in line with the
// fence. Nobody whom the fence names can be read afterwards: the directory gets
// its name, or opens again, only once everything of the fence was destroyed. After
// an error or a crash there is no data directory, or one that still refuses to open;
// doing it again is safe.
func Restore(ctx context.Context, cfg Config, o RestoreOptions) (Restored, error) {
	cfg = cfg.withDefaults()
	key, err := openWrapping(ctx, cfg)
	if err != nil {
		return Restored{}, err
	}
	if o.FenceLost == "" {
		if _, err := os.Stat(cfg.FenceDir); errors.Is(err, fs.ErrNotExist) {
			return Restored{}, fmt.Errorf("%s: %w; without it erased people can come back: if it is lost for good, use --fence-lost REASON", cfg.FenceDir, fence.ErrMissing)
		}
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if o.From == "" {
		return restoreInPlace(ctx, cfg, key, o)
	}
	return restoreFrom(ctx, cfg, key, o)
}

// restoreFrom builds the data directory under another name.
func restoreFrom(ctx context.Context, cfg Config, key wrappingKey, o RestoreOptions) (out Restored, err error) {
	m, err := backup.Read(o.From)
	if err != nil {
		return out, fmt.Errorf("%s: %w", o.From, err)
	}
	if _, err := key.Only(m.KEK); err != nil {
		return out, fmt.Errorf("restore: the backup's key: %w", err)
	}
	if entries, err := os.ReadDir(cfg.Data); len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, errors.Join(fmt.Errorf("%s: %w", cfg.Data, ErrNotEmpty), err)
	}
	temp := filepath.Clean(cfg.Data) + ".restoring"
	if err := os.RemoveAll(temp); err != nil { // of a crash
		return out, fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := os.MkdirAll(filepath.Dir(temp), 0o700); err != nil {
		return out, fmt.Errorf("restore: %w", err)
	}
	if err := m.Unpack(ctx, o.From, temp, func(done, total int64) { o.Progress("copy", done, total) }); err != nil {
		return out, err
	}
	work := cfg
	work.Data, work.Stores = temp, Stores{}
	if out, err = restoreInto(ctx, work, key, m, o); err != nil {
		return out, err
	}
	out.Made = &m.Made
	if err := os.Rename(temp, cfg.Data); err != nil {
		return out, fmt.Errorf("restore: %w", err)
	}
	return out, syncDir(filepath.Dir(filepath.Clean(cfg.Data)))
}

// restoreInPlace brings a data directory in line with the fence. Its read models
// go: they may hold tokens of those who were erased.
func restoreInPlace(ctx context.Context, cfg Config, key wrappingKey, o RestoreOptions) (Restored, error) {
	cfg.Exists = true
	if err := cfg.present(); err != nil {
		return Restored{}, err
	}
	if err := os.MkdirAll(filepath.Join(cfg.Data, "views"), 0o700); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return restoreInto(ctx, cfg, key, nil, o)
}

// restoring is a restore under way: stores of a data directory that nobody reads.
type restoring struct {
	*App
	keys   *keys
	from   *backup.Manifest // nil in place
	o      RestoreOptions
	fence  []byte // key
	mark   fence.Mark
	signed superseded
}

func restoreInto(ctx context.Context, cfg Config, key wrappingKey, m *backup.Manifest, o RestoreOptions) (out Restored, err error) {
	r := &restoring{App: &App{cfg: cfg}, from: m, o: o}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err = r.openLogAndVault(ctx); err != nil {
		return out, err
	}
	if err = r.stopped(ctx); err != nil {
		return out, fmt.Errorf("restore: %w", err)
	}
	if r.keys, err = openKeyring(ctx, r.vault, key, cfg); err != nil {
		return out, err
	}
	if r.keys == nil {
		return out, fmt.Errorf("restore: %w (the vault has no keys)", ledger.ErrDiverged)
	}
	if out.Position, err = r.log.Head(ctx); err != nil {
		return out, err
	}
	out.Ledger, out.FenceLost = r.keys.id, o.FenceLost != ""
	if r.fence, err = r.keys.secret("fence"); err != nil {
		return out, err
	}
	if err := r.fits(ctx, out.Position); err != nil {
		return out, err
	}
	if err := r.bar(ctx); err != nil {
		return out, err
	}
	if r.signed, err = r.lineage(ctx, out.Position); err != nil {
		return out, fmt.Errorf("restore: %w", err)
	}
	out.Origin = origin(out.Ledger, r.signed.lineage)
	if err := os.RemoveAll(filepath.Join(cfg.Data, "views")); err != nil {
		return out, fmt.Errorf("restore: %w", err)
	}
	if err := r.openLedger(ctx, key); err != nil {
		return out, err
	}
	if !out.FenceLost {
		if err := r.replay(ctx, &out); err != nil {
			return out, err
		}
	}
	if err := r.record(ctx, &out); err != nil {
		return out, err
	}
	if err := r.forgetModels(ctx); err != nil {
		return out, err
	}
	state := fenceState{Replayed: r.mark.Number}
	state.at(r.mark)
	return out, writeState(ctx, r.vault, state)
}

// fits looks whether manifest, vault and log belong together.
func (r *restoring) fits(ctx context.Context, head domain.Position) error {
	if err := matchLogAndVault(ctx, r.log, r.vault); err != nil {
		return err
	}
	if r.from == nil {
		return nil
	}
	secret, err := r.keys.secret("backup")
	if err != nil {
		return err
	}
	if err := r.from.Verify(secret); err != nil {
		return err
	}
	if r.from.Ledger != r.keys.id || r.from.Position != head {
		return fmt.Errorf("restore: %w (the manifest says %s, the log ends at %s)", ledger.ErrDiverged, r.from.Position, head)
	}
	return nil
}

// bar reads the fence, or begins a new one if it is lost; then reads stay closed.
func (r *restoring) bar(ctx context.Context) error {
	if r.o.FenceLost != "" {
		if err := r.vault.SetMeta(ctx, metaUnconfirmed, []byte("…")); err != nil {
			return err
		}
		return r.newFence()
	}
	want, err := r.remembered(ctx)
	if err != nil {
		return err
	}
	met := make([]bool, len(want))
	r.mark, err = fence.Read(r.cfg.FenceDir, r.keys.id, r.fence, func(e *fence.Entry) error {
		for i, w := range want {
			met[i] = met[i] || e.Number == w.Number && hex.EncodeToString(e.Hash[:]) == w.Hash
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, w := range want {
		if !met[i] && w.Number > 0 {
			return ErrOlderFence
		}
	}
	return nil
}

// remembered is how far the fence went when the copy was made.
func (r *restoring) remembered(ctx context.Context) ([]fenceState, error) {
	state, _, err := readState(ctx, r.vault)
	want := []fenceState{state}
	if r.from != nil {
		want = append(want, fenceState{Number: r.from.Fence.Number, Hash: r.from.Fence.Hash})
	}
	return want, err
}

// batchSize is how many destructions are carried out or recorded at a time.
const batchSize = 500

// replay destroys everything that the fence names, also what should be gone, once
// it is durable what outlives it.
func (r *restoring) replay(ctx context.Context, out *Restored) error {
	if err := r.carry(ctx); err != nil {
		return err
	}
	return r.batches(ctx, "replay", func(some []erasure.Destruction) error {
		out.Replayed += int64(len(some))
		return r.Ledger.Destroy(ctx, some)
	})
}

// batches goes through the fence.
func (r *restoring) batches(ctx context.Context, step string, do func([]erasure.Destruction) error) error {
	var some []erasure.Destruction
	done := int64(0)
	flush := func() error {
		if len(some) == 0 {
			return ctx.Err()
		}
		err := do(some)
		done += int64(len(some))
		some = some[:0]
		r.o.Progress(step, done, r.mark.Number)
		return errors.Join(err, ctx.Err())
	}
	if r.mark.Number == 0 {
		return nil
	}
	_, err := fence.Read(r.cfg.FenceDir, r.keys.id, r.fence, func(e *fence.Entry) error {
		if e.Number > r.mark.Number { // written since, by a service that runs beside
			return nil
		}
		if some = append(some, e.Destruction); len(some) < batchSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// newFence begins one, leaving what there was under another name.
func (r *restoring) newFence() error {
	dir := filepath.Clean(r.cfg.FenceDir)
	if _, err := os.Stat(dir); err == nil {
		if err := os.Rename(dir, dir+".lost-"+r.cfg.Now().UTC().Format("20060102T150405Z")); err != nil {
			return fmt.Errorf("restore: put the damaged fence aside: %w", err)
		}
	}
	f, err := fence.Open(dir, r.keys.id, r.fence)
	if err != nil {
		return err
	}
	r.mark = f.Mark()
	return f.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// age is how old something is, for people.
func age(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
