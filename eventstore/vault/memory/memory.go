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
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Disk is what stays when a store is closed. The zero Disk is empty.
type Disk struct {
	Now func() time.Time // of leases; time.Now when nil; set before use

	mu     sync.Mutex
	state  state
	faults []Fault
}

type state struct {
	number  int64
	batches []*batch // in order of number
	events  map[domain.ID]place
	links   map[token.Token]vault.Link
	holds   map[token.Token]vault.Link
	keys    map[part.Owner]vault.KeyRow
	meta    map[string][]byte
	retoken retoken
	end     domain.Position
	leases  map[string]lease
	fence   [][]byte
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
			events: map[domain.ID]place{}, links: map[token.Token]vault.Link{}, holds: map[token.Token]vault.Link{},
			keys: map[part.Owner]vault.KeyRow{}, meta: map[string][]byte{}, leases: map[string]lease{},
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
	if err := st.whole(); err != nil {
		return err
	}
	if err := st.fenced(b.Lease); err != nil {
		return err
	}
	if b.Generation != 0 && b.Generation != st.retoken.past+1 {
		return vault.ErrGeneration
	}
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
	for _, m := range b.Moves {
		if st.links[m.Token].ID != m.From || tokens[m.Token] {
			return vault.ErrStale
		}
		tokens[m.Token] = true
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
		st.links[l.Token] = l
	}
	for _, m := range b.Moves {
		if delete(st.links, m.Token); !m.To.IsZero() {
			st.links[m.Token] = vault.Link{Token: m.Token, ID: m.To, MAC: m.MAC}
		}
	}
	for _, t := range b.Lifts {
		delete(st.holds, t)
	}
	for _, h := range b.Holds {
		st.holds[h.Token] = vault.Link(h)
	}
	st.putKeys(b.Keys)
}

func (st *state) putKeys(writes []vault.KeyWrite) {
	for _, w := range writes {
		st.keys[w.Owner] = vault.KeyRow{Rev: w.Rev + 1, Wrapped: bytes.Clone(w.Wrapped)}
	}
}

func (st *state) done(settled []vault.Settled) {
	for _, d := range settled {
		for _, b := range st.batches {
			if b.number == d.Number && b.facts != nil {
				b.base, b.facts = d.Base, nil
				st.end = max(st.end, b.base+domain.Position(len(b.rows)))
			}
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

// Done implements vault.Store.
func (s *Store) Done(ctx context.Context, settled []vault.Settled) error {
	return s.do(ctx, Done, func(st *state) error {
		st.done(settled)
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

// Close implements vault.Store.
func (s *Store) Close() error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.closed = true
	return nil
}
