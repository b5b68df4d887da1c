package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	domainretention "greffe/domain/retention"
	"greffe/eventstore/retention"
	"greffe/projections/runs"
)

// roleRetention is the lease under which one node works on a retention run.
const roleRetention = "retention"

// termPage bounds the persons of whom a run carries out what is due together.
const termPage = 500

// retentionRules are those of a version of the policy.
func (a *App) retentionRules(version int64) (*domainretention.Rules, error) {
	p, err := a.Ledger.PolicyVersion(context.Background(), version)
	if err != nil {
		return nil, err
	}
	return domainretention.New(p), nil
}

// newEngine puts the rooms behind retention runs.
func (a *App) newEngine() *retention.Engine {
	return retention.New(retention.Config{Ledger: a.Ledger, Intakes: a.vault, Due: terms{a}, Deeds: terms{a}, Lease: under, Logger: a.cfg.Logger})
}

// termsKnown waits until clocks, files and index hold everything that is in the log now.
func (a *App) termsKnown(ctx context.Context) error {
	return a.indexed(ctx, a.Clocks.Name(), a.Cases.Name())
}

// terms implements retention.Due and retention.Deeds.
type terms struct{ a *App }

// Pages implements retention.Due.
func (t terms) Pages(ctx context.Context, by time.Time, fn func([]retention.Person) error) error {
	if err := t.a.termsKnown(ctx); err != nil {
		return err
	}
	for cursor := ""; ; {
		people, next, err := t.a.Clocks.Due(ctx, by, cursor, termPage)
		if err != nil {
			return err
		}
		page := make([]retention.Person, len(people))
		for i := range people {
			page[i] = retention.Person{Subject: people[i].Subjects[0], Due: len(people[i].Due) > 0, Ahead: len(people[i].Ahead) > 0, Held: held(people[i].Due)}
		}
		if err := fn(page); err != nil {
			return err
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

// held reports that something stops all that is due. It was so just now; what was
// released since is the next run's.
func held(due []domainretention.Exit) bool {
	return len(due) > 0 && !slices.ContainsFunc(due, func(x domainretention.Exit) bool { return len(x.Blocked) == 0 })
}

// Now implements retention.Due.
func (t terms) Now(ctx context.Context, subject domain.ID, by time.Time) ([]domainretention.Exit, error) {
	if err := t.a.termsKnown(ctx); err != nil {
		return nil, err
	}
	clocks, err := t.a.Clocks.Clocks(ctx, subject)
	if err != nil {
		return nil, err
	}
	rules, _, err := t.a.Clocks.Rules(ctx)
	if err != nil {
		return nil, err
	}
	exits := rules.Due(clocks, by)
	if len(exits) == 0 {
		return nil, nil
	}
	head, err := t.a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := (factsOf(t)).Persons(ctx, subject, head)
	if err != nil {
		return nil, err
	}
	asked, err := t.a.asked(ctx, persons)
	stopped(exits, asked)
	return exits, err
}

// RetainDue carries out the day's retention run from the policy's hour on, and first
// those of earlier days that were begun and not ended. It implements a chore: n is of
// how many persons something was carried out.
func (a *App) RetainDue(ctx context.Context, now time.Time) (n int, err error) {
	if err := a.upToDate(ctx, a.Runs.Name()); err != nil {
		return 0, err
	}
	days, err := a.retentionDays(ctx, now)
	if err != nil {
		return 0, err
	}
	for _, day := range days {
		out, err := a.Retain(ctx, day, domain.ID{}, nil)
		n += int(out.Counts.Persons)
		if err != nil {
			return n, fmt.Errorf("retention: %w", err)
		}
	}
	return n, nil
}

// retentionDays are the days whose runs are to be worked on at now.
func (a *App) retentionDays(ctx context.Context, now time.Time) (days []retention.Day, err error) {
	today := retention.DayOf(now)
	open, err := a.Runs.Open(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if retention.Day(r.Date) != today {
			days = append(days, retention.Day(r.Date))
		}
	}
	rules, _ := a.Ledger.Policy()
	if retention.Hour(now) < rules.Bounds().RetentionHour {
		return days, nil
	}
	id, err := a.terms.RunOf(today)
	if err != nil {
		return nil, err
	}
	switch r, err := a.Runs.Get(ctx, id); {
	case errors.Is(err, runs.ErrUnknown):
		return append(days, today), nil
	case err != nil:
		return nil, err
	case r.Ended.IsZero():
		return append(days, today), nil
	}
	return days, nil
}

// Retain carries out the run of a day, or takes it up, under the lease of retention.
func (a *App) Retain(ctx context.Context, day retention.Day, actor domain.ID, progress func(retention.Counts)) (out retention.Outcome, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.holding(ctx, roleRetention, func(ctx context.Context) {
		defer stop()
		out, err = a.terms.Run(ctx, day, actor, progress)
	})
	if err == nil && out.Run.IsZero() {
		err = ctx.Err()
	}
	return out, err
}
