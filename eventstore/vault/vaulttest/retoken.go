package vaulttest

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func retokenCases() []Case {
	return []Case{
		{"retoken/every token, and nothing else", retokensAll},
		{"retoken/an empty vault", retokensNothing},
		{"retoken/again and again", retokensAgain},
		{"retoken/an error at any row, then the rest", retokenStops},
		{"retoken/cancelled at any report, then the rest", retokenCancelled},
		{"retoken/nobody meets two generations", retokenHides},
		{"retoken/what is destroyed meanwhile stays so", retokenDestroys},
		{"retoken/refuses another generation or row", retokenRefuses},
	}
}

// nested is what a step makes of a token, each in its own way.
func nested(kind string, t token.Token) token.Token { return token.Token(sum(kind+string(t[:]), 0)) }

func packed(b []byte) {
	for i := range b {
		b[i] ^= 0x5a + byte(i)
	}
}

// retokenOf is the change to a generation; row is the ledger's, of a revision.
func retokenOf(generation int, row *vault.KeyWrite) vault.Retoken {
	return vault.Retoken{
		Generation: generation, Row: row,
		Link:    func(t token.Token) token.Token { return nested("link", t) },
		Hold:    func(t token.Token) token.Token { return nested("hold", t) },
		Packed:  func(b []byte) error { packed(b); return nil },
		LinkMAC: func(t token.Token, id domain.ID) vault.MAC { return tokenMAC("link", t, id) },
		HoldMAC: func(t token.Token, id domain.ID) vault.MAC { return tokenMAC("hold", t, id) },
		RowMAC:  rowMAC,
	}
}

func ledgerRow(rev int64) *vault.KeyWrite {
	return &vault.KeyWrite{Owner: part.LedgerOwner(), Rev: rev, Wrapped: wrapped(int(100 + rev))}
}

func (e *Env) generation() vault.Generation {
	e.Helper()
	g, err := e.S.Generation(e.ctx)
	e.ok("generation", err)
	return g
}

// populate stores batches with links, holds and rows with and without tokens, also
// of somebody destroyed, and gives all tokens.
func (e *Env) populate() (links, holds []token.Token) {
	e.Helper()
	for i := range 4 {
		b := batch(5*i, 5*i+5, subject(i))
		b.Rows[2].Tokens = nil
		b.Rows[3].Owner = part.Owner{}
		for i := range b.Rows {
			b.Rows[i].MAC = rowMAC(&b.Rows[i])
		}
		for j := range 6 {
			t := tok(6*i + j)
			links = append(links, t)
			b.Links = append(b.Links, link(t, event(6*i+j)))
		}
		h := tok(30 + i)
		holds = append(holds, h)
		b.Holds = []vault.Hold{{Token: h, ID: event(30 + i)}}
		e.prepare(b)
	}
	e.prepare(&vault.Batch{Moves: []vault.Move{{Token: links[0], From: event(0)}, {Token: links[1], From: event(1), To: event(39)}}, Lifts: holds[:1]})
	e.destroy(subject(1))
	return links, holds
}

// stepped is how often a vault's tokens were changed: what it must show then.
func (e *Env) expect(what string, before state, links, holds []token.Token, times int) {
	e.Helper()
	old := [2][]token.Token{append([]token.Token(nil), links...), append([]token.Token(nil), holds...)}
	next := [2][]token.Token{append([]token.Token(nil), links...), append([]token.Token(nil), holds...)}
	want := before.Tokens
	for range times {
		for i := range next[0] {
			next[0][i] = nested("link", next[0][i])
		}
		for i := range next[1] {
			next[1][i] = nested("hold", next[1][i])
		}
		want = repacked(want)
	}
	for i, look := range []func(context.Context, []token.Token) ([]domain.ID, error){e.S.Links, e.S.Holds} {
		kind, was := []string{"links", "holds"}[i], [][]domain.ID{before.Links[:len(links)], before.Holds[30 : 30+len(holds)]}[i]
		got, err := look(e.ctx, next[i])
		e.ok(kind, err)
		sameList(e, what+": "+kind, got, was)
		if times == 0 {
			continue
		}
		got, err = look(e.ctx, old[i])
		e.ok(kind, err)
		for j := range got {
			if !got[j].IsZero() {
				e.Errorf("%s: %s: an old token is found", what, kind)
				e.FailNow()
			}
		}
	}
	after := e.dump()
	sameList(e, what+": tokens", after.Tokens, want)
	e.same(what+": links and holds walked", []int{len(after.AllLinks), len(after.AllHolds)}, []int{len(before.AllLinks), len(before.AllHolds)})
	e.sealed(what, after.AllLinks, after.AllHolds)
	for i := range after.Rows {
		if r := &after.Rows[i]; len(r.Tokens) > 0 {
			e.same(what+": MAC of a row", r.MAC, rowMAC(&r.Row))
			r.Tokens, r.MAC = before.Rows[i].Tokens, before.Rows[i].MAC
		}
	}
	after.Links, after.Holds, after.Tokens = before.Links, before.Holds, before.Tokens
	after.AllLinks, after.AllHolds, after.AllKeys = before.AllLinks, before.AllHolds, before.AllKeys
	for i := range after.Keys { // the ledger's row is the change's
		if i == len(after.Keys)-1 {
			after.Keys[i] = before.Keys[i]
		}
	}
	e.sameState(what, after, before)
	e.same(what+": generation", e.generation(), vault.Generation{Tokens: 1 + times})
}

func repacked(all [][]byte) [][]byte {
	out := make([][]byte, len(all))
	for i, b := range all {
		if out[i] = append([]byte(nil), b...); b == nil {
			out[i] = nil
		}
		packed(out[i])
	}
	return out
}

func retokensAll(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	e.same("generation", e.generation(), vault.Generation{Tokens: 1})
	r := retokenOf(2, ledgerRow(0))
	var last, total int64
	r.Progress = func(d, t int64) {
		if d < last || t < d {
			e.Errorf("progress goes from %d to %d of %d", last, d, t)
		}
		last, total = d, t
	}
	e.ok("retoken", e.S.Retoken(e.ctx, r))
	if want := int64(len(links) - 1 + len(holds) - 1 + 20); last != total || last != want {
		e.Errorf("progress ends at %d of %d, want %d", last, total, want)
	}
	e.same("the ledger's row", e.key(part.LedgerOwner()), vault.KeyRow{Rev: 1, Wrapped: wrapped(100)})
	e.expect("afterwards", before, links, holds, 1)
	e.reopen()
	e.expect("after a reopen", before, links, holds, 1)
	e.prepare(&vault.Batch{Links: []vault.Link{link(links[5], event(1))}})
	e.prepare(batch(25, 30, subject(9)))
	e.same("tokens recorded afterwards", e.tokens(26), blobOf("tokens", 26, 40))
}

func retokensNothing(e *Env) {
	before := e.dump()
	e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(0))))
	e.expect("afterwards", before, nil, nil, 1)
}

func retokensAgain(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	for times := 1; times <= 3; times++ {
		e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(1+times, ledgerRow(int64(times-1)))))
		e.expect(fmt.Sprintf("after %d times", times), before, links, holds, times)
		if times == 2 {
			e.reopen()
		}
	}
}

var errPlanted = errors.New("planted")

func retokenStops(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	row := ledgerRow(0)
	for k := 0; ; k++ {
		r := retokenOf(2, row)
		calls := 0
		r.Packed = func(b []byte) error {
			if calls++; calls > k%3+1 && k < 20 {
				packed(b[:1]) // what it left counts for nothing
				return errPlanted
			}
			packed(b)
			return nil
		}
		err := e.S.Retoken(e.ctx, r)
		row = nil
		if err == nil {
			break
		}
		e.is("retoken", err, errPlanted)
		e.same("generation", e.generation(), vault.Generation{Tokens: 1, Under: true})
		if k%2 == 0 {
			e.reopen()
		}
	}
	e.expect("finished", before, links, holds, 1)
}

func retokenCancelled(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	row := ledgerRow(0)
	for k := 0; k < 100; k++ {
		ctx, cancel := context.WithCancel(e.ctx)
		r := retokenOf(2, row)
		reports := 0
		r.Progress = func(int64, int64) {
			if reports++; reports > k {
				cancel()
			}
		}
		err := e.S.Retoken(ctx, r)
		cancel()
		if err == nil {
			break
		}
		e.is("retoken", err, context.Canceled)
		row = nil
		e.reopen()
		e.same("generation", e.generation(), vault.Generation{Tokens: 1, Under: true})
	}
	e.expect("finished", before, links, holds, 1)
}

// stop begins a change that ends with an error.
func (e *Env) stop() {
	e.Helper()
	r := retokenOf(2, ledgerRow(0))
	calls := 0
	r.Packed = func(b []byte) error {
		if calls++; calls == 7 {
			return errPlanted
		}
		packed(b)
		return nil
	}
	e.is("retoken", e.S.Retoken(e.ctx, r), errPlanted)
}

func retokenHides(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	e.stop()
	for _, reopened := range []bool{false, true} {
		if reopened {
			e.reopen()
		}
		_, errs := e.S.Prepare(e.ctx, batch(25, 27, subject(9)))
		_, err := e.S.Links(e.ctx, links)
		_, err2 := e.S.Holds(e.ctx, holds)
		_, err3 := e.S.Tokens(e.ctx, []domain.ID{event(1)})
		err4 := e.S.WalkRows(e.ctx, 0, func(*vault.Recorded) error { return nil })
		err5 := e.S.WalkLinks(e.ctx, func(vault.Link) error { return nil })
		err6 := e.S.WalkHolds(e.ctx, func(vault.Hold) error { return nil })
		err7 := e.S.SetMACs(e.ctx, vault.MACs{})
		for i, err := range []error{errs, err, err2, err3, err4, err5, err6, err7} {
			if !errors.Is(err, vault.ErrRetoken) {
				e.Errorf("%s while tokens change: %v", []string{"Prepare", "Links", "Holds", "Tokens", "WalkRows", "WalkLinks", "WalkHolds", "SetMACs"}[i], err)
			}
		}
		in, err := e.S.Intake(e.ctx, []domain.ID{event(1), event(25)})
		e.ok("intake", err)
		if !in[0].Found || in[1].Found {
			e.Errorf("intake while tokens change: %+v", in)
		}
		e.same("pending batches", len(e.pending()), 4)
		e.same("walk", len(e.walk()), len(before.Walk))
	}
	e.ok("meta", e.S.SetMeta(e.ctx, "name", []byte("v")))
	e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(30), Wrapped: wrapped(1)}}))
	e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, nil)))
	before.Meta = []byte("v")
	before.Keys[60] = vault.KeyRow{Rev: 1, Wrapped: wrapped(1)}
	e.expect("finished", before, links, holds, 1)
}

func retokenDestroys(e *Env) {
	e.populate()
	e.stop()
	e.destroy(subject(0), subject(3))
	e.ok("redact", e.S.Redact(e.ctx, []vault.PartID{{Event: event(12), Class: identity}}))
	e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, nil)))
	for _, i := range []int{0, 16, 19, 6} {
		if b := e.tokens(i); b != nil {
			e.Errorf("the tokens of event %d are back", i)
		}
	}
	if e.part(12, identity) != nil || e.part(12, contact) == nil {
		e.Errorf("what was redacted meanwhile is back")
	}
	want := repacked([][]byte{blobOf("tokens", 11, 40)})
	e.same("who was not destroyed", e.tokens(11), want[0])
}

func retokenRefuses(e *Env) {
	links, holds := e.populate()
	before := e.dump()
	for what, r := range map[string]vault.Retoken{
		"its own":             retokenOf(1, ledgerRow(0)),
		"the one after next":  retokenOf(3, ledgerRow(0)),
		"none that has begun": retokenOf(2, nil),
	} {
		e.is(what, e.S.Retoken(e.ctx, r), vault.ErrTokens)
	}
	e.is("another revision", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(1))), vault.ErrStale)
	e.is("a destroyed owner", e.S.Retoken(e.ctx, retokenOf(2, &vault.KeyWrite{Owner: subject(1), Wrapped: wrapped(1)})), vault.ErrStale)
	e.sameState("after refusals", e.dump(), before)
	e.stop()
	e.is("another row", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(1))), vault.ErrTokens)
	e.is("the next but one", e.S.Retoken(e.ctx, retokenOf(3, nil)), vault.ErrTokens)
	e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, nil)))
	e.is("again", e.S.Retoken(e.ctx, retokenOf(2, nil)), vault.ErrTokens)
	e.expect("finished", before, links, holds, 1)
}
