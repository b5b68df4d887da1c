package app

import (
	"context"
	"time"
)

// houseEvery is how often a running service looks for what is due.
const houseEvery = time.Hour

// chore is work that comes due by time. It does a bounded amount, or all there
// is, and is safe to repeat; n is how much it did.
type chore struct {
	what string
	do   func(ctx context.Context, now time.Time) (n int, err error)
}

// choreDeliveries is the place of DeliveriesDue among the chores.
const choreDeliveries = 1

func (a *App) chores() []chore {
	return []chore{
		{"quarantine items expired", a.ExpireHeld},
		{"staged messages to recipients destroyed", a.DeliveriesDue},
		{"consents expired", a.ExpireConsents},
		{"contacts decided again", a.recheckDue},
		{"reviews of rights planned", a.planRightsReview},
		{"reminders of what is due at the desks", a.Remind},
		{"reviews of holds and restrictions are due; see GET /v1/holds?due=true", a.HoldsDue},
		{"persons past a retention term", a.RetainDue},
		{"tokens used for the first time today", a.recordUses},
	}
}

// KeepHouse does what is due, now and every hour, until ctx ends. What fails is
// said and tried again; it does not keep the rest. What a recipient acknowledges
// is looked at straight away.
func (a *App) KeepHouse(ctx context.Context) {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	todo := a.chores()
	for {
		for _, c := range todo {
			n, err := c.do(ctx, a.cfg.Now())
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				a.cfg.Logger.Error("housekeeping failed; it is tried again in an hour", "work", c.what, "error", err)
			case n > 0:
				a.cfg.Logger.Info(c.what, "count", n)
			}
		}
		select {
		case <-tick.C:
			todo = a.chores()
		case <-a.Changes.taken:
			todo = a.chores()[choreDeliveries:][:1]
		case <-ctx.Done():
			return
		}
	}
}

// recheckDue is RecheckDue as a chore; breaches are said loudly.
func (a *App) recheckDue(ctx context.Context, now time.Time) (int, error) {
	out, done, err := a.RecheckDue(ctx, now)
	if err != nil || !done {
		return 0, err
	}
	if out.Breaches > 0 {
		a.cfg.Logger.Warn("contacts were made that were not allowed; see GET /v1/audit/contacts", "breaches", out.Breaches, "checked", out.Checked)
	}
	return int(out.Checked), nil
}
