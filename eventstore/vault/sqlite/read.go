package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Intake implements vault.Store.
func (s *Store) Intake(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
	out := make([]vault.Intake, len(events))
	err := s.read(ctx, "intake", func(c *conn) error {
		seqs, err := s.events(c, events)
		if err != nil || len(seqs) == 0 {
			return err
		}
		bases, err := bases(c, seqs)
		if err != nil {
			return err
		}
		found := make(map[domain.ID]vault.Intake, len(seqs))
		err = rows(c, seqs, func(seq int64, r *stored) {
			at := bases[seq>>seqBits]
			in := vault.Intake{Found: true, Pending: at.pending, Owner: r.owner}
			in.Position = at.base + domain.Position(seq&(maxRows-1))
			if *r.gone == 0 && len(r.mac) > 0 {
				in.BodyMAC = bytes.Clone(r.mac)
			}
			found[r.event] = in
		})
		for i, id := range events {
			out[i] = found[id]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// place is where a batch is, or was planned.
type place struct {
	base    domain.Position
	pending bool
}

// bases reads where the batches are that seqs are in, by number.
func bases(c *conn, seqs map[domain.ID]int64) (map[int64]place, error) {
	out := map[int64]place{}
	var numbers []driver.Value
	for _, seq := range seqs {
		number := seq >> seqBits
		if _, ok := out[number]; !ok {
			out[number] = place{}
			numbers = append(numbers, number)
		}
	}
	sql := "SELECT number, base, EXISTS (SELECT 1 FROM fact WHERE fact.number=batch.number) FROM batch WHERE number IN "
	return out, c.in(sql, numbers, func(row []driver.Value) error {
		out[integer(row[0])] = place{domain.Position(integer(row[1])), integer(row[2]) == 1}
		return nil
	})
}

// rows calls fn for the row of every event, in the order of recording. What fn
// gets is valid during the call.
func rows(c *conn, seqs map[domain.ID]int64, fn func(seq int64, r *stored)) error {
	wanted := slices.Sorted(maps.Values(seqs))
	var first int64
	var data []byte
	for _, seq := range wanted {
		row, err := rowAt(first, seq, data)
		if err != nil {
			return err
		}
		if row == nil {
			if first, data, err = chunkOf(c, seq); err != nil {
				return err
			}
			if row, err = rowAt(first, seq, data); err != nil {
				return err
			}
		}
		if row == nil || seqs[row.event] != seq {
			return errDamaged
		}
		fn(seq, row)
	}
	return nil
}

// chunkOf reads the chunk that holds seq.
func chunkOf(c *conn, seq int64) (first int64, data []byte, err error) {
	err = c.query("SELECT seq, data FROM chunk WHERE seq<=? ORDER BY seq DESC LIMIT 1", func(row []driver.Value) error {
		first, data = integer(row[0]), blob(row[1])
		return nil
	}, seq)
	return first, data, err
}

// Links implements vault.Store.
func (s *Store) Links(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return s.ids(ctx, "links", tokens, s.links)
}

// Holds implements vault.Store.
func (s *Store) Holds(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return s.ids(ctx, "holds", tokens, holds)
}

func holds(c *conn, tokens []token.Token) (map[token.Token]linked, error) {
	found := map[token.Token]linked{}
	keys := make([]driver.Value, len(tokens))
	for i := range tokens {
		keys[i] = tokens[i][:]
	}
	return found, c.in("SELECT token, id, mac FROM hold WHERE token IN ", keys, func(row []driver.Value) error {
		l, err := linkedIn(row)
		found[token.Token(blob(row[0]))] = l
		return err
	})
}

func (s *Store) ids(ctx context.Context, op string, tokens []token.Token,
	look func(*conn, []token.Token) (map[token.Token]linked, error),
) ([]domain.ID, error) {
	out := make([]domain.ID, len(tokens))
	err := s.read(ctx, op, func(c *conn) error {
		found, err := look(c, tokens)
		for i := range tokens {
			out[i] = found[tokens[i]].id
		}
		return errors.Join(err, s.whole())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Parts implements vault.Store.
func (s *Store) Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	events := make([]domain.ID, len(ids))
	at := make(map[domain.ID][]int, len(ids))
	for i, id := range ids {
		events[i] = id.Event
		at[id.Event] = append(at[id.Event], i)
	}
	out := make([][]byte, len(ids))
	err := s.visit(ctx, "parts", events, func(r *stored) {
		for _, i := range at[r.event] {
			for j := range r.parts {
				if p := &r.parts[j]; p.key.Class == ids[i].Class && *p.gone == 0 {
					out[i] = bytes.Clone(p.bytes)
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Tokens implements vault.Store.
func (s *Store) Tokens(ctx context.Context, events []domain.ID) ([][]byte, error) {
	at := make(map[domain.ID][]int, len(events))
	for i, id := range events {
		at[id] = append(at[id], i)
	}
	out := make([][]byte, len(events))
	err := s.visit(ctx, "tokens", events, func(r *stored) {
		for _, i := range at[r.event] {
			if *r.gone == 0 && len(r.tokens) > 0 {
				out[i] = bytes.Clone(r.tokens)
			}
		}
	})
	if err == nil {
		err = s.whole()
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Store) visit(ctx context.Context, op string, events []domain.ID, fn func(r *stored)) error {
	return s.read(ctx, op, func(c *conn) error {
		seqs, err := s.events(c, events)
		if err != nil {
			return err
		}
		return rows(c, seqs, func(_ int64, r *stored) { fn(r) })
	})
}

// walkChunks bounds how much Walk holds in memory, at chunkTarget bytes each.
const walkChunks = 32

// Walk implements vault.Store. It holds nothing while fn runs; what is recorded
// or destroyed meanwhile may or may not be seen.
func (s *Store) Walk(ctx context.Context, fn func(event domain.ID, p vault.Part) error) error {
	last := int64(-1)
	for {
		var seqs []int64
		var chunks [][]byte
		err := s.read(ctx, "walk", func(c *conn) error {
			return c.query("SELECT seq, data FROM chunk WHERE seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seqs = append(seqs, integer(row[0]))
				chunks = append(chunks, blob(row[1]))
				return nil
			}, last, int64(walkChunks))
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		for i, data := range chunks {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := decodeRows(seqs[i], data, func(_ int64, r *stored) error { return walkRow(r, fn) })
			if err != nil {
				return err
			}
		}
		last = seqs[len(seqs)-1]
	}
}

func walkRow(r *stored, fn func(event domain.ID, p vault.Part) error) error {
	for i := range r.parts {
		if p := &r.parts[i]; *p.gone == 0 {
			if err := fn(r.event, vault.Part{Key: p.key, Bytes: p.bytes}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Meta implements vault.Store.
func (s *Store) Meta(ctx context.Context, name string) (value []byte, err error) {
	err = s.read(ctx, "meta", func(c *conn) error {
		return c.query("SELECT value FROM meta WHERE name=?", func(row []driver.Value) error {
			value = append([]byte{}, blob(row[0])...)
			return nil
		}, name)
	})
	return value, err
}

// SwapMeta implements vault.Store.
func (s *Store) SwapMeta(ctx context.Context, name string, old, new []byte) error {
	_, err := s.write(ctx, "swap meta", 0, func(t *txn) error {
		var have []byte
		err := t.c.query("SELECT value FROM meta WHERE name=?", func(row []driver.Value) error {
			have = append([]byte{}, blob(row[0])...)
			return nil
		}, name)
		if err != nil {
			return err
		}
		if (have == nil) != (old == nil) || !bytes.Equal(have, old) {
			return vault.ErrStale
		}
		if new == nil {
			_, err = t.c.exec("DELETE FROM meta WHERE name=?", name)
			return err
		}
		_, err = t.c.exec("INSERT OR REPLACE INTO meta VALUES (?,?)", name, append([]byte{}, new...))
		return err
	})
	return err
}

// SetMeta implements vault.Store.
func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	_, err := s.write(ctx, "set meta", 0, func(t *txn) error {
		_, err := t.c.exec("INSERT OR REPLACE INTO meta VALUES (?,?)", name, append([]byte{}, value...))
		return err
	})
	return err
}
