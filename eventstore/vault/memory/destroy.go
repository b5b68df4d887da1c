package memory

import (
	"bytes"
	"context"
	"slices"

	"greffe/eventstore/vault"
)

// Destroy implements vault.Store, in steps that can fail one by one: the rows to
// be written, if there are any, the keys of each owner that is doomed altogether,
// then what lies in rows, doom by doom.
func (s *Store) Destroy(ctx context.Context, dooms []vault.Doom) error {
	if err := vault.CheckDooms(dooms); err != nil {
		return err
	}
	var steps []func(st *state) error
	if slices.ContainsFunc(dooms, func(d vault.Doom) bool { return d.Row != nil }) {
		steps = append(steps, func(st *state) error { return st.rewriteDoomed(dooms) })
	}
	for i := range dooms {
		if d := &dooms[i]; d.All() {
			steps = append(steps, func(st *state) error { st.mark(d); return nil })
		}
	}
	for i := range dooms {
		steps = append(steps, func(st *state) error { st.wipe(&dooms[i]); return nil })
	}
	for _, step := range steps {
		if err := s.do(ctx, Destroy, step); err != nil {
			return err
		}
	}
	return nil
}

func (st *state) rewriteDoomed(dooms []vault.Doom) error {
	var todo []vault.KeyWrite
	for i := range dooms {
		w := dooms[i].Row
		if w == nil {
			continue
		}
		if k := st.keys[w.Owner]; k.Rev == w.Rev+1 && bytes.Equal(k.Wrapped, w.Wrapped) {
			continue
		}
		todo = append(todo, *w)
	}
	if err := st.checkKeys(todo); err != nil {
		return err
	}
	st.putKeys(todo)
	return nil
}

func (st *state) mark(d *vault.Doom) {
	if !st.keys[d.Owner].Destroyed {
		st.keys[d.Owner] = vault.KeyRow{Destroyed: true, By: d.By, At: d.At}
	}
}

func (st *state) wipe(d *vault.Doom) {
	for _, b := range st.batches {
		for i := range b.rows {
			r := &b.rows[i]
			loses := slices.ContainsFunc(r.Parts, func(p vault.Part) bool { return d.Takes(p.Key) })
			if d.TakesTokens(r.Owner, loses) {
				r.BodyMAC, r.Tokens = nil, nil
			}
			r.Parts = slices.DeleteFunc(r.Parts, func(p vault.Part) bool { return d.Takes(p.Key) })
		}
	}
}

// Redact implements vault.Store, in one step.
func (s *Store) Redact(ctx context.Context, parts []vault.PartID) error {
	return s.do(ctx, Redact, func(st *state) error {
		for _, id := range parts {
			if p, ok := st.events[id.Event]; ok {
				r := &p.batch.rows[p.index]
				r.Parts = slices.DeleteFunc(r.Parts, func(p vault.Part) bool { return p.Key.Class == id.Class })
			}
		}
		return nil
	})
}
