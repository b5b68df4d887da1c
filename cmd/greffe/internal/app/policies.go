package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/audit"
)

// policies is the desk of the policy's life: what it was, is and will be.
type policies struct{ a *App }

// Versions implements httpapi.Policies.
func (d policies) Versions(ctx context.Context) (out httpapi.PolicyVersions, err error) {
	all, err := d.a.Ledger.PolicyVersions(ctx)
	if err != nil {
		return out, err
	}
	for _, v := range all {
		out.Items = append(out.Items, httpapi.PolicyVersion{Version: v.Version, Position: v.Position, InForceFrom: v.Published.Time, Actor: present(v.Actor), SHA256: v.SHA256, Scheduled: present(v.Scheduled)})
	}
	waiting, err := d.waiting(ctx)
	for _, s := range waiting {
		out.Scheduled = append(out.Scheduled, httpapi.ScheduledPolicy{ID: s.id, Position: s.at, EffectiveAt: s.effective})
	}
	return out, err
}

// scheduled is a policy that waits for its date.
type scheduled struct {
	id        domain.ID
	at        domain.Position
	effective time.Time
}

// waiting lists the policies that wait for their date, in the order in which they were
// scheduled.
func (d policies) waiting(ctx context.Context) (out []scheduled, err error) {
	if err := d.a.upToDate(ctx, d.a.Audit.Name()); err != nil {
		return nil, err
	}
	over := map[domain.ID]bool{}
	for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.PolicyUnscheduled, Limit: maxScheduled}) {
		if err != nil {
			return nil, err
		}
		f, err := d.a.Dossier.At(ctx, e.Position)
		if err != nil {
			return nil, err
		}
		over[f.Codes.ID("scheduled")] = true
	}
	done, err := d.a.Ledger.PolicyVersions(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range done {
		over[v.Scheduled] = true
	}
	for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: event.PolicyScheduled, Limit: maxScheduled}) {
		if err != nil {
			return nil, err
		}
		f, err := d.a.Dossier.At(ctx, e.Position)
		if err != nil {
			return nil, err
		}
		if !over[f.ID] {
			out = append(out, scheduled{f.ID, e.Position, f.Codes.Time("effective_at")})
		}
	}
	return out, nil
}

// maxScheduled bounds what is looked at; a ledger publishes a few policies a year.
const maxScheduled = 10_000

// Text implements httpapi.Policies.
func (d policies) Text(ctx context.Context, version int64) ([]byte, error) {
	b, err := d.a.Ledger.PolicyText(ctx, version)
	if errors.Is(err, ledger.ErrNoPolicy) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return b, err
}

// Schedule implements httpapi.Policies.
func (d policies) Schedule(ctx context.Context, actor domain.ID, source []byte, at time.Time) (httpapi.ScheduledPolicy, error) {
	w, err := d.a.Ledger.SchedulePolicy(ctx, actor, source, at)
	if err != nil {
		return httpapi.ScheduledPolicy{}, err
	}
	return httpapi.ScheduledPolicy{ID: w.Event, Position: w.Position, EffectiveAt: domain.NewTime(at).Time}, nil
}

const usePolicyUnscheduled = "policy/unscheduled"

// Unschedule implements httpapi.Policies.
func (d policies) Unschedule(ctx context.Context, actor, id domain.ID) error {
	all, err := d.waiting(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.id != id {
			continue
		}
		derived, err := d.a.Ledger.Derived(usePolicyUnscheduled, id[:])
		if err != nil {
			return err
		}
		_, err = d.a.Ledger.Write(ctx, []ledger.Own{{Type: event.PolicyUnscheduled, ID: derived, Actor: actor, Codes: event.Codes{}.With("scheduled", id.String())}})
		if errors.Is(err, ledger.ErrTaken) {
			err = nil
		}
		return err
	}
	return fmt.Errorf("no such policy waits for its date: %w", httpapi.ErrNotFound)
}

// publishDue publishes the policies whose date has come, in the order of their dates.
func (a *App) publishDue(ctx context.Context, now time.Time) (n int, err error) {
	all, err := (policies{a}).waiting(ctx)
	if err != nil {
		return 0, err
	}
	for {
		next := -1
		for i, s := range all {
			if !s.effective.After(now) && (next < 0 || s.effective.Before(all[next].effective)) {
				next = i
			}
		}
		if next < 0 {
			return n, nil
		}
		version, at, err := a.Ledger.PublishScheduled(ctx, all[next].at)
		if err != nil {
			return n, err
		}
		a.cfg.Logger.Info("a scheduled policy is in force", "version", version, "position", at, "scheduled", all[next].id)
		all = append(all[:next], all[next+1:]...)
		n++
	}
}

// scheduleBeat is how late a scheduled policy may be in force.
const scheduleBeat = time.Minute

// keepScheduled publishes scheduled policies at their dates, until ctx ends.
func (a *App) keepScheduled(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := a.publishDue(ctx, a.cfg.Now()); err != nil && ctx.Err() == nil {
			a.cfg.Logger.Error("scheduled policies could not be published; it is tried again", "error", err)
		}
		pause(ctx, scheduleBeat)
	}
}

// PolicyDiff is what differs between two versions; 0 is the one in force.
func (a *App) PolicyDiff(ctx context.Context, from, to int64) ([]policy.Difference, error) {
	text := func(v int64) ([]byte, error) {
		if v == 0 {
			return a.Ledger.PolicySource(), nil
		}
		return policies{a}.Text(ctx, v)
	}
	old, err := text(from)
	if err != nil {
		return nil, err
	}
	now, err := text(to)
	if err != nil {
		return nil, err
	}
	return policy.Diff(old, now)
}

// Diff implements httpapi.Policies.
func (d policies) Diff(ctx context.Context, from, to int64) ([]policy.Difference, error) {
	return d.a.PolicyDiff(ctx, from, to)
}

// Policies is the desk of the policy's life.
func (a *App) Policies() httpapi.Policies { return policies{a} }
