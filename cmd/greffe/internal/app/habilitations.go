package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
	"greffe/projections/audit"
)

// habilitations folds anew what decided who may do what, up to a date.
type habilitations struct{ a *App }

// AsOf implements httpapi.Habilitations.
func (d habilitations) AsOf(ctx context.Context, at time.Time) (*httpapi.RightsHeld, error) {
	all, err := d.a.Ledger.PolicyVersions(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(v ledger.PolicyVersion) bool { return v.Published.After(at) })
	if i < 0 {
		i = len(all)
	}
	if i == 0 {
		return nil, fmt.Errorf("there was no policy: %w", httpapi.ErrNotFound)
	}
	return d.held(ctx, all[i-1].Version, at)
}

// Since implements httpapi.Habilitations.
func (d habilitations) Since(ctx context.Context, version int64) (*httpapi.RightsHeld, error) {
	all, err := d.a.Ledger.PolicyVersions(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(v ledger.PolicyVersion) bool { return v.Version == version })
	if i < 0 {
		return nil, fmt.Errorf("there is no such version: %w", httpapi.ErrNotFound)
	}
	return d.held(ctx, version, all[i].Published.Time)
}

func (d habilitations) held(ctx context.Context, version int64, at time.Time) (*httpapi.RightsHeld, error) {
	text, err := policies(d).Text(ctx, version)
	if err != nil {
		return nil, err
	}
	rules, err := policy.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("policy %d: %w", version, err)
	}
	positions, err := d.decided(ctx, at)
	if err != nil {
		return nil, err
	}
	list, grants, err := accounts.Fold(d.facts(ctx, positions))
	return &httpapi.RightsHeld{Rules: rules, Version: version, At: at, Accounts: list, Grants: grants}, err
}

// decided are the positions of the facts that decide about rights, recorded until an
// instant.
func (d habilitations) decided(ctx context.Context, at time.Time) (out []domain.Position, err error) {
	if err := d.a.upToDate(ctx, d.a.Audit.Name()); err != nil {
		return nil, err
	}
	for _, t := range accounts.Deciding() {
		for e, err := range d.a.Audit.Events(ctx, audit.Filter{Type: t, Recorded: audit.Span{To: at.Add(time.Microsecond)}}) {
			if err != nil {
				return nil, err
			}
			out = append(out, e.Position)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (d habilitations) facts(ctx context.Context, at []domain.Position) iter.Seq2[*event.Fact, error] {
	return func(yield func(*event.Fact, error) bool) {
		for _, p := range at {
			f, err := d.a.Dossier.At(ctx, p)
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

var errAhead = errors.New("give a time that has passed")

// Habilitations is who may do and see what, for the operator of the machine: as of an
// instant, now for the zero time. It is recorded as a read.
func (a *App) Habilitations(ctx context.Context, at time.Time) (*httpapi.RightsHeld, error) {
	if at.After(a.cfg.Now()) {
		return nil, errAhead
	}
	_, err := a.Journal.Record(ctx, access.Reading{Lens: disclosure.Whole(), Action: "export", Reason: "audit", Human: "operator of the machine", Categories: []string{"accounts"}})
	if err != nil {
		return nil, err
	}
	if !at.IsZero() {
		return habilitations{a}.AsOf(ctx, at)
	}
	rules, version := a.Ledger.Policy()
	return &httpapi.RightsHeld{Rules: rules, Version: version, At: a.cfg.Now(), Accounts: a.Accounts.Accounts(), Grants: a.Accounts.List()}, nil
}
