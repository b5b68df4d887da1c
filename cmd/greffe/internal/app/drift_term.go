package app

import (
	"context"
	"fmt"
	"math"
	"time"

	"greffe/projections/audit"
)

// termOf is the instant before which accesses are past the policy's term at now (6 to
// 12 months, to 36 with a justification; délib. CNIL 2021-122).
func (a *App) termOf(now time.Time) time.Time {
	p, _ := a.Ledger.Policy()
	return now.UTC().AddDate(0, -p.Bounds().AccessJournalMonths, 0)
}

// sameHorizon drops of a fresh audit dataset what was dropped of the live one, so far
// as it was past the shortest term that any policy had.
func (a *App) sameHorizon(ctx context.Context, fresh audit.Dataset) error {
	horizon, err := a.Audit.Horizon(ctx)
	if err != nil || horizon.IsZero() {
		return err
	}
	_, last := a.Ledger.Policy()
	least := math.MaxInt
	for v := int64(1); v <= last; v++ {
		p, err := a.Ledger.PolicyVersion(ctx, v)
		if err != nil {
			return err
		}
		least = min(least, p.Bounds().AccessJournalMonths)
	}
	if term := a.cfg.Now().UTC().AddDate(0, -least, 0); horizon.After(term) {
		horizon = term
	}
	_, err = fresh.DropAccessesBefore(ctx, horizon)
	return err
}

// DropAccesses takes the accesses past their term out of the audit dataset, by whole
// months, and says how many there were. A dataset that is there already is asked once
// a month, and once by each process, since what a crash left of it is not seen.
func (a *App) DropAccesses(ctx context.Context, now time.Time) (int64, error) {
	term := a.termOf(now)
	month := int64(term.Year())*12 + int64(term.Month())
	if a.termed.Load() >= month {
		return 0, nil
	}
	n, err := a.Audit.DropAccessesBefore(ctx, term)
	if err != nil {
		return n, fmt.Errorf("accesses past their term: %w", err)
	}
	a.termed.Store(month)
	return n, nil
}

// keepTerm drops accesses past their term, now and every hour, until ctx ends: of a
// dataset that nodes share the keeper does, of its own each node.
func (a *App) keepTerm(ctx context.Context) {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		if !a.sharedAudit() || a.self.keeps.Load() {
			n, err := a.DropAccesses(ctx, a.cfg.Now())
			switch {
			case err != nil && ctx.Err() == nil:
				a.cfg.Logger.Error("housekeeping failed; it is tried again in an hour", "work", "accesses past their term dropped", "error", err)
			case n > 0:
				a.cfg.Logger.Info("accesses past their term dropped", "count", n)
			}
		}
		if !a.cfg.several() || a.self.keeps.Load() {
			n, err := a.ExpireJournal(ctx, a.cfg.Now())
			switch {
			case err != nil && ctx.Err() == nil:
				a.cfg.Logger.Error("housekeeping failed; it is tried again in an hour", "work", "keys of the access journal destroyed at their term", "error", err)
			case n > 0:
				a.cfg.Logger.Info("keys of the access journal destroyed at their term", "count", n)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
