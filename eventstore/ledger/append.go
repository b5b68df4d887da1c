package ledger

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore"
)

// prepared is a group that is in the vault and not yet in the log. A group
// without facts (duplicates only) passes through as well, so that a duplicate
// is never answered before the event it repeats is durable.
type prepared struct {
	number int64
	base   domain.Position
	facts  [][]byte
	items  []*item
	at     []int // index of each item's fact; -1 when it has its position already

	destroy  []part.Owner // whose keys go once the facts are in the log
	recorded domain.Time
}

// appendLoop writes prepared groups to the log, in order, and answers.
func (l *Ledger) appendLoop(ctx context.Context) {
	defer l.wg.Done()
	for p := range l.ready {
		if l.Cause() != nil {
			l.refuseAll(p.items, ErrUnknown)
			continue
		}
		if err := l.appendGroup(ctx, p); err != nil {
			l.fail(fmt.Errorf("append %d facts at position %d: %w", len(p.facts), p.base, err))
			l.refuseAll(p.items, ErrUnknown)
			continue
		}
		for i, it := range p.items {
			if p.at[i] >= 0 {
				it.result.Position = p.base + domain.Position(p.at[i])
			}
		}
		l.sweep(p.destroy) // before the answers, so that Sweep knows of it after them
		for _, it := range p.items {
			l.finish(it, it.err)
		}
	}
}

// maxRaces bounds how often a group may lose its positions to other nodes.
const maxRaces = 100

func (l *Ledger) appendGroup(ctx context.Context, p *prepared) error {
	if len(p.facts) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	for range maxRaces {
		err := l.cfg.Log.Append(ctx, p.base, p.facts)
		if err == nil {
			l.done.Store(p.number)
			return nil
		}
		var moved *eventstore.WrongHeadError
		if !errors.As(err, &moved) {
			return err
		}
		if err := l.cfg.Vault.Rebase(ctx, p.number, moved.Actual); err != nil {
			return fmt.Errorf("move the group to position %d: %w", moved.Actual, err)
		}
		p.base = moved.Actual
	}
	return fmt.Errorf("lost %d races for the log's head", maxRaces)
}
