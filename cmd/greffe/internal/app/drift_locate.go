package app

import (
	"context"
	"errors"
	"math"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
	"greffe/projections/drift"
	"greffe/projections/index"
)

// locate finds the first fact that a row of a read model can come from, by these
// views: of an event itself, of a person the first one, of a count the first that
// counts. Of some rows there is none to be found.
func (a *App) locate(ctx context.Context, v *views, projection string, row drift.Row) (domain.Position, bool, error) {
	for _, column := range [...]string{"event", "entry"} {
		if id, ok := row.ID(column); ok {
			p, err := v.Index.Position(ctx, id)
			if !errors.Is(err, index.ErrUnknown) {
				return p, err == nil, err
			}
		}
	}
	if block, ok := row.Int("block"); ok {
		return domain.Position(block << 8), true, nil
	}
	subject, ok := row.ID("subject")
	var err error
	if ref, has := row.Int("ref"); has && !ok {
		switch projection {
		case v.Index.Name():
			subject, err = v.Index.Referred(ctx, ref)
		case v.CRM.Name():
			subject, err = v.CRM.Referred(ctx, ref)
		}
	}
	if of, has := row.Int("of"); has {
		var p domain.Position
		if p, subject, err = v.Opposition.Referred(ctx, of); err == nil && subject.IsZero() {
			return p, p > 0, nil
		}
	}
	if err != nil {
		return 0, false, err
	}
	if !subject.IsZero() {
		places, err := v.Index.Positions(ctx, subject, 0, math.MaxInt64, 1)
		if err != nil || len(places) > 0 {
			return first(places), len(places) > 0, err
		}
	}
	return a.locateCounted(ctx, v, projection, row)
}

func first(places []domain.Position) domain.Position {
	if len(places) == 0 {
		return 0
	}
	return places[0]
}

// locateCounted finds the first fact of an account, a source or a month.
func (a *App) locateCounted(ctx context.Context, v *views, projection string, row drift.Row) (domain.Position, bool, error) {
	var f audit.Filter
	account, ofAccount := row.ID("account")
	switch {
	case projection == v.Accounts.Name() && ofAccount:
		return a.locateAccount(ctx, v, account)
	case row.Cell("source") != "":
		var ok bool
		if f.Source, ok = row.ID("source"); !ok {
			return 0, false, nil
		}
	case row.Cell("month") != "":
		from, ok := monthOf(row)
		if !ok {
			return 0, false, nil
		}
		f.Time = audit.Span{From: from, To: from.AddDate(0, 1, 0)}
	default:
		return 0, false, nil
	}
	f.Limit = 1
	for e, err := range v.Audit.Events(ctx, f) {
		return e.Position, err == nil, err
	}
	return 0, false, nil
}

// monthOf reads a month as the engines of the audit dataset write it: 2026-03, or
// months since the year 0.
func monthOf(row drift.Row) (time.Time, bool) {
	if n, ok := row.Int("month"); ok && n >= 0 && n < 12*9999 {
		return time.Date(int(n/12), time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC), true
	}
	t, err := time.Parse("2006-01", row.Cell("month"))
	return t, err == nil
}

// locateAccount finds the first fact about an account.
func (a *App) locateAccount(ctx context.Context, v *views, account domain.ID) (domain.Position, bool, error) {
	for e, err := range v.Audit.Events(ctx, audit.Filter{Type: event.AccountCreated}) {
		if err != nil {
			return 0, false, err
		}
		if f, err := a.Dossier.At(ctx, e.Position); err != nil || f.Codes.ID("account") == account {
			return e.Position, err == nil, err
		}
	}
	return 0, false, nil
}
