// Package memory is the reference vault: the port in the fewest words, with
// faults on demand. Tests of what stands above a vault use it; the conformance
// suite holds it to the same demands as the real ones.
//
// It promises the port for as long as its Disk lives: what was prepared is there
// after Close and Open. It assumes everything fits in memory and survives no
// crash of the process; faults play the crashes.
//
// What loss, rollback or a hostile edit cost does not arise: it holds no file.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Disk is what stays when a store is closed. The zero Disk is empty.
type Disk struct {
	mu     sync.Mutex
	state  state
	faults []Fault
}

type state struct {
	number  int64
	batches []*batch // in order of number
	events  map[domain.ID]place
	links   map[token.Token]domain.ID
	holds   map[token.Token]domain.ID
	keys    map[part.Owner]vault.KeyRow
	meta    map[string][]byte
}

type batch struct {
	number int64
	base   domain.Position
	rows   []vault.Row
	facts  [][]byte // nil once done
}

type place struct {
	batch *batch
	index int
}

// Store is an open Disk.
type Store struct {
	d      *Disk
	closed bool // under d.mu
}

var _ vault.Store = (*Store)(nil)

// Open opens the disk.
func (d *Disk) Open() *Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state.events == nil {
		d.state = state{
			events: map[domain.ID]place{}, links: map[token.Token]domain.ID{}, holds: map[token.Token]domain.ID{},
			keys: map[part.Owner]vault.KeyRow{}, meta: map[string][]byte{},
		}
	}
	return &Store{d: d}
}

// Erase plays the loss of the disk: the next Open finds it empty.
func (d *Disk) Erase() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = state{}
}

// do runs fn as one step, or fails as a fault says.
func (s *Store) do(ctx context.Context, op Op, fn func(st *state) error) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	err := ctx.Err()
	if err == nil && s.closed {
		err = vault.ErrClosed
	}
	if err == nil {
		fault := s.d.take(op)
		if fault == nil || fault.Kept {
			err = fn(&s.d.state)
		}
		if fault != nil && err == nil {
			err = fault.Err
		}
	}
	if err != nil {
		return fmt.Errorf("vault: %s: %w", op, err)
	}
	return nil
}

// Prepare implements vault.Store.
func (s *Store) Prepare(ctx context.Context, b *vault.Batch) (number int64, err error) {
	err = s.do(ctx, Prepare, func(st *state) error {
		if err := st.check(b); err != nil {
			return err
		}
		st.apply(b)
		number = st.number
		return nil
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

func (st *state) check(b *vault.Batch) error {
	events := map[domain.ID]bool{}
	for _, r := range b.Rows {
		if _, there := st.events[r.Event]; there || events[r.Event] {
			return vault.ErrExists
		}
		events[r.Event] = true
		classes := map[string]bool{}
		for _, p := range r.Parts {
			if classes[p.Key.Class] {
				return vault.ErrExists
			}
			classes[p.Key.Class] = true
		}
	}
	tokens := map[token.Token]bool{}
	for _, l := range b.Links {
		if _, there := st.links[l.Token]; there || tokens[l.Token] {
			return vault.ErrStale
		}
		tokens[l.Token] = true
	}
	for _, c := range b.Touch {
		if k := st.keys[c.Owner]; k.Destroyed || k.Rev != c.Rev {
			return vault.ErrStale
		}
	}
	return st.checkKeys(b.Keys)
}

func (st *state) checkKeys(writes []vault.KeyWrite) error {
	owners := map[part.Owner]bool{}
	for _, w := range writes {
		if k := st.keys[w.Owner]; k.Destroyed || k.Rev != w.Rev || owners[w.Owner] {
			return vault.ErrStale
		}
		owners[w.Owner] = true
	}
	return nil
}

func (st *state) apply(b *vault.Batch) {
	st.done(b.Done)
	st.number++
	n := &batch{number: st.number, base: b.Base}
	for i, r := range b.Rows {
		n.facts = append(n.facts, bytes.Clone(r.Fact))
		n.rows = append(n.rows, cloneRow(r))
		st.events[r.Event] = place{n, i}
	}
	st.batches = append(st.batches, n)
	for _, l := range b.Links {
		st.links[l.Token] = l.ID
	}
	for _, t := range b.Lifts {
		delete(st.holds, t)
	}
	for _, h := range b.Holds {
		st.holds[h.Token] = h.ID
	}
	st.putKeys(b.Keys)
}

func (st *state) putKeys(writes []vault.KeyWrite) {
	for _, w := range writes {
		st.keys[w.Owner] = vault.KeyRow{Rev: w.Rev + 1, Wrapped: bytes.Clone(w.Wrapped)}
	}
}

func (st *state) done(number int64) {
	for _, b := range st.batches {
		if b.number <= number {
			b.facts = nil
		}
	}
}

func cloneRow(r vault.Row) vault.Row {
	r.Fact, r.BodyMAC, r.Tokens = nil, bytes.Clone(r.BodyMAC), bytes.Clone(r.Tokens)
	r.Parts = slices.Clone(r.Parts)
	for i := range r.Parts {
		r.Parts[i].Bytes = bytes.Clone(r.Parts[i].Bytes)
	}
	return r
}

// Rebase implements vault.Store.
func (s *Store) Rebase(ctx context.Context, number int64, base domain.Position) error {
	return s.do(ctx, Rebase, func(st *state) error {
		for _, b := range st.batches {
			if b.number == number && b.facts != nil {
				b.base = base
				return nil
			}
		}
		return vault.ErrStale
	})
}

// Done implements vault.Store.
func (s *Store) Done(ctx context.Context, number int64) error {
	return s.do(ctx, Done, func(st *state) error {
		st.done(number)
		return nil
	})
}

// RewriteKeys implements vault.Store.
func (s *Store) RewriteKeys(ctx context.Context, w []vault.KeyWrite) error {
	return s.do(ctx, RewriteKeys, func(st *state) error {
		if err := st.checkKeys(w); err != nil {
			return err
		}
		st.putKeys(w)
		return nil
	})
}

// SetMeta implements vault.Store.
func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	return s.do(ctx, SetMeta, func(st *state) error {
		st.meta[name] = append([]byte{}, value...)
		return nil
	})
}

// Destroy implements vault.Store, in steps that can fail one by one: the keys of
// each owner, then the rows of each.
func (s *Store) Destroy(ctx context.Context, owners []part.Owner) error {
	for _, o := range owners {
		err := s.do(ctx, Destroy, func(st *state) error {
			st.keys[o] = vault.KeyRow{Destroyed: true}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, o := range owners {
		err := s.do(ctx, Destroy, func(st *state) error {
			st.wipe(o)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (st *state) wipe(o part.Owner) {
	for _, b := range st.batches {
		for i := range b.rows {
			r := &b.rows[i]
			if r.Owner == o {
				r.BodyMAC, r.Tokens = nil, nil
			}
			r.Parts = slices.DeleteFunc(r.Parts, func(p vault.Part) bool { return p.Key.Owner == o })
		}
	}
}

// Close implements vault.Store.
func (s *Store) Close() error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.closed = true
	return nil
}
