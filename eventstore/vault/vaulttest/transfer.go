package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// Movable is a store that can be copied from and into.
type Movable interface {
	vault.Store
	transfer.Source
	transfer.Target
}

// MovableOpener is an Opener of one.
type MovableOpener func() (Movable, error)

// TransferCase is one named demand on two stores.
type TransferCase struct {
	Name string
	Run  func(m *Move)
}

// Move is a test with two open vaults, both empty.
type Move struct {
	From, To *Env
}

// TransferCases are all demands on copies from one store to another.
func TransferCases() []TransferCase {
	all := []TransferCase{
		{"whole/everything the port shows, and no more", movesWhole},
		{"whole/nothing of an empty vault", movesNothing},
		{"whole/many records, and progress", movesMany},
		{"whole/and back again", movesBack},
		{"instant/what comes after a snapshot is not in it", movesInstant},
		{"instant/not in the middle of a change of tokens", movesNotUnder},
		{"whole/into a vault with leases", movesBesideLeases},
		{"partial/an import that did not end shows nothing", movesPartial},
		{"partial/importing again begins anew", movesAgain},
		{"stream/what does not make a vault", movesStream},
		{"stream/the callback's error and the context end it", movesStops},
	}
	for name, put := range contents() {
		all = append(all, TransferCase{"refuses/a vault that holds " + name, refusesContent(put)})
	}
	return all
}

// RunTransfer demands all of TransferCases of copies from one kind of store into
// another, each on vaults of its own.
func RunTransfer(t *testing.T, from, to func(t *testing.T) MovableOpener) {
	for _, c := range TransferCases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			runTransfer(t, t.Context(), from(t), to(t), c)
		})
	}
}

// CheckTransfer is RunTransfer for tests of the suite, as Check is.
func CheckTransfer(ctx context.Context, match string, from, to func() MovableOpener) map[string]string {
	failed := map[string]string{}
	for _, c := range TransferCases() {
		failed[c.Name] = recorded(c.Name, match, func(t T) { runTransfer(t, ctx, from(), to(), c) })
		if failed[c.Name] == "" {
			delete(failed, c.Name)
		}
	}
	return failed
}

func runTransfer(t T, ctx context.Context, from, to MovableOpener, c TransferCase) {
	m := &Move{movable(t, ctx, from), movable(t, ctx, to)}
	defer func() { _ = errors.Join(m.From.S.Close(), m.To.S.Close()) }()
	c.Run(m)
}

func movable(t T, ctx context.Context, open MovableOpener) *Env {
	e := &Env{T: t, ctx: ctx, open: func() (vault.Store, error) { return open() }}
	e.Open()
	return e
}

func (e *Env) movable() Movable { return e.S.(Movable) }

// copy demands that a copy is made, and is counted as the source and the target are.
func (m *Move) copy() *transfer.Summary {
	m.To.Helper()
	sum, err := transfer.Copy(m.To.ctx, m.From.movable(), m.To.movable(), nil)
	m.To.ok("copy", err)
	for _, e := range []*Env{m.From, m.To} {
		got, err := transfer.Summarize(e.ctx, e.movable(), nil)
		e.ok("summarize", err)
		if d := sum.Differs(got); d != "" {
			e.Errorf("after the copy: %s", d)
			e.FailNow()
		}
	}
	return sum
}

// alike demands that both vaults answer alike, before and after a reopen.
func (m *Move) alike(what string) {
	m.To.Helper()
	for range 2 {
		m.To.sameState(what, ranked(m.To.dump()), ranked(m.From.dump()))
		m.To.same(what+": generation", m.To.generation(), m.From.generation())
		m.To.same(what+": end", m.To.end(), m.From.end())
		m.To.same(what+": fence", m.To.fenceLines(), m.From.fenceLines())
		for _, name := range []string{"name", "empty", "other", "absent"} {
			got, err1 := m.To.S.Meta(m.To.ctx, name)
			want, err2 := m.From.S.Meta(m.From.ctx, name)
			m.To.ok("meta", errors.Join(err1, err2))
			if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
				m.To.Errorf("%s: meta %s is %q, want %q", what, name, got, want)
			}
		}
		m.To.reopen()
	}
}

// ranked has places instead of the numbers of batches: stores may leave gaps.
func ranked(s state) state {
	for i := range s.Pending {
		s.Pending[i].Number = int64(i)
	}
	last, rank := int64(0), int64(0)
	for i := range s.Rows {
		if s.Rows[i].Number != last {
			last, rank = s.Rows[i].Number, rank+1
		}
		s.Rows[i].Number = rank
	}
	return s
}

func (e *Env) end() domain.Position {
	e.Helper()
	end, err := e.S.End(e.ctx)
	e.ok("end", err)
	return end
}

func (e *Env) fenceLines() (all [][]byte) {
	e.Helper()
	e.ok("fence lines", e.S.FenceLines(e.ctx, 0, func(_ int64, l []byte) error {
		all = append(all, bytes.Clone(l))
		return nil
	}))
	return all
}

// furnish fills a vault with something of everything, and says which bytes were
// destroyed of it.
func (e *Env) furnish() (gone [][]byte) {
	e.Helper()
	first, second := e.prepare(batch(0, 4, subject(1))), e.prepare(batch(4, 6, subject(2)))
	e.prepare(&vault.Batch{
		Base:  50,
		Rows:  []vault.Row{{Event: event(6), Fact: []byte{}}, row(7, account(3)), {Event: event(8), Fact: []byte("8"), Owner: subject(4)}},
		Links: []vault.Link{link(tok(1), event(1)), link(tok(2), event(2)), link(tok(3), event(3))},
		Holds: []vault.Hold{hold(tok(11), event(11)), hold(tok(12), event(12))},
		Keys: []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}, {Owner: subject(2), Wrapped: wrapped(2)}, {Owner: account(3), Wrapped: wrapped(3)},
			{Owner: part.LedgerOwner(), Wrapped: wrapped(4)}},
		Done: []vault.Settled{{Number: second, Base: 30}},
	})
	e.prepare(&vault.Batch{
		Moves: []vault.Move{{Token: tok(1), From: event(1)}, {Token: tok(2), From: event(2), To: event(22)}}, Lifts: []token.Token{tok(11)},
		Keys: []vault.KeyWrite{{Owner: account(3), Rev: 1, Wrapped: blobOf("longer", 3, 300)}},
	})
	e.prepare(batch(20, 23, subject(5)))
	e.done(vault.Settled{Number: first, Base: 0})
	e.ok("meta", errors.Join(e.S.SetMeta(e.ctx, "name", []byte("value")), e.S.SetMeta(e.ctx, "empty", []byte{}), e.S.SetMeta(e.ctx, "other", []byte{0, 1})))
	e.ok("fence", e.S.AppendFence(e.ctx, 1, lines(1, 3)))
	e.lease(role, 1, hour, "note")
	e.ok("destroy", e.S.Destroy(e.ctx, []vault.Doom{
		{Owner: subject(2), By: event(35), At: 1234567}, {Owner: subject(36), By: event(36), At: 7},
		{Owner: subject(5), Keys: []vault.ClassEpoch{{Class: contact, Epoch: "2026-03"}}, Indexed: true},
	}))
	e.ok("redact", e.S.Redact(e.ctx, []vault.PartID{{Event: event(0), Class: identity}}))
	gone = append(gone, row(0, subject(1)).Parts[0].Bytes, wrapped(2))
	for i, all := range map[int]bool{4: true, 5: true, 20: false, 21: false, 22: false} {
		r := row(i, subject(0))
		gone = append(gone, r.BodyMAC, r.Tokens, r.Parts[1].Bytes)
		if all {
			gone = append(gone, r.Parts[0].Bytes)
		}
	}
	return gone
}

func movesWhole(m *Move) {
	gone := m.From.furnish()
	m.copy()
	sameList(m.To, "pending batches of the copy", m.To.pending(), m.From.pending())
	m.alike("the copy")
	m.To.same("leases", m.To.leases(""), []vault.Lease(nil))
	m.From.ok("snapshot", eachOf(m.From, func(r transfer.Record) error {
		for _, b := range gone {
			if holdsBytes(r, b) {
				return fmt.Errorf("a %T brings along what was destroyed", r)
			}
		}
		return nil
	}))
	both := func(what string, do func(e *Env)) {
		do(m.From)
		do(m.To)
		m.alike(what)
	}
	last := int64(0)
	for _, p := range m.From.pending() {
		last = p.Number
	}
	both("a batch more", func(e *Env) {
		if n := e.prepare(batch(30, 32, subject(1))); n <= last {
			e.Errorf("number %d after %d", n, last)
		}
	})
	both("what was pending settled", func(e *Env) {
		for i, p := range e.pending() {
			e.done(vault.Settled{Number: p.Number, Base: domain.Position(60 + 10*i)})
		}
	})
	both("keys rewritten", func(e *Env) {
		e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: account(3), Rev: 2, Wrapped: wrapped(9)}}))
		e.is("an owner that was destroyed", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(36), Wrapped: wrapped(9)}}), vault.ErrStale)
	})
	both("somebody destroyed", func(e *Env) { e.destroy(subject(1), account(3)) })
	both("tokens changed", func(e *Env) { e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(1)))) })
}

// eachOf reads a snapshot.
func eachOf(e *Env, fn func(transfer.Record) error) error {
	r, err := e.movable().Snapshot(e.ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.Each(e.ctx, fn), r.Close(), r.Close())
}

func holdsBytes(r transfer.Record, b []byte) bool {
	switch r := r.(type) {
	case transfer.Key:
		return bytes.Contains(r.Wrapped, b)
	case transfer.Row:
		if bytes.Contains(r.BodyMAC, b) || bytes.Contains(r.Tokens, b) {
			return true
		}
		for _, p := range r.Parts {
			if bytes.Contains(p.Bytes, b) {
				return true
			}
		}
	}
	return false
}

func movesNothing(m *Move) {
	sum := m.copy()
	m.To.same("records", sum.Records(), int64(1))
	m.alike("an empty copy")
	m.To.prepare(batch(0, 2, subject(1)))
	whole(m.To, 1, subject(1))
}

func movesMany(m *Move) {
	const many, size = 9000, 300
	var done []vault.Settled
	for i := 0; i < many; i += size {
		b := batch(i, i+size, subject(i))
		b.Keys = []vault.KeyWrite{{Owner: subject(i), Wrapped: wrapped(i)}}
		for j := range size {
			b.Links = append(b.Links, link(tok(i+j), event(i+j)))
		}
		b.Done = done
		done = []vault.Settled{{Number: m.From.prepare(b), Base: b.Base}}
	}
	last, calls := int64(0), 0
	sum, err := transfer.Copy(m.To.ctx, m.From.movable(), m.To.movable(), func(done, total int64) {
		if done < last || total < done {
			m.To.Errorf("progress says %d of %d after %d", done, total, last)
		}
		last = done
		calls++
	})
	m.To.ok("copy", err)
	m.To.same("records of which progress was told", last, sum.Records())
	m.To.same("rows", sum.Count[transfer.Rows], int64(many))
	m.To.same("links", sum.Count[transfer.Links], int64(many))
	if calls < 4 {
		m.To.Errorf("progress was told %d times", calls)
	}
	got, err := transfer.Summarize(m.To.ctx, m.To.movable(), nil)
	m.To.ok("summarize", err)
	m.To.same("what differs", sum.Differs(got), "")
	m.To.same("walk", len(m.To.walk()), 2*many)
	m.alike("many")
	for i := 0; i < many; i += 997 {
		in, ids := m.To.intake(i), []token.Token{tok(i)}
		m.To.same("position", in.Position, domain.Position(i))
		got, err := m.To.S.Links(m.To.ctx, ids)
		m.To.ok("links", err)
		m.To.same("link", got, []domain.ID{event(i)})
	}
}

func movesBack(m *Move) {
	m.From.furnish()
	m.copy()
	before := m.From.dump()
	last := int64(0)
	m.From.ok("snapshot", eachOf(m.To, func(r transfer.Record) error {
		if s, ok := r.(transfer.State); ok {
			last = s.Next
		}
		return nil
	}))
	if last < 1 {
		m.To.Errorf("the next number is %d", last)
	}
	m.From.sameState("the source", m.From.dump(), before)
}

func movesInstant(m *Move) {
	m.From.furnish()
	before := m.From.dump()
	r, err := m.From.movable().Snapshot(m.From.ctx)
	m.From.ok("snapshot", err)
	m.From.prepare(batch(30, 33, subject(7)))
	m.From.ok("meta", m.From.S.SetMeta(m.From.ctx, "name", []byte("later")))
	m.From.ok("fence", m.From.S.AppendFence(m.From.ctx, 4, lines(4, 4)))
	m.From.destroy(subject(1))
	for _, p := range m.From.pending() {
		m.From.done(vault.Settled{Number: p.Number, Base: 99})
	}
	_, err = transfer.CopyFrom(m.To.ctx, r, m.To.movable(), nil)
	m.To.ok("copy", errors.Join(err, r.Close()))
	m.To.sameState("the copy of an instant", m.To.dump(), before)
	m.To.same("fence lines", len(m.To.fenceLines()), 3)
}

func movesNotUnder(m *Move) {
	m.From.populate()
	r := retokenOf(2, ledgerRow(0))
	r.Packed = func([]byte) error { return errStop }
	m.From.is("retoken", m.From.S.Retoken(m.From.ctx, r), errStop)
	_, err := m.From.movable().Snapshot(m.From.ctx)
	m.From.is("snapshot", err, vault.ErrRetoken)
	m.From.ok("retoken", m.From.S.Retoken(m.From.ctx, retokenOf(2, nil)))
	m.copy()
	m.To.same("generation", m.To.generation(), vault.Generation{Tokens: 2})
}
