package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// chunkPage is chunks in order, with what is known of their batches.
type chunkPage struct {
	seqs   []int64
	chunks [][]byte
	places map[int64]place
	macs   map[int64]macs
}

// WalkRows implements vault.Walker.
func (s *Store) WalkRows(ctx context.Context, from int64, fn func(*vault.Recorded) error) error {
	for last := seqOf(from, 0) - 1; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := s.chunksBehind(ctx, last)
		if err != nil || len(p.seqs) == 0 {
			return err
		}
		for i, data := range p.chunks {
			number := p.seqs[i] >> seqBits
			at, of := p.places[number], p.macs[number]
			var stop error // of fn
			err := decodeRows(p.seqs[i], data, func(seq int64, r *stored) error {
				row := r.kept()
				row.MAC = of.at(seq)
				stop = fn(&vault.Recorded{Number: number, Index: int(seq & (maxRows - 1)), Base: at.base, Pending: at.pending, Row: row})
				return stop
			})
			if err != nil && stop == nil {
				err = &vault.DamageError{Table: "chunk", Number: number}
			}
			if err != nil {
				return err
			}
		}
		last = p.seqs[len(p.seqs)-1]
	}
}

func (s *Store) chunksBehind(ctx context.Context, last int64) (p chunkPage, err error) {
	err = s.read(ctx, "walk rows", func(c *conn) error {
		p = chunkPage{macs: map[int64]macs{}}
		some := map[domain.ID]int64{}
		err := c.query("SELECT seq, data FROM chunk WHERE seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
			p.seqs, p.chunks = append(p.seqs, integer(row[0])), append(p.chunks, blob(row[1]))
			some[domain.ID{byte(len(p.seqs))}] = integer(row[0])
			return nil
		}, last, int64(walkChunks))
		if err != nil {
			return err
		}
		if p.places, err = bases(c, some); err != nil {
			return err
		}
		for number := range p.places {
			if p.macs[number], err = macsIn(c, seqOf(number, 0)); err != nil {
				return err
			}
		}
		return s.whole()
	})
	return p, err
}

// WalkLinks implements vault.Walker.
func (s *Store) WalkLinks(ctx context.Context, fn func(vault.Link) error) error {
	return s.walkTokens(func(r *reading) error {
		return r.links(ctx, func(l transfer.Record) error { return fn(vault.Link(l.(transfer.Link))) })
	})
}

// WalkHolds implements vault.Walker.
func (s *Store) WalkHolds(ctx context.Context, fn func(vault.Hold) error) error {
	return s.walkTokens(func(r *reading) error {
		return r.holds(ctx, func(h transfer.Record) error { return fn(vault.Hold(h.(transfer.Hold))) })
	})
}

func (s *Store) walkTokens(walk func(r *reading) error) error {
	err := s.whole()
	if err == nil {
		err = walk(&reading{Store: s})
	}
	if err == nil {
		err = s.whole()
	}
	return err
}

// slotLot is how many owners are sorted by where their keys lie, so that each cell is
// read few times: about 10 MiB.
const slotLot = 1 << 16

// ownerLot is owners whose states are known, and their keys not yet.
type ownerLot struct {
	*Store
	owners []part.Owner
	states map[part.Owner]ownerState
	fn     func(part.Owner, vault.KeyRow) error
}

// WalkKeys implements vault.Walker.
func (s *Store) WalkKeys(ctx context.Context, fn func(part.Owner, vault.KeyRow) error) error {
	lot := ownerLot{Store: s, states: map[part.Owner]ownerState{}, fn: fn}
	err := (&reading{Store: s}).owned(ctx, func(c *conn, some []part.Owner) (all []transfer.Record, err error) {
		states, err := s.owners(c, some)
		for _, o := range some {
			if st, ok := states[o]; ok {
				lot.owners, lot.states[o] = append(lot.owners, o), st
			}
		}
		return []transfer.Record{nil}, err
	}, func(transfer.Record) error {
		if len(lot.owners) < slotLot {
			return nil
		}
		return lot.flush(ctx)
	})
	if err == nil {
		err = lot.flush(ctx)
	}
	return err
}

func (l *ownerLot) flush(ctx context.Context) error {
	type placed struct {
		slot  int64
		owner part.Owner
	}
	order := make([]placed, len(l.owners))
	for i, o := range l.owners {
		order[i] = placed{l.states[o].slot, o}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Compare(a.slot, b.slot) })
	for i := range order {
		l.owners[i] = order[i].owner
	}
	for some := range slices.Chunk(l.owners, readAtOnce) {
		var rows []vault.KeyRow
		err := l.read(ctx, "walk keys", func(c *conn) (err error) {
			rows, err = keysOf(c, some, l.states, false)
			return err
		})
		if errors.Is(err, errMoved) {
			rows, err = l.Keys(ctx, some)
		}
		if err != nil {
			return err
		}
		for i := range rows {
			if err := l.fn(some[i], rows[i]); err != nil {
				return err
			}
		}
	}
	l.owners = l.owners[:0]
	clear(l.states)
	return nil
}
