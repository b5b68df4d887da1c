package ledger

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/eventstore/seal"
)

// word is something that a group relies on: an event, told of by the vault, that may be
// prepared by another node and not yet be in the log.
type word struct {
	on domain.ID
	it *item // is answered once it is there; nil: what the group records comes after it
}

// relies notes that an item's answer, or what the group records, relies on an event.
func (g *group) relies(it *item, on domain.ID) {
	if !on.IsZero() {
		g.words = append(g.words, word{on, it})
	}
}

// reliesOnClosing is relies on what closed an owner. The keys of one that was destroyed
// went after that was in the log.
func (g *group) reliesOnClosing(it *item, set *seal.KeySet) {
	if !set.Destroyed {
		g.relies(it, set.Closed)
		g.relies(nil, set.Closed)
	}
}

// settleWords finds out which of these events are in the log.
func (g *group) settleWords(ctx context.Context) error {
	var ids []domain.ID
	asked := map[domain.ID]bool{}
	for _, w := range g.words {
		if !asked[w.on] {
			asked[w.on] = true
			ids = append(ids, w.on)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := g.c.l.cfg.Vault.Intake(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up what the group relies on: %w", err)
	}
	pending := map[domain.ID]bool{}
	for i, k := range known {
		pending[ids[i]] = k.Pending
	}
	for _, w := range g.words {
		switch {
		case !pending[w.on]:
		case w.it == nil:
			g.after = true
		case w.it.awaits.IsZero():
			w.it.awaits = w.on
		}
	}
	return nil
}
