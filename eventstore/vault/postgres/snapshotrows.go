package postgres

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// piece is a cell with its event, or an event that has none.
type piece struct {
	seq                                                  int64
	event, owner, mac, cellOwner, class, epoch, d, token []byte
}

const readPieces = `SELECT i.seq, event, i.owner, i.mac, c.owner, class, epoch, data, tokens
	FROM copy_intake i LEFT JOIN copy_cell c ON c.seq = i.seq ORDER BY i.seq, ord`

// batches gives each batch and its rows, in the order of recording.
func (r *snapshot) batches(ctx context.Context, fn func(transfer.Record) error) error {
	out := &assembly{ctx: ctx, r: r, fn: fn}
	err := each(ctx, r, readPieces, func(row pgx.CollectableRow) (p piece, err error) {
		return p, row.Scan(&p.seq, &p.event, &p.owner, &p.mac, &p.cellOwner, &p.class, &p.epoch, &p.d, &p.token)
	}, out.add)
	if err != nil {
		return err
	}
	return out.finish()
}

// assembly makes rows of pieces.
type assembly struct {
	ctx   context.Context
	r     *snapshot
	fn    func(transfer.Record) error
	batch transfer.Batch
	facts [][]byte
	row   transfer.Row
	open  bool // row is not given yet
	rows  int  // of batch that were given
}

func (a *assembly) give(rec transfer.Record) error {
	if err := a.fn(rec); err != nil {
		return stopped{err}
	}
	return nil
}

func (a *assembly) add(p piece) error {
	number, index := p.seq>>seqBits, int(p.seq&(maxRows-1))
	if !a.open || number != a.row.Number || index != a.row.Index {
		if err := a.flush(); err != nil {
			return err
		}
		if number != a.batch.Number {
			if err := a.begin(number); err != nil {
				return err
			}
		}
		owner, err := ownerOf(p.owner)
		mac, err2 := macOf(p.mac)
		if err != nil || err2 != nil || len(p.event) != 16 || index != a.rows || a.rows >= a.batch.Rows {
			return errDamaged
		}
		a.row, a.open = transfer.Row{Number: number, Index: index, Row: vault.Row{Event: domain.ID(p.event), Owner: owner, MAC: mac}}, true
		if a.batch.Pending {
			a.row.Fact = a.facts[index]
		}
	}
	switch {
	case p.cellOwner == nil:
		return nil
	case p.class == nil:
		if bytes.Equal(p.cellOwner, p.owner) {
			a.row.BodyMAC, a.row.Tokens = p.d, p.token
		}
		return nil
	}
	o, err := ownerOf(p.cellOwner)
	a.row.Parts = append(a.row.Parts, vault.Part{Key: part.KeyID{Owner: o, Class: string(p.class), Epoch: string(p.epoch)}, Bytes: p.d})
	return err
}

func (a *assembly) flush() error {
	if !a.open {
		return nil
	}
	a.open = false
	a.rows++
	return a.give(a.row)
}

func (a *assembly) begin(number int64) error {
	if a.rows != a.batch.Rows {
		return errDamaged
	}
	var base int64
	var facts []byte
	b := transfer.Batch{Number: number}
	err := a.r.conn.QueryRow(a.ctx, "SELECT base, rows, pending, data FROM copy_batch WHERE number = $1", number).Scan(&base, &b.Rows, &b.Pending, &facts)
	if err != nil {
		return err
	}
	a.facts = nil
	if b.Pending {
		if a.facts, err = splitFacts(facts); err != nil || len(a.facts) != b.Rows {
			return errDamaged
		}
	}
	b.Base = domain.Position(base)
	a.batch, a.rows = b, 0
	return a.give(b)
}

func (a *assembly) finish() error {
	if err := a.flush(); err != nil {
		return err
	}
	if a.rows != a.batch.Rows {
		return errDamaged
	}
	return nil
}
