package ledger

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// prepared is a group that is in the vault and not yet in the log. A group
// without facts (duplicates only) passes through as well, so that a duplicate
// is never answered before the event it repeats is durable.
type prepared struct {
	number int64
	base   domain.Position // of the first fact; before it is in the log, a head from before it was prepared
	facts  [][]byte
	events []domain.ID // of the facts
	items  []*item
	at     []int // index of each item's fact; -1 when it has its position already

	after    bool         // what other nodes prepared before comes before it in the log as well
	destroy  []part.Owner // whose keys go once the facts are in the log
	recorded domain.Time
}

// errLeft: the ledger was closed while a store could not be reached. Who opens it
// next, or another node, appends what is prepared.
var errLeft = errors.New("closed while a store could not be reached")

// appendLoop writes prepared groups to the log, in order, and answers.
func (l *Ledger) appendLoop(ctx context.Context) {
	defer l.wg.Done()
	ctx = context.WithoutCancel(ctx)
	for p := range l.ready {
		if l.Cause() != nil || l.left.Load() {
			l.refuseAll(p.items, ErrUnknown)
			continue
		}
		switch err := l.land(ctx, p); {
		case err == nil:
			l.answer(p)
		case errors.Is(err, errLeft):
			l.left.Store(true)
			l.refuseAll(p.items, ErrUnknown)
		default:
			l.fail(fmt.Errorf("append %d facts at position %d: %w", len(p.facts), p.base, err))
			l.refuseAll(p.items, ErrUnknown)
		}
	}
}

// land brings a group into the log, for as long as it takes.
func (l *Ledger) land(ctx context.Context, p *prepared) error {
	if len(p.facts) == 0 {
		return nil
	}
	way := placing{facts: p.facts, from: max(p.base, l.own.behind())}
	way.at = max(way.from, domain.Position(l.head.Load()))
	for tries := 0; ; tries++ {
		err := l.comesAfter(ctx, p)
		if err == nil {
			p.base, err = l.place(ctx, &way)
		}
		if err == nil {
			if l.own.land(p.number, p.base, p.events) {
				l.nudge()
			}
			return nil
		}
		if !unreachable(err) {
			return err
		}
		if tries == 0 {
			l.cfg.Logger.Warn("a store cannot be reached; recording waits for it", "error", err)
		}
		if !l.pause(tries) {
			return errLeft
		}
	}
}

// comesAfter sees that what other nodes prepared before a group that depends on it
// is in the log: before an order to erase, everything that was recorded about the
// person; before what ends something, what began it.
func (l *Ledger) comesAfter(ctx context.Context, p *prepared) error {
	if !p.after {
		return nil
	}
	err := l.cfg.Vault.Pending(ctx, func(q vault.Pending) error {
		if q.Number >= p.number {
			return errEnough
		}
		if _, inLog := l.own.state(q.Number); inLog {
			return nil
		}
		return l.help(ctx, q.Number, &placing{facts: q.Facts, from: q.Base})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("what was prepared before: %w", err)
	}
	return nil
}

// answer tells the callers of a group that is in the log.
func (l *Ledger) answer(p *prepared) {
	for i, it := range p.items {
		if p.at[i] >= 0 {
			it.result.Position = p.base + domain.Position(p.at[i])
		}
	}
	l.sweep(p.destroy) // before the answers, so that Sweep knows of it after them
	for _, it := range p.items {
		if it.awaits.IsZero() {
			l.finish(it, it.err)
			continue
		}
		if at, ok := l.own.where(it.awaits); ok {
			l.seen(it, at)
			continue
		}
		l.wait(it)
	}
}

// seen answers an item that waited for an event to be in the log.
func (l *Ledger) seen(it *item, at domain.Position) {
	if it.repeats {
		it.result.Position = at
	}
	l.finish(it, it.err)
}
