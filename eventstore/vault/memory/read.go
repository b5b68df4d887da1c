package memory

import (
	"bytes"
	"context"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Pending implements vault.Store.
func (s *Store) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	var all []vault.Pending
	err := s.do(ctx, Pending, func(st *state) error {
		for _, b := range st.batches {
			if b.facts != nil {
				p := vault.Pending{Number: b.number, Base: b.base}
				for _, f := range b.facts {
					p.Facts = append(p.Facts, bytes.Clone(f))
				}
				all = append(all, p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

// Intake implements vault.Store.
func (s *Store) Intake(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
	return answer(ctx, s, Intake, events, func(st *state, id domain.ID) (in vault.Intake) {
		p, ok := st.events[id]
		if !ok {
			return in
		}
		r := p.batch.rows[p.index]
		return vault.Intake{
			Found: true, Pending: p.batch.facts != nil, Position: p.batch.base + domain.Position(p.index), Owner: r.Owner, BodyMAC: bytes.Clone(r.BodyMAC),
		}
	})
}

// Links implements vault.Store.
func (s *Store) Links(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return tokened(ctx, s, Links, tokens, func(st *state, t token.Token) domain.ID { return st.links[t].ID })
}

// Holds implements vault.Store.
func (s *Store) Holds(ctx context.Context, tokens []token.Token) ([]domain.ID, error) {
	return tokened(ctx, s, Holds, tokens, func(st *state, t token.Token) domain.ID { return st.holds[t].ID })
}

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	return answer(ctx, s, Keys, owners, func(st *state, o part.Owner) vault.KeyRow {
		k := st.keys[o]
		k.Wrapped = bytes.Clone(k.Wrapped)
		return k
	})
}

// Parts implements vault.Store.
func (s *Store) Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	return answer(ctx, s, Parts, ids, func(st *state, id vault.PartID) []byte {
		for _, p := range st.row(id.Event).Parts {
			if p.Key.Class == id.Class {
				return bytes.Clone(p.Bytes)
			}
		}
		return nil
	})
}

// Tokens implements vault.Store.
func (s *Store) Tokens(ctx context.Context, events []domain.ID) ([][]byte, error) {
	return tokened(ctx, s, Tokens, events, func(st *state, id domain.ID) []byte { return bytes.Clone(st.row(id).Tokens) })
}

func (st *state) row(event domain.ID) vault.Row {
	if p, ok := st.events[event]; ok {
		return p.batch.rows[p.index]
	}
	return vault.Row{}
}

// answer makes one answer per argument, in order.
func answer[K, V any](ctx context.Context, s *Store, op Op, keys []K, one func(*state, K) V) ([]V, error) {
	return answerIf(ctx, s, op, func(*state) error { return nil }, keys, one)
}

// tokened is answer for what goes by tokens.
func tokened[K, V any](ctx context.Context, s *Store, op Op, keys []K, one func(*state, K) V) ([]V, error) {
	return answerIf(ctx, s, op, (*state).whole, keys, one)
}

func answerIf[K, V any](ctx context.Context, s *Store, op Op, check func(*state) error, keys []K, one func(*state, K) V) ([]V, error) {
	out := make([]V, len(keys))
	err := s.do(ctx, op, func(st *state) error {
		if err := check(st); err != nil {
			return err
		}
		for i, k := range keys {
			out[i] = one(st, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Walk implements vault.Store.
func (s *Store) Walk(ctx context.Context, fn func(event domain.ID, p vault.Part) error) error {
	var rows []vault.Row
	err := s.do(ctx, Walk, func(st *state) error {
		for _, b := range st.batches {
			for _, r := range b.rows {
				rows = append(rows, cloneRow(r))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, p := range r.Parts {
			if err := fn(r.Event, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// Meta implements vault.Store.
func (s *Store) Meta(ctx context.Context, name string) (value []byte, err error) {
	err = s.do(ctx, Meta, func(st *state) error {
		value = bytes.Clone(st.meta[name])
		return nil
	})
	return value, err
}
