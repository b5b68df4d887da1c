package sqlite

import (
	"context"
	"database/sql/driver"

	"greffe/domain"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// batches gives each batch and its rows, in the order of recording.
func (r *reading) batches(ctx context.Context, fn func(transfer.Record) error) error {
	var b transfer.Batch
	var facts [][]byte
	var macs macs
	rows := 0 // of b
	for last := int64(-1); ; {
		var seqs []int64
		var chunks [][]byte
		err := r.read(ctx, "snapshot", func(c *conn) error {
			return c.query("SELECT seq, data FROM chunk WHERE seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seqs, chunks = append(seqs, integer(row[0])), append(chunks, blob(row[1]))
				return nil
			}, last, int64(walkChunks))
		})
		if err != nil {
			return err
		}
		if len(seqs) == 0 {
			break
		}
		for i, data := range chunks {
			if number := seqs[i] >> seqBits; number != b.Number {
				if rows != b.Rows {
					return errDamaged
				}
				if b, facts, macs, err = r.batch(ctx, number); err != nil {
					return err
				}
				rows = 0
				if err := fn(b); err != nil {
					return err
				}
			}
			err := decodeRows(seqs[i], data, func(seq int64, at *stored) error {
				if seq != seqOf(b.Number, rows) || rows >= b.Rows {
					return errDamaged
				}
				row := transfer.Row{Number: b.Number, Index: rows, Row: at.kept()}
				row.MAC = macs.at(seq)
				if b.Pending {
					row.Fact = facts[rows]
				}
				rows++
				return fn(row)
			})
			if err != nil {
				return err
			}
		}
		last = seqs[len(seqs)-1]
	}
	if rows != b.Rows {
		return errDamaged
	}
	return nil
}

// batch reads what is known of a batch, and its facts while it is pending.
func (r *reading) batch(ctx context.Context, number int64) (b transfer.Batch, facts [][]byte, macs macs, err error) {
	err = r.read(ctx, "snapshot", func(c *conn) error {
		if macs, err = macsIn(c, seqOf(number, 0)); err != nil {
			return err
		}
		return c.query("SELECT base, rows, data FROM batch LEFT JOIN fact USING (number) WHERE number=?", func(row []driver.Value) (err error) {
			b = transfer.Batch{Number: number, Base: domain.Position(integer(row[0])), Rows: int(integer(row[1])), Pending: row[2] != nil}
			if b.Pending {
				facts, err = splitFacts(blob(row[2]))
			}
			return err
		}, number)
	})
	if err == nil && (b.Number == 0 || b.Pending && len(facts) != b.Rows) {
		err = errDamaged
	}
	return b, facts, macs, err
}

// kept is what was not destroyed of a row.
func (s *stored) kept() vault.Row {
	row := vault.Row{Event: s.event, Owner: s.owner}
	if *s.gone == 0 {
		row.BodyMAC, row.Tokens = s.mac, s.tokens
	}
	for i := range s.parts {
		if p := &s.parts[i]; *p.gone == 0 {
			row.Parts = append(row.Parts, vault.Part{Key: p.key, Bytes: p.bytes})
		}
	}
	return row
}
