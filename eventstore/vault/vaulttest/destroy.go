package vaulttest

import (
	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

func destroyCases() []Case {
	return []Case{
		{"destroy/takes all of the owner, nothing of others", destroysOwner},
		{"destroy/several owners of one event", destroysOfSeveral},
		{"destroy/many owners in one call", destroysMany},
		{"destroy/an owner with many rows", destroysHuge},
		{"destroy/an owner that had nothing", destroysNothing},
		{"destroy/twice, and again after new rows", destroysAgain},
		{"destroy/facts and links stay", destroyKeepsFacts},
	}
}

// gone demands that nothing of event i is left but its intake row.
func gone(e *Env, i int, o part.Owner) {
	e.Helper()
	e.same("intake of what was destroyed", e.intake(i), vault.Intake{Found: true, Pending: true, Position: domain.Position(i), Owner: o})
	if e.intake(i).BodyMAC != nil || e.tokens(i) != nil || e.part(i, identity) != nil || e.part(i, contact) != nil {
		e.Errorf("something of event %d is left", i)
	}
}

// whole demands that event i is as row(i, o) made it.
func whole(e *Env, i int, o part.Owner) {
	e.Helper()
	r := row(i, o)
	e.same("intake of what stays", e.intake(i), vault.Intake{Found: true, Pending: true, Position: domain.Position(i), Owner: o, BodyMAC: r.BodyMAC})
	e.same("tokens of what stays", e.tokens(i), r.Tokens)
	e.same("part of what stays", e.part(i, identity), r.Parts[0].Bytes)
	e.same("part of what stays", e.part(i, contact), r.Parts[1].Bytes)
}

func (e *Env) destroy(owners ...part.Owner) {
	e.Helper()
	e.ok("destroy", e.S.Destroy(e.ctx, vault.Whole(owners...)))
}

func destroysOwner(e *Env) {
	b := batch(0, 9, subject(0))
	for i := range b.Rows {
		b.Rows[i] = row(i, subject(i%3))
	}
	for i := range 3 {
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: subject(i), Wrapped: wrapped(i)})
	}
	e.prepare(b)
	e.prepare(batch(9, 11, subject(1)))
	e.destroy(subject(1))
	for range 2 {
		for i := range 9 {
			if i%3 == 1 {
				gone(e, i, subject(1))
			} else {
				whole(e, i, subject(i%3))
			}
		}
		gone(e, 10, subject(1))
		e.same("destroyed key row", e.key(subject(1)), vault.KeyRow{Destroyed: true})
		e.same("another key row", e.key(subject(2)), vault.KeyRow{Rev: 1, Wrapped: wrapped(2)})
		e.same("parts walked", len(e.walk()), 12)
		e.reopen()
	}
}

func destroysOfSeveral(e *Env) {
	r := row(0, subject(0))
	r.Parts[1].Key.Owner = account(1)
	r.Parts = append(r.Parts, vault.Part{Key: part.KeyID{Owner: part.LedgerOwner(), Class: "access", Epoch: "2026"}, Bytes: []byte("access")})
	anonymous := row(1, part.Owner{})
	anonymous.Parts[0].Key.Owner, anonymous.Parts[1].Key.Owner = subject(0), account(1)
	e.prepare(&vault.Batch{Rows: []vault.Row{r, anonymous}})
	e.destroy(subject(0))
	e.same("destroyed part", e.part(0, identity), []byte(nil))
	e.same("destroyed part", e.part(1, identity), []byte(nil))
	e.same("the account's part", e.part(0, contact), r.Parts[1].Bytes)
	e.same("the ledger's part", e.part(0, "access"), []byte("access"))
	e.same("MAC and tokens", [][]byte{e.intake(0).BodyMAC, e.tokens(0)}, [][]byte{nil, nil})
	e.same("the ownerless row's", [][]byte{e.intake(1).BodyMAC, e.tokens(1)}, [][]byte{anonymous.BodyMAC, anonymous.Tokens})
	sameList(e, "walk", e.walk(), []walked{
		{event(0), r.Parts[1].Key, r.Parts[1].Bytes}, {event(0), r.Parts[2].Key, r.Parts[2].Bytes},
		{event(1), anonymous.Parts[1].Key, anonymous.Parts[1].Bytes},
	})
	e.destroy(account(1))
	sameList(e, "walk", e.walk(), []walked{{event(0), r.Parts[2].Key, r.Parts[2].Bytes}})
	e.same("same id, other kind", e.key(part.AccountOwner(subject(0).ID)), vault.KeyRow{})
}

func destroysMany(e *Env) {
	const owners = 1300
	b := &vault.Batch{}
	var all []part.Owner
	for i := range owners {
		b.Rows = append(b.Rows, row(i, subject(i)))
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: subject(i), Wrapped: wrapped(i)})
		all = append(all, subject(i))
	}
	e.prepare(b)
	e.destroy(append(all[:owners-1:owners-1], all[3], all[3])...)
	rows, err := e.S.Keys(e.ctx, all)
	e.ok("keys", err)
	for i := range owners - 1 {
		e.same("key row", rows[i], vault.KeyRow{Destroyed: true})
	}
	gone(e, 3, subject(3))
	gone(e, owners-2, subject(owners-2))
	whole(e, owners-1, subject(owners-1))
	e.same("parts walked", len(e.walk()), 2)
}

func destroysHuge(e *Env) {
	const rows = 3100
	for from := 0; from < rows; from += 1000 {
		e.prepare(batch(from, min(from+1000, rows), account(1)))
	}
	e.prepare(batch(rows, rows+1, account(2)))
	e.destroy(account(1))
	e.same("parts walked", len(e.walk()), 2)
	for _, i := range []int{0, 999, 1000, 2048, rows - 1} {
		gone(e, i, account(1))
	}
	whole(e, rows, account(2))
}

func destroysNothing(e *Env) {
	e.ok("destroy none", e.S.Destroy(e.ctx, nil))
	e.destroy(subject(1), part.LedgerOwner())
	e.same("key row", e.key(subject(1)), vault.KeyRow{Destroyed: true})
	e.same("key row", e.key(subject(2)), vault.KeyRow{})
	e.is("create", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}), vault.ErrStale)
	e.reopen()
	e.is("create", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}), vault.ErrStale)
}

func destroysAgain(e *Env) {
	e.prepare(batch(0, 2, subject(1)))
	e.destroy(subject(1))
	e.destroy(subject(1))
	e.prepare(batch(2, 4, subject(1))) // a row without a check of its owner
	e.destroy(subject(1), subject(2))
	for i := range 4 {
		gone(e, i, subject(1))
	}
}

func destroyKeepsFacts(e *Env) {
	b := full()
	n := e.prepare(b)
	before := e.dump()
	e.destroy(subject(1), account(2))
	after := e.dump()
	e.same("links", after.Links, before.Links)
	e.same("holds", after.Holds, before.Holds)
	e.same("pending", after.Pending, before.Pending)
	e.same("walk", after.Walk, []walked(nil))
	e.done(vault.Settled{Number: n, Base: 40})
	e.same("position", e.intake(5).Position, domain.Position(42))
	_, err := e.S.Prepare(e.ctx, batch(5, 6, subject(4)))
	e.is("prepare an event of a destroyed owner", err, vault.ErrExists)
}
