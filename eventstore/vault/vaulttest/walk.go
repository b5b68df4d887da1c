package vaulttest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func walkCases() []Case {
	return []Case{
		{"walk/rows from a number on", walkRowsFrom},
		{"walk/rows say where they are", walkRowsPlaced},
		{"walk/rows without what was destroyed", walkRowsDestroyed},
		{"walk/each link, hold and key row once", walkTokensOnce},
		{"walk/the callback may use the store, its error stops it", walkersStop},
		{"macs/of entries that have none", setsMACs},
		{"macs/many, in lots", setsManyMACs},
	}
}

// ownedKey is a key row with its owner.
type ownedKey struct {
	Owner part.Owner
	Row   vault.KeyRow
}

func (e *Env) walkRows(from int64) (all []vault.Recorded) {
	e.Helper()
	e.ok("walk rows", e.S.WalkRows(e.ctx, from, func(r *vault.Recorded) error {
		c := *r
		c.BodyMAC, c.Tokens, c.Parts = bytes.Clone(r.BodyMAC), bytes.Clone(r.Tokens), slices.Clone(r.Parts)
		for i := range c.Parts {
			c.Parts[i].Bytes = bytes.Clone(c.Parts[i].Bytes)
		}
		all = append(all, c)
		return nil
	}))
	return all
}

func byToken(a, b vault.Link) int { return slices.Compare(a.Token[:], b.Token[:]) }

func (e *Env) walkLinks() (all []vault.Link) {
	e.Helper()
	e.ok("walk links", e.S.WalkLinks(e.ctx, func(l vault.Link) error { all = append(all, l); return nil }))
	slices.SortFunc(all, byToken)
	return all
}

func (e *Env) walkHolds() (all []vault.Hold) {
	e.Helper()
	e.ok("walk holds", e.S.WalkHolds(e.ctx, func(h vault.Hold) error { all = append(all, h); return nil }))
	slices.SortFunc(all, func(a, b vault.Hold) int { return byToken(vault.Link(a), vault.Link(b)) })
	return all
}

func (e *Env) walkKeys() (all []ownedKey) {
	e.Helper()
	e.ok("walk keys", e.S.WalkKeys(e.ctx, func(o part.Owner, k vault.KeyRow) error {
		k.Wrapped = bytes.Clone(k.Wrapped)
		all = append(all, ownedKey{o, k})
		return nil
	}))
	slices.SortFunc(all, func(a, b ownedKey) int {
		return cmp.Or(slices.Compare(a.Owner.ID[:], b.Owner.ID[:]), cmp.Compare(a.Owner.Kind, b.Owner.Kind))
	})
	return all
}

// sealed demands that each link and hold has the MAC that it was stored with.
func (e *Env) sealed(what string, links []vault.Link, holds []vault.Hold) {
	e.Helper()
	for _, l := range links {
		e.same(what+": MAC of a link", l.MAC, tokenMAC("link", l.Token, l.ID))
	}
	for _, h := range holds {
		e.same(what+": MAC of a hold", h.MAC, tokenMAC("hold", h.Token, h.ID))
	}
}

// recorded is what WalkRows is to give of a batch.
func recordedOf(number int64, b *vault.Batch, base domain.Position, pending bool) (all []vault.Recorded) {
	for i, r := range b.Rows {
		r.Fact = nil
		all = append(all, vault.Recorded{Number: number, Index: i, Base: base, Pending: pending, Row: r})
	}
	return all
}

func walkRowsFrom(e *Env) {
	var want []vault.Recorded
	var numbers []int64
	for i := range 30 {
		b := batch(40*i, 40*i+1+i%30, subject(i%5))
		n := e.prepare(b)
		want, numbers = append(want, recordedOf(n, b, b.Base, true)...), append(numbers, n)
	}
	for range 2 {
		for _, from := range []int64{0, numbers[0], numbers[13], numbers[29], numbers[29] + 1} {
			rest := slices.Clone(want)
			rest = slices.DeleteFunc(rest, func(r vault.Recorded) bool { return r.Number < from })
			sameList(e, "rows", e.walkRows(from), rest)
		}
		e.reopen()
	}
}

func walkRowsPlaced(e *Env) {
	first, second := batch(0, 3, subject(1)), batch(3, 5, account(2))
	a := e.prepare(first)
	b := e.prepare(second)
	e.done(vault.Settled{Number: b, Base: 77})
	bare := &vault.Batch{Base: 9, Rows: []vault.Row{{Event: event(9), Fact: []byte("9")}}}
	c := e.prepare(bare)
	want := slices.Concat(recordedOf(a, first, 0, true), recordedOf(b, second, 77, false), recordedOf(c, bare, 9, true))
	sameList(e, "rows", e.walkRows(0), want)
	e.same("position", want[4].Position(), domain.Position(78))
}

func walkRowsDestroyed(e *Env) {
	e.prepare(batch(0, 2, subject(1)))
	e.prepare(batch(2, 4, subject(2)))
	before := e.walkRows(0)
	e.destroy(subject(1))
	e.ok("redact", e.S.Redact(e.ctx, []vault.PartID{{Event: event(2), Class: identity}}))
	for i := range 2 {
		before[i].BodyMAC, before[i].Tokens, before[i].Parts = nil, nil, nil
	}
	before[2].Parts = before[2].Parts[1:]
	sameList(e, "rows", e.walkRows(0), before) // their MACs stay
}

func walkTokensOnce(e *Env) {
	const many = 5000
	b := &vault.Batch{}
	var links []vault.Link
	var holds []vault.Hold
	var keys []ownedKey
	for i := range many {
		links, holds = append(links, link(tok(i), event(i))), append(holds, hold(tok(many+i), event(i)))
		keys = append(keys, ownedKey{subject(i), vault.KeyRow{Rev: 1, Wrapped: wrapped(i)}})
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: subject(i), Wrapped: wrapped(i)})
	}
	b.Links, b.Holds = links, holds
	e.prepare(b)
	e.ok("destroy", e.S.Destroy(e.ctx, []vault.Doom{{Owner: subject(7), By: event(1), At: 5}, {Owner: subject(many), By: event(2), At: 6}}))
	keys[7].Row = vault.KeyRow{Destroyed: true, By: event(1), At: 5}
	keys = append(keys, ownedKey{subject(many), vault.KeyRow{Destroyed: true, By: event(2), At: 6}})
	slices.SortFunc(links, byToken)
	slices.SortFunc(holds, func(a, b vault.Hold) int { return byToken(vault.Link(a), vault.Link(b)) })
	slices.SortFunc(keys, func(a, b ownedKey) int { return slices.Compare(a.Owner.ID[:], b.Owner.ID[:]) })
	for range 2 {
		sameList(e, "links", e.walkLinks(), links)
		sameList(e, "holds", e.walkHolds(), holds)
		sameList(e, "keys", e.walkKeys(), keys)
		e.reopen()
	}
}

func walkersStop(e *Env) {
	b := batch(0, 3, subject(0))
	b.Links, b.Holds = []vault.Link{link(tok(1), event(1)), link(tok(2), event(2))}, []vault.Hold{hold(tok(3), event(3)), hold(tok(4), event(4))}
	b.Keys = []vault.KeyWrite{{Owner: subject(0), Wrapped: wrapped(0)}, {Owner: subject(1), Wrapped: wrapped(1)}}
	e.prepare(b)
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	for name, walk := range map[string]func(context.Context, func() error) error{
		"rows": func(ctx context.Context, fn func() error) error {
			return e.S.WalkRows(ctx, 0, func(*vault.Recorded) error { return fn() })
		},
		"links": func(ctx context.Context, fn func() error) error {
			return e.S.WalkLinks(ctx, func(vault.Link) error { return fn() })
		},
		"holds": func(ctx context.Context, fn func() error) error {
			return e.S.WalkHolds(ctx, func(vault.Hold) error { return fn() })
		},
		"keys": func(ctx context.Context, fn func() error) error {
			return e.S.WalkKeys(ctx, func(part.Owner, vault.KeyRow) error { return fn() })
		},
	} {
		seen := 0
		err := walk(e.ctx, func() error {
			seen++
			e.prepare(batch(100+seen, 100+seen, subject(0)))
			_, err := e.S.Links(e.ctx, []token.Token{tok(1)})
			return errors.Join(err, errStop)
		})
		e.is(name, err, errStop)
		e.same(name+" seen", seen, 1)
		e.is(name+" with a cancelled context", walk(ctx, func() error { return nil }), context.Canceled)
	}
}

func setsMACs(e *Env) {
	b := batch(0, 3, subject(1))
	for i := range b.Rows {
		b.Rows[i].MAC = vault.MAC{}
	}
	b.Rows[1].MAC = vault.MAC{1}
	b.Links = []vault.Link{{Token: tok(0), ID: event(0)}, {Token: tok(1), ID: event(1)}}
	b.Holds = []vault.Hold{{Token: tok(2), ID: event(2)}}
	n := e.prepare(b)
	two := vault.MAC{2}
	e.ok("set macs", e.S.SetMACs(e.ctx, vault.MACs{
		Rows:  []vault.RowMAC{{Number: n, Index: 0, MAC: two}, {Number: n, Index: 1, MAC: two}, {Number: n + 50, Index: 0, MAC: two}},
		Links: []vault.Link{{Token: tok(0), ID: event(0), MAC: two}, {Token: tok(1), ID: event(0), MAC: two}, {Token: tok(9), ID: event(9), MAC: two}},
		Holds: []vault.Hold{{Token: tok(2), ID: event(2), MAC: two}, {Token: tok(9), ID: event(9), MAC: two}},
	}))
	for range 2 {
		rows := e.walkRows(0)
		e.same("MACs of rows", []vault.MAC{rows[0].MAC, rows[1].MAC, rows[2].MAC}, []vault.MAC{two, {1}, {}})
		links := e.walkLinks()
		want := []vault.Link{{Token: tok(0), ID: event(0), MAC: two}, {Token: tok(1), ID: event(1)}}
		slices.SortFunc(want, byToken)
		e.same("links", links, want)
		e.same("holds", e.walkHolds(), []vault.Hold{{Token: tok(2), ID: event(2), MAC: two}})
		e.reopen()
	}
	e.ok("set none", e.S.SetMACs(e.ctx, vault.MACs{}))
}

func setsManyMACs(e *Env) {
	const batches, size = 4, 900
	var all vault.MACs
	for i := range batches {
		b := batch(size*i, size*i+size, subject(i))
		want := make([]vault.RowMAC, size)
		for j := range b.Rows {
			want[j] = vault.RowMAC{Index: j, MAC: b.Rows[j].MAC}
			b.Rows[j].MAC = vault.MAC{}
			l := link(tok(size*i+j), event(j))
			all.Links = append(all.Links, l)
			b.Links = append(b.Links, vault.Link{Token: l.Token, ID: l.ID})
		}
		n := e.prepare(b)
		for j := range want {
			want[j].Number = n
		}
		all.Rows = append(all.Rows, want...)
	}
	for from := 0; from < len(all.Rows); from += 700 { // lots that end within a batch
		to := min(from+700, len(all.Rows))
		e.ok("set macs", e.S.SetMACs(e.ctx, vault.MACs{Rows: all.Rows[from:to], Links: all.Links[from:to]}))
	}
	for i, r := range e.walkRows(0) {
		e.same("MAC of a row", r.MAC, all.Rows[i].MAC)
	}
	e.sealed("many", e.walkLinks(), nil)
}
