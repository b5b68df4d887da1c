package vaulttest

import (
	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

func prepareCases() []Case {
	return []Case{
		{"prepare/stores everything of a batch", preparedIsRead},
		{"prepare/keeps no slice it was given", preparedIsCopied},
		{"prepare/numbers grow", numbersGrow},
		{"prepare/rows without owner, MAC, tokens or parts", bareRows},
		{"prepare/a batch without rows", batchWithoutRows},
		{"prepare/a large part and a large batch", largeBatch},
		{"prepare/holds and lifts", holdsAndLifts},
	}
}

// full is a batch that uses every field.
func full() *vault.Batch {
	b := batch(3, 6, subject(1))
	b.Rows[1].Parts[1].Key.Owner = account(2)
	b.Links = []vault.Link{{Token: tok(1), ID: subject(1).ID}, {Token: tok(2), ID: account(2).ID}}
	b.Keys = []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}, {Owner: account(2), Wrapped: wrapped(2)}}
	b.Touch = []vault.KeyCheck{{Owner: subject(1)}, {Owner: subject(9)}}
	b.Holds = []vault.Hold{{Token: tok(3), ID: event(30)}}
	b.Lifts = []token.Token{tok(4)}
	return b
}

func preparedIsRead(e *Env) {
	n := e.prepare(full())
	b := full()
	for i, r := range b.Rows {
		e.same("intake", e.intake(3+i), vault.Intake{Found: true, Pending: true, Position: domain.Position(3 + i), Owner: r.Owner, BodyMAC: r.BodyMAC})
		e.same("tokens", e.tokens(3+i), r.Tokens)
		e.same("first part", e.part(3+i, identity), r.Parts[0].Bytes)
		e.same("second part", e.part(3+i, contact), r.Parts[1].Bytes)
	}
	e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(1)})
	e.same("key row of another kind", e.key(account(2)), vault.KeyRow{Rev: 1, Wrapped: wrapped(2)})
	links, err := e.S.Links(e.ctx, []token.Token{tok(1), tok(2), tok(3)})
	e.ok("links", err)
	e.same("links", links, []domain.ID{subject(1).ID, account(2).ID, {}})
	holds, err := e.S.Holds(e.ctx, []token.Token{tok(1), tok(3)})
	e.ok("holds", err)
	e.same("holds", holds, []domain.ID{{}, event(30)})
	sameList(e, "pending", e.pending(), []vault.Pending{{Number: n, Base: 3, Facts: [][]byte{b.Rows[0].Fact, b.Rows[1].Fact, b.Rows[2].Fact}}})
}

func preparedIsCopied(e *Env) {
	b := full()
	e.prepare(b)
	before := e.dump()
	for i := range b.Rows {
		clear(b.Rows[i].Fact)
		clear(b.Rows[i].BodyMAC)
		clear(b.Rows[i].Tokens)
		clear(b.Rows[i].Parts[0].Bytes)
	}
	clear(b.Keys[0].Wrapped)
	clear(b.Rows)
	e.sameState("after the caller wrote over its slices", e.dump(), before)
	clear(e.part(3, identity))
	clear(e.tokens(3))
	clear(e.intake(3).BodyMAC)
	clear(e.key(subject(1)).Wrapped)
	e.sameState("after the reader wrote over its slices", e.dump(), before)
}

func numbersGrow(e *Env) {
	last := int64(0)
	for i := range 5 {
		b := batch(i, i+1, subject(i))
		b.Done = []vault.Settled{{Number: last, Base: domain.Position(i)}}
		n := e.prepare(b)
		if n <= last {
			e.Errorf("number %d after %d", n, last)
		}
		last = n
	}
	e.done(vault.Settled{Number: last, Base: 4})
	e.reopen()
	if n := e.prepare(batch(9, 10, subject(9))); n <= last {
		e.Errorf("number %d after %d and a reopen", n, last)
	}
}

func bareRows(e *Env) {
	r := vault.Row{Event: event(1), Fact: []byte("fact")}
	keyed := vault.Row{Event: event(2), Fact: []byte{}, Parts: []vault.Part{
		{Key: part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: "2026-03"}, Bytes: []byte{0}},
	}}
	e.prepare(&vault.Batch{Base: 7, Rows: []vault.Row{r, keyed}})
	e.same("intake", e.intake(1), vault.Intake{Found: true, Pending: true, Position: 7})
	e.same("intake", e.intake(2), vault.Intake{Found: true, Pending: true, Position: 8})
	if e.intake(1).BodyMAC != nil || e.tokens(1) != nil || e.part(1, identity) != nil {
		e.Errorf("what was not given is not nil")
	}
	sameList(e, "walk", e.walk(), []walked{{event(2), keyed.Parts[0].Key, []byte{0}}})
	e.same("facts", e.onlyPending().Facts, [][]byte{[]byte("fact"), {}})
}

func batchWithoutRows(e *Env) {
	e.prepare(&vault.Batch{Holds: []vault.Hold{{Token: tok(1), ID: event(1)}}, Keys: []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}})
	e.prepare(&vault.Batch{})
	sameList(e, "pending", e.pending(), nil)
	e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(1)})
}

func largeBatch(e *Env) {
	const rows = 2500
	b := batch(0, rows, subject(1))
	b.Rows[17].Parts[0].Bytes = blobOf("large", 1, 300_000)
	b.Rows[18].Fact = blobOf("large", 2, 100_000)
	b.Keys = []vault.KeyWrite{{Owner: subject(1), Wrapped: blobOf("large", 3, 70_000)}, {Owner: subject(2), Wrapped: wrapped(2)}}
	e.prepare(b)
	for _, i := range []int{0, 16, 17, 18, 19, rows - 1} {
		e.same("part", e.part(i, identity), b.Rows[i].Parts[0].Bytes)
		e.same("position", e.intake(i).Position, domain.Position(i))
	}
	e.same("wrapped keys", e.key(subject(1)).Wrapped, b.Keys[0].Wrapped)
	e.same("wrapped keys", e.key(subject(2)).Wrapped, wrapped(2))
	facts := e.onlyPending().Facts
	e.same("number of facts", len(facts), rows)
	for i := range facts {
		e.same("fact", facts[i], b.Rows[i].Fact)
	}
}

func holdsAndLifts(e *Env) {
	hold := func(i, id int) vault.Hold { return vault.Hold{Token: tok(i), ID: event(id)} }
	want := func(what string, ids ...domain.ID) {
		e.Helper()
		got, err := e.S.Holds(e.ctx, []token.Token{tok(1), tok(2), tok(3)})
		e.ok("holds", err)
		e.same(what, got, ids)
	}
	e.prepare(&vault.Batch{Holds: []vault.Hold{hold(1, 1), hold(2, 2)}})
	want("added", event(1), event(2), domain.ID{})
	e.prepare(&vault.Batch{Lifts: []token.Token{tok(1), tok(9)}, Holds: []vault.Hold{hold(3, 3)}})
	want("lifted one, one that is not there", domain.ID{}, event(2), event(3))
	e.prepare(&vault.Batch{Holds: []vault.Hold{hold(2, 7)}})
	want("added again", domain.ID{}, event(7), event(3))
	e.prepare(&vault.Batch{Lifts: []token.Token{tok(2)}, Holds: []vault.Hold{hold(2, 8)}})
	want("lifted before it is added", domain.ID{}, event(8), event(3))
	e.reopen()
	want("after a reopen", domain.ID{}, event(8), event(3))
}
