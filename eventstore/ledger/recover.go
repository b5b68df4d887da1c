package ledger

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/vault"
)

// ErrDiverged: the log holds something else where the vault prepared facts, or
// is shorter than the vault knows it was. One of them was rolled back or edited.
var ErrDiverged = errors.New("log and vault disagree; restore both from one backup")

// recover brings the log to what the vault prepared: appends what a crash left
// out, from the prepared bytes. Other nodes may be running: what they prepared just now
// may be appended here, and they find it.
func (l *Ledger) recover(ctx context.Context) error {
	end, err := l.cfg.Vault.End(ctx) // before the head, which grows
	if err != nil {
		return err
	}
	head, err := l.logHead(ctx)
	if err != nil {
		return err
	}
	if end > head {
		return fmt.Errorf("%w (the log ends at %d, the vault saw it end at %d)", ErrDiverged, head, end)
	}
	err = l.cfg.Vault.Pending(ctx, func(p vault.Pending) error {
		way := placing{facts: p.Facts, from: p.Base}
		found, err := l.lookFor(ctx, p.Number, &way)
		if err != nil || found {
			return err
		}
		if err := l.knows(ctx, p.Base, min(way.at, p.Base+domain.Position(len(p.Facts)))); err != nil {
			return err
		}
		return l.help(ctx, p.Number, &way)
	})
	if err != nil {
		return err
	}
	return l.tell(ctx)
}

// knows demands that what stands in [from, to) went through the vault.
func (l *Ledger) knows(ctx context.Context, from, to domain.Position) error {
	if from >= to {
		return nil
	}
	var ids []domain.ID
	err := l.cfg.Log.Read(ctx, from, to, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("%w (position %d: %v)", ErrDiverged, p, err)
		}
		ids = append(ids, f.ID)
		return nil
	})
	if err != nil {
		return err
	}
	known, err := l.cfg.Vault.Intake(ctx, ids)
	if err != nil {
		return err
	}
	for i, k := range known {
		if !k.Found {
			return fmt.Errorf("%w (the vault knows nothing of position %d)", ErrDiverged, from+domain.Position(i))
		}
	}
	return nil
}
