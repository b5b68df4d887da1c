package app

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
)

// rotating is the rotation of the KEK that runs in this process while it serves, one
// at a time, and how the last one ended. A crash leaves what Rotate tells: it is begun
// again by a request, by the schedule, or with the service stopped.
type rotating struct {
	mu          sync.Mutex
	running     bool
	step        string
	done, total int64
	last        *httpapi.RotationEnded
}

func (r *rotating) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return false
	}
	r.running, r.step, r.done, r.total = true, "", 0, 0
	return true
}

func (r *rotating) progress(step string, done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step, r.done, r.total = step, done, total
}

func (r *rotating) end(last *httpapi.RotationEnded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.last = false, last
}

// roleRotation is the lease of the one node that rotates.
const roleRotation = "rotation"

// keyDesk is the API's desk of the KEK.
type keyDesk struct{ *App }

// List implements httpapi.Keys.
func (d keyDesk) List(ctx context.Context) (out []httpapi.WrappingKey, err error) {
	keys, err := Keys(ctx, d.cfg)
	if err != nil && d.cfg.remote() != "" {
		err = errors.Join(httpapi.ErrHalted, err)
	}
	for _, k := range keys {
		w := httpapi.WrappingKey{Name: k.Name, State: k.State}
		if k.Retired != nil {
			w.Retired = &k.Retired.Time
		}
		out = append(out, w)
	}
	return out, err
}

// Rotate implements httpapi.Keys.
func (d keyDesk) Rotate(ctx context.Context, actor domain.ID) error {
	if d.cfg.Backups == "" {
		return problem.New(problem.BackupUnconfigured)
	}
	if d.cfg.byHand() {
		return problem.New(problem.KeysByHand)
	}
	if d.cfg.several() {
		held, err := d.vault.Leases(ctx, roleRotation)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return httpapi.ErrConflict
		}
	}
	if !d.rotations.begin() {
		return httpapi.ErrConflict
	}
	d.beside(func(ctx context.Context) { d.rotateNow(ctx, actor) })
	return nil
}

// Rotation implements httpapi.Keys.
func (d keyDesk) Rotation(context.Context) (*httpapi.Rotation, error) {
	r := &d.rotations
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &httpapi.Rotation{Running: r.running, Last: r.last}
	if r.running {
		out.Step, out.Done, out.Total = r.step, r.done, r.total
	}
	return out, nil
}

// rotateNow rotates, beside what is recorded and read meanwhile; of several nodes one
// does at a time.
func (a *App) rotateNow(ctx context.Context, actor domain.ID) {
	out := &httpapi.RotationEnded{Started: a.cfg.Now(), Verdict: "rotated"}
	var done Rotated
	err := context.Canceled
	once, ended := context.WithCancel(ctx)
	defer ended()
	a.holding(once, roleRotation, func(ctx context.Context) {
		defer ended()
		done, err = a.rotate(ctx, RotateOptions{Backups: a.cfg.Backups, Actor: actor, Progress: a.rotations.progress})
	})
	out.Ended, out.From, out.To, out.Position = a.cfg.Now(), done.From, done.To, done.Position
	if done.Backup != "" {
		out.Backup = filepath.Base(done.Backup)
	}
	switch {
	case err == nil:
		a.cfg.Logger.Info("the KEK was rotated; older backups are dead", "from", done.From, "to", done.To, "backup", out.Backup)
	default:
		out.Verdict, out.Error = "failed", err.Error()
		if ctx.Err() == nil {
			a.cfg.Logger.Error("the KEK could not be rotated; the old one still opens everything", "error", err)
		}
	}
	a.rotations.end(out)
}

// KeepRotating rotates the KEK whenever the last rotation is older than every, until
// ctx ends. A ledger that never rotated counts from the first time it is kept so. One
// that fails is tried again after a tenth of that time, an hour at most.
func (a *App) KeepRotating(ctx context.Context, every time.Duration) {
	if a.cfg.byHand() {
		a.cfg.Logger.Error("the KEK does not rotate by schedule: its files are renewed by hand; see greffe keys rotate")
		return
	}
	for ctx.Err() == nil {
		wait, err := a.rotationDue(ctx, every)
		if err == nil && wait <= 0 {
			wait = noteBeat // a request was faster
			if a.rotations.begin() {
				a.rotateNow(ctx, domain.ID{})
				wait = a.afterRotation(every)
			}
		}
		if err != nil {
			wait = leaseBeat
		}
		pause(ctx, min(max(wait, noteBeat), time.Hour))
	}
}

func (a *App) afterRotation(every time.Duration) time.Duration {
	a.rotations.mu.Lock()
	defer a.rotations.mu.Unlock()
	if a.rotations.last.Verdict == "failed" {
		return every / 10
	}
	return every
}

func (a *App) rotationDue(ctx context.Context, every time.Duration) (time.Duration, error) {
	b, err := a.vault.Meta(ctx, metaRotated)
	if err != nil {
		return 0, err
	}
	now := a.cfg.Now()
	if len(b) == 0 {
		b, err := domain.NewTime(now).MarshalText()
		return every, errors.Join(err, a.vault.SetMeta(ctx, metaRotated, b))
	}
	last, err := domain.ParseTime(string(b))
	return every - now.Sub(last), err
}
