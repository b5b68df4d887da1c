package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/vault"
)

// ErrDiverged: the log holds something else where the vault prepared facts, or
// is shorter than the vault knows it was. One of them was rolled back or edited.
var ErrDiverged = errors.New("log and vault disagree; restore both from one backup")

// recover brings the log to what the vault prepared: appends what a crash left
// out, from the prepared bytes.
func (l *Ledger) recover(ctx context.Context) error {
	head, err := l.cfg.Log.Head(ctx)
	if err != nil {
		return err
	}
	end, err := l.cfg.Vault.End(ctx)
	if err != nil {
		return err
	}
	if end > head {
		return fmt.Errorf("%w (the log ends at %d, the vault saw it end at %d)", ErrDiverged, head, end)
	}
	var last int64
	var before domain.Position // where the pending batch before ends
	err = l.cfg.Vault.Pending(ctx, func(p vault.Pending) error {
		last = p.Number
		// A batch planned for positions of the one before has lost the race with it,
		// and is not in the log: it would have been moved first.
		if end := p.Base + domain.Position(len(p.Facts)); end <= head && p.Base >= before {
			before = end
			same, err := l.holds(ctx, p)
			if err != nil || same {
				return err
			}
			return fmt.Errorf("%w (position %d)", ErrDiverged, p.Base)
		}
		if p.Base > head {
			return fmt.Errorf("%w (the log ends at %d, the vault prepared from %d)", ErrDiverged, head, p.Base)
		}
		if p.Base < head {
			if err := l.cfg.Vault.Rebase(ctx, p.Number, head); err != nil {
				return err
			}
		}
		if err := l.cfg.Log.Append(ctx, head, p.Facts); err != nil {
			return err
		}
		l.cfg.Logger.Info("recovered a prepared group", "position", head, "facts", len(p.Facts))
		head += domain.Position(len(p.Facts))
		before = head
		return nil
	})
	if err != nil {
		return err
	}
	l.done.Store(last)
	return l.cfg.Vault.Done(ctx, last)
}

// holds reports whether the log has exactly these facts at their positions.
func (l *Ledger) holds(ctx context.Context, p vault.Pending) (bool, error) {
	i, same := 0, true
	err := l.cfg.Log.Read(ctx, p.Base, p.Base+domain.Position(len(p.Facts)), func(_ domain.Position, b []byte) error {
		same = same && bytes.Equal(b, p.Facts[i])
		i++
		return nil
	})
	if err != nil && !errors.Is(err, eventstore.ErrCorrupt) {
		return false, fmt.Errorf("read back: %w", err)
	}
	return same, err
}
