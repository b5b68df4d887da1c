package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// Every row, link and marker that the ledger has the vault store carries a MAC
// (seal.MACs) under a secret of the ledger, from the transaction that makes it on. A
// vault of before gets them once, when it is opened; that it has them says a key of
// class macs in the ledger's key row, which nobody makes or takes away without the KEK:
// afterwards an entry without a MAC is a finding of verification and never gets one.
const (
	classMACs = seal.ClassMACs
	useMACs   = seal.UseMACs
	macLot    = 2_000 // entries in one transaction
)

// MACs checks what the ledger's vault holds.
func (l *Ledger) MACs() *seal.MACs { return l.macs }

// openMACs derives the key of MACs, and gives them to a vault of before.
func (l *Ledger) openMACs(ctx context.Context) error {
	secret, err := l.Secret(useMACs)
	if err != nil {
		return err
	}
	l.macs = seal.NewMACs(secret)
	for range maxStale {
		err = l.macOlder(ctx)
		if !errors.Is(err, vault.ErrStale) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("give the vault's entries their MACs: %w", err)
	}
	return nil
}

// macOlder makes the MACs of a vault that has none; it goes on where a crash stopped it.
// vault.ErrStale: another node wrote the ledger's key row meanwhile.
func (l *Ledger) macOlder(ctx context.Context) error {
	sets, err := l.keys.Load(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return err
	}
	if _, done := sets[0].Key(classMACs, part.EpochWhole); done {
		return nil
	}
	l.cfg.Logger.Info("the vault is of before its entries had MACs; making them")
	lot := macLots{l: l}
	err = l.cfg.Vault.WalkRows(ctx, 0, func(r *vault.Recorded) error {
		if r.MAC != (vault.MAC{}) {
			return nil
		}
		lot.Rows = append(lot.Rows, vault.RowMAC{Number: r.Number, Index: r.Index, MAC: l.macs.Row(&r.Row)})
		return lot.full(ctx)
	})
	if err == nil {
		err = l.cfg.Vault.WalkLinks(ctx, func(k vault.Link) error {
			if k.MAC != (vault.MAC{}) {
				return nil
			}
			k.MAC = l.macs.Link(k.Token, k.ID)
			lot.Links = append(lot.Links, k)
			return lot.full(ctx)
		})
	}
	if err == nil {
		err = l.cfg.Vault.WalkHolds(ctx, func(h vault.Hold) error {
			if h.MAC != (vault.MAC{}) {
				return nil
			}
			h.MAC = l.macs.Hold(h.Token, h.ID)
			lot.Holds = append(lot.Holds, h)
			return lot.full(ctx)
		})
	}
	if err == nil {
		err = lot.flush(ctx)
	}
	if err == nil {
		err = l.linkReturned(ctx)
	}
	if err != nil {
		return err
	}
	if _, err := sets[0].Ensure(classMACs, part.EpochWhole, l.cfg.Rand); err != nil {
		return err
	}
	w, err := l.keys.Wrap(sets[0])
	if err != nil {
		return err
	}
	return l.cfg.Vault.RewriteKeys(ctx, []vault.KeyWrite{w})
}

// linkReturned links those erased to whom nothing leads, since the person came back
// when nothing was kept of that (tombstone.go).
func (l *Ledger) linkReturned(ctx context.Context) error {
	erased := map[domain.ID]bool{}
	err := l.cfg.Vault.WalkKeys(ctx, func(o part.Owner, row vault.KeyRow) error {
		if o.Kind != part.Subject {
			return nil
		}
		_, closed, err := l.keys.Named(o, row)
		if errors.Is(err, seal.ErrKeyRow) {
			return nil // verification's matter
		}
		if row.Destroyed || !closed.IsZero() {
			erased[o.ID] = true
		}
		return err
	})
	if err == nil {
		err = l.cfg.Vault.WalkLinks(ctx, func(k vault.Link) error {
			delete(erased, k.ID)
			return nil
		})
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(erased)), macLot) {
		b := vault.Batch{Generation: l.peppers.Generation()}
		for _, id := range some {
			b.Links = append(b.Links, vault.Link{Token: l.returnedName(id), ID: id})
		}
		l.sealBatch(&b)
		if _, err := l.cfg.Vault.Prepare(ctx, &b); err != nil { // stale: another node did
			return err
		}
	}
	return nil
}

// macLots stores MACs some at a time.
type macLots struct {
	l *Ledger
	vault.MACs
}

func (m *macLots) full(ctx context.Context) error {
	if len(m.Rows)+len(m.Links)+len(m.Holds) < macLot {
		return nil
	}
	return m.flush(ctx)
}

func (m *macLots) flush(ctx context.Context) error {
	err := m.l.cfg.Vault.SetMACs(ctx, m.MACs)
	m.MACs = vault.MACs{}
	return err
}

// sealBatch makes the MACs of all that a batch stores.
func (l *Ledger) sealBatch(b *vault.Batch) {
	each := make([]*vault.Row, len(b.Rows))
	for i := range b.Rows {
		each[i] = &b.Rows[i]
	}
	inParallel(each, func(r *vault.Row) { r.MAC = l.macs.Row(r) })
	for i := range b.Links {
		b.Links[i].MAC = l.macs.Link(b.Links[i].Token, b.Links[i].ID)
	}
	for i := range b.Moves {
		b.Moves[i].MAC = l.macs.Link(b.Moves[i].Token, b.Moves[i].To)
	}
	for i := range b.Holds {
		b.Holds[i].MAC = l.macs.Hold(b.Holds[i].Token, b.Holds[i].ID)
	}
}
