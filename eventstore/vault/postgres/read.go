package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

const (
	readIntake = `SELECT event, seq, owner, buckets, base, pending FROM intake JOIN batch ON number = seq >> 20 WHERE event = ANY($1)`
	checkWhole = "SELECT CASE WHEN phase <> 0 THEN refuse('" + codeRetoken + "') END FROM retoken"
	readLinks  = "SELECT token, id FROM link WHERE token = ANY($1)"
	readHolds  = "SELECT token, id FROM hold WHERE token = ANY($1)"
)

// placed is what the intake row of an event says.
type placed struct {
	seq      int64
	owner    part.Owner
	buckets  []byte
	position domain.Position
	pending  bool
}

// places finds events, in one statement, so that a batch is seen whole or not at all.
func (s *Store) places(ctx context.Context, conn *pgx.Conn, events []domain.ID) (map[domain.ID]placed, error) {
	all := make([][]byte, len(events))
	for i := range events {
		all[i] = events[i][:]
	}
	found := make(map[domain.ID]placed, len(events))
	rows, err := conn.Query(ctx, readIntake, all)
	if err != nil {
		return nil, err
	}
	var event, owner, buckets []byte
	var p placed
	var base int64
	_, err = pgx.ForEachRow(rows, []any{&event, &p.seq, &owner, &buckets, &base, &p.pending}, func() (err error) {
		if len(event) != 16 {
			return errDamaged
		}
		for _, k := range buckets {
			if int(k) >= len(s.buckets) {
				return errDamaged
			}
		}
		p.buckets = append([]byte(nil), buckets...)
		p.position = domain.Position(base + p.seq&(maxRows-1))
		p.owner, err = ownerOf(owner)
		found[domain.ID(event)] = p
		return err
	})
	return found, err
}

// body is what an anchor holds.
type body struct{ mac, tokens []byte }

// bodies reads the anchors of events, by seq.
func (s *Store) bodies(ctx context.Context, conn *pgx.Conn, found map[domain.ID]placed, first string) (map[int64]body, error) {
	b := &pgx.Batch{}
	if first != "" {
		b.Queue(first)
	}
	out := make(map[int64]body, len(found))
	for k, seqs := range byBucket(found) {
		b.Queue(s.buckets[k].readBody, seqs).Query(func(rows pgx.Rows) error {
			var seq int64
			var mac, tokens []byte
			_, err := pgx.ForEachRow(rows, []any{&seq, &mac, &tokens}, func() error {
				out[seq] = body{append([]byte(nil), mac...), append([]byte(nil), tokens...)}
				return nil
			})
			return err
		})
	}
	return out, together(ctx, conn, b)
}

func byBucket(found map[domain.ID]placed) map[int][]int64 {
	out := map[int][]int64{}
	for _, p := range found {
		for _, k := range p.buckets {
			out[int(k)] = append(out[int(k)], p.seq)
		}
	}
	return out
}

// Intake implements vault.Store.
func (s *Store) Intake(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
	out := make([]vault.Intake, len(events))
	err := s.read(ctx, "intake", func(ctx context.Context, conn *pgx.Conn) error {
		found, err := s.places(ctx, conn, events)
		if err != nil || len(found) == 0 {
			return err
		}
		bodies, err := s.bodies(ctx, conn, found, "")
		for i, id := range events {
			if p, ok := found[id]; ok {
				out[i] = vault.Intake{Found: true, Pending: p.pending, Position: p.position, Owner: p.owner, BodyMAC: bodies[p.seq].mac}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Tokens implements vault.Store.
func (s *Store) Tokens(ctx context.Context, events []domain.ID) ([][]byte, error) {
	out := make([][]byte, len(events))
	err := s.read(ctx, "tokens", func(ctx context.Context, conn *pgx.Conn) error {
		found, err := s.places(ctx, conn, events)
		if err != nil {
			return err
		}
		bodies, err := s.bodies(ctx, conn, found, checkWhole)
		for i, id := range events {
			if p, ok := found[id]; ok {
				out[i] = bodies[p.seq].tokens
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Links implements vault.Store.
func (s *Store) Links(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return s.ids(ctx, "links", readLinks, tokens)
}

// Holds implements vault.Store.
func (s *Store) Holds(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return s.ids(ctx, "holds", readHolds, tokens)
}

func (s *Store) ids(ctx context.Context, op, sql string, tokens []token.Token) ([]domain.ID, error) {
	out := make([]domain.ID, len(tokens))
	err := s.read(ctx, op, func(ctx context.Context, conn *pgx.Conn) error {
		found := make(map[token.Token]domain.ID, len(tokens))
		b := &pgx.Batch{}
		b.Queue(checkWhole)
		b.Queue(sql, sortedTokens(tokens)).Query(func(rows pgx.Rows) error {
			var t, id []byte
			_, err := pgx.ForEachRow(rows, []any{&t, &id}, func() error {
				if len(t) != len(token.Token{}) || len(id) != 16 {
					return errDamaged
				}
				found[token.Token(t)] = domain.ID(id)
				return nil
			})
			return err
		})
		err := together(ctx, conn, b)
		for i := range tokens {
			out[i] = found[tokens[i]]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Parts implements vault.Store.
func (s *Store) Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	events := make([]domain.ID, len(ids))
	classes := map[string][]byte{}
	for i := range ids {
		events[i] = ids[i].Event
		classes[ids[i].Class] = []byte(ids[i].Class)
	}
	var wanted [][]byte
	for _, c := range classes {
		wanted = append(wanted, c)
	}
	out := make([][]byte, len(ids))
	err := s.read(ctx, "parts", func(ctx context.Context, conn *pgx.Conn) error {
		found, err := s.places(ctx, conn, events)
		if err != nil {
			return err
		}
		type key struct {
			seq   int64
			class string
		}
		parts := make(map[key][]byte, len(ids))
		b := &pgx.Batch{}
		for k, seqs := range byBucket(found) {
			b.Queue(s.buckets[k].readParts, seqs, wanted).Query(func(rows pgx.Rows) error {
				var at key
				var class, data []byte
				_, err := pgx.ForEachRow(rows, []any{&at.seq, &class, &data}, func() error {
					at.class = string(class)
					parts[at] = append([]byte{}, data...)
					return nil
				})
				return err
			})
		}
		if err := together(ctx, conn, b); err != nil {
			return err
		}
		given := make(map[key]bool, len(ids))
		for i, id := range ids {
			if p, ok := found[id.Event]; ok {
				at := key{p.seq, id.Class}
				if out[i] = parts[at]; given[at] {
					out[i] = append([]byte(nil), out[i]...) // an answer each
				}
				given[at] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
