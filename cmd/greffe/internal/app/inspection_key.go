package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/audit"
)

// OppositionKey implements httpapi.Inspections. That the key left is recorded before
// it does.
func (d inspectionDesk) OppositionKey(ctx context.Context, r access.Receipt, actor, id domain.ID) ([]byte, error) {
	if r.Event().IsZero() {
		return nil, access.ErrNotCovered
	}
	key, err := d.oppositionKey(ctx, id)
	if err != nil {
		return nil, err
	}
	signed, err := d.a.Sign(key.Text())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(signed)
	if err := d.handedOut(ctx, handOut{Inspection: id, Actor: actor, Kind: kindKey, SHA256: hex.EncodeToString(sum[:]), Files: 1}); err != nil {
		return nil, err
	}
	return signed, nil
}

// inspections looks at what inspections leave to do: those past their date, and keys
// of the opposition list that were handed out and still fit it.
func (a *App) inspections(ctx context.Context) (Check, error) {
	d := inspectionDesk{a}
	open, late := 0, 0
	var given domain.Position
	for e, err := range a.Audit.Events(ctx, audit.Filter{Type: event.InspectionOpened}) {
		if err != nil {
			return Check{}, err
		}
		closed, err := d.closed(ctx, e.ID)
		if err != nil {
			return Check{}, err
		}
		f, err := a.Dossier.At(ctx, e.Position)
		if err != nil {
			return Check{}, err
		}
		if closed.IsZero() {
			if open++; a.cfg.Now().After(f.Codes.Time("due")) {
				late++
			}
		}
		key, err := d.once(ctx, useInspectionKey, e.ID)
		if err == nil && key != nil && !closed.IsZero() {
			var at domain.Position
			at, err = a.Index.Position(ctx, key.ID)
			given = max(given, at)
		}
		if err != nil {
			return Check{}, err
		}
	}
	rotated, err := a.peppersRotatedAfter(ctx, given)
	switch {
	case err != nil:
		return Check{}, err
	case given > 0 && !rotated:
		return Check{"inspections", Warn, "an inspection was closed whose opposition key was handed out: rotate the peppers, greffe keys rotate-peppers"}, nil
	case late > 0:
		return Check{"inspections", Warn, fmt.Sprintf("%d open past their due date", late)}, nil
	}
	return Check{"inspections", Good, fmt.Sprintf("%d open", open)}, nil
}

// peppersRotatedAfter reports a rotation of the peppers behind a position.
func (a *App) peppersRotatedAfter(ctx context.Context, p domain.Position) (bool, error) {
	for e, err := range a.Audit.Events(ctx, audit.Filter{Type: event.KeyRotated, Cursor: p}) {
		if err != nil {
			return false, err
		}
		f, err := a.Dossier.At(ctx, e.Position)
		if err != nil || f.Codes.Int("generation") > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// InspectionKey is OppositionKey for the command line.
func (a *App) InspectionKey(ctx context.Context, r access.Receipt, id domain.ID) ([]byte, error) {
	return inspectionDesk{a}.OppositionKey(ctx, r, domain.ID{}, id)
}
