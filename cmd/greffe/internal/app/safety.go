package app

import (
	"context"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/eventstore/fence"
)

// oldBackup is the age from which a backup needs care.
const oldBackup = 48 * time.Hour

// fenceApart checks that the fence outlives the data directory, and that neither
// it nor the data directory goes with the backups.
func fenceApart(cfg Config) Check {
	const name = "fence apart"
	pairs := []struct{ path, dir, says string }{
		{cfg.FenceDir, cfg.Data, "the fence is inside the data directory: it would be rolled back with it; move it and use --fence-dir"},
	}
	if cfg.Backups != "" {
		pairs = append(pairs,
			struct{ path, dir, says string }{cfg.FenceDir, cfg.Backups, "the fence is inside the directory of backups: what loses one loses both; move it and use --fence-dir"},
			struct{ path, dir, says string }{cfg.KEK, cfg.Backups, "the key file is inside the directory of backups: a stolen backup would open itself; move it and use --kek"},
			struct{ path, dir, says string }{cfg.Backups, cfg.Data, "the directory of backups is inside the data directory: what loses one loses both"})
	}
	for _, p := range pairs {
		in, err := inside(p.path, p.dir)
		if err != nil {
			return Check{name, Bad, err.Error()}
		}
		if in {
			return Check{name, Bad, p.says}
		}
	}
	return Check{name, Good, "fence, data, key and backups are apart"}
}

// copies looks at what a restore would need.
func (a *App) copies(ctx context.Context) []Check {
	out := []Check{a.barrier(), a.restorable(ctx)}
	if a.unconfirmed.Load() {
		out = append(out, Check{"restore", Warn, "the fence was lost: nothing personal is read until a DPO confirms with POST /v1/restore/confirm"})
	}
	return out
}

func (a *App) barrier() Check {
	var last domain.Time
	err := a.Fence.Walk(0, func(e *fence.Entry) error {
		last = e.At
		return nil
	})
	if err != nil {
		return Check{"fence", Bad, err.Error()}
	}
	mark := a.Fence.Mark()
	if mark.Number == 0 {
		return Check{"fence", Good, "nothing was destroyed yet"}
	}
	return Check{"fence", Good, fmt.Sprintf("%d destructions, the last ordered at position %s, %s; keep a copy of %s elsewhere",
		mark.Number, mark.Position, age(a.cfg.Now(), last.Time), a.cfg.FenceDir)}
}

func (a *App) restorable(ctx context.Context) Check {
	const name = "backup"
	if a.cfg.Backups == "" {
		return Check{name, Warn, "no directory of backups is named: use --backup-dir, and greffe backup or greffe serve --backup-every 24h"}
	}
	found, why, err := a.newest(ctx)
	switch {
	case err != nil:
		return Check{name, Bad, err.Error()}
	case found == nil && why != nil:
		return Check{name, Bad, "none can be restored: " + why.Error()}
	case found == nil:
		return Check{name, Warn, "there is none in " + a.cfg.Backups}
	}
	m := found.Manifest
	detail := fmt.Sprintf("the newest that can be restored is of %s, %s facts, %.1f MiB, under key %s",
		age(a.cfg.Now(), m.Made.Time), m.Position, float64(m.Bytes())/(1<<20), m.KEK)
	switch {
	case why != nil:
		return Check{name, Warn, detail + "; a newer one cannot: " + why.Error()}
	case a.cfg.Now().Sub(m.Made.Time) > oldBackup:
		return Check{name, Warn, detail}
	}
	return Check{name, Good, detail}
}
