package memory

import (
	"context"
	"slices"

	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// WalkRows implements vault.Walker.
func (s *Store) WalkRows(ctx context.Context, from int64, fn func(*vault.Recorded) error) error {
	return walk(ctx, s, WalkRows, fn, func(st *state) (all []*vault.Recorded, err error) {
		for _, b := range st.batches {
			for i := range b.rows {
				if b.number >= from {
					all = append(all, &vault.Recorded{Number: b.number, Index: i, Base: b.base, Pending: b.facts != nil, Row: cloneRow(b.rows[i])})
				}
			}
		}
		return all, st.whole()
	})
}

// WalkLinks implements vault.Walker.
func (s *Store) WalkLinks(ctx context.Context, fn func(vault.Link) error) error {
	return walk(ctx, s, WalkLinks, fn, func(st *state) ([]vault.Link, error) { return sorted(st.links), st.whole() })
}

// WalkHolds implements vault.Walker.
func (s *Store) WalkHolds(ctx context.Context, fn func(vault.Hold) error) error {
	return walk(ctx, s, WalkHolds, func(l vault.Link) error { return fn(vault.Hold(l)) },
		func(st *state) ([]vault.Link, error) { return sorted(st.holds), st.whole() })
}

func sorted(m map[token.Token]vault.Link) (all []vault.Link) {
	for _, l := range m {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b vault.Link) int { return slices.Compare(a.Token[:], b.Token[:]) })
	return all
}

// WalkKeys implements vault.Walker.
func (s *Store) WalkKeys(ctx context.Context, fn func(part.Owner, vault.KeyRow) error) error {
	type key struct {
		owner part.Owner
		row   vault.KeyRow
	}
	return walk(ctx, s, WalkKeys, func(k key) error { return fn(k.owner, k.row) }, func(st *state) (all []key, err error) {
		for o, k := range st.keys {
			k.Wrapped = slices.Clone(k.Wrapped)
			all = append(all, key{o, k})
		}
		return all, nil
	})
}

// walk gives what all finds in one step to fn.
func walk[V any](ctx context.Context, s *Store, op Op, fn func(V) error, all func(*state) ([]V, error)) error {
	var list []V
	err := s.do(ctx, op, func(st *state) (err error) {
		list, err = all(st)
		return err
	})
	for _, v := range list {
		if err != nil {
			return err
		}
		err = fn(v)
	}
	return err
}

// SetMACs implements vault.Walker.
func (s *Store) SetMACs(ctx context.Context, m vault.MACs) error {
	return s.do(ctx, SetMACs, func(st *state) error {
		if err := st.whole(); err != nil {
			return err
		}
		for _, b := range st.batches {
			for _, r := range m.Rows {
				if r.Number == b.number && r.Index < len(b.rows) && b.rows[r.Index].MAC == (vault.MAC{}) {
					b.rows[r.Index].MAC = r.MAC
				}
			}
		}
		for _, l := range m.Links {
			if st.links[l.Token].ID == l.ID && !l.ID.IsZero() {
				st.links[l.Token] = l
			}
		}
		for _, h := range m.Holds {
			if st.holds[h.Token].ID == h.ID && !h.ID.IsZero() {
				st.holds[h.Token] = vault.Link(h)
			}
		}
		return nil
	})
}
