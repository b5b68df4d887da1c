package vaulttest

import (
	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// refusal is a batch that must be refused, made of one that would be taken.
type refusal struct {
	name string
	want error
	harm func(b *vault.Batch)
}

func refusals() []refusal {
	key := func(b *vault.Batch, i int, rev int64) {
		b.Keys = append(b.Keys, vault.KeyWrite{Owner: subject(i), Rev: rev, Wrapped: wrapped(99)})
	}
	check := func(b *vault.Batch, i int, rev int64) {
		b.Touch = append(b.Touch, vault.KeyCheck{Owner: subject(i), Rev: rev})
	}
	return []refusal{
		{"event recorded before", vault.ErrExists, func(b *vault.Batch) { b.Rows[len(b.Rows)-1].Event = event(0) }},
		{"event recorded before, done since", vault.ErrExists, func(b *vault.Batch) { b.Rows[0].Event = event(2) }},
		{"event twice", vault.ErrExists, func(b *vault.Batch) { b.Rows[2].Event = b.Rows[0].Event }},
		{"class of an event twice", vault.ErrExists, func(b *vault.Batch) { b.Rows[1].Parts[1].Key.Class = identity }},
		{"link taken", vault.ErrStale, func(b *vault.Batch) { b.Links[1].Token = tok(0) }},
		{"link taken by the same id", vault.ErrStale, func(b *vault.Batch) { b.Links[1] = vault.Link{Token: tok(0), ID: subject(0).ID} }},
		{"link twice", vault.ErrStale, func(b *vault.Batch) { b.Links[1] = b.Links[0] }},
		{"key row there already", vault.ErrStale, func(b *vault.Batch) { key(b, 0, 0) }},
		{"key row of an older revision", vault.ErrStale, func(b *vault.Batch) { key(b, 0, 1) }},
		{"key row of a newer revision", vault.ErrStale, func(b *vault.Batch) { key(b, 0, 3) }},
		{"key row not there", vault.ErrStale, func(b *vault.Batch) { key(b, 20, 1) }},
		{"key row twice", vault.ErrStale, func(b *vault.Batch) { key(b, 20, 0); key(b, 20, 0) }},
		{"key row created and rewritten", vault.ErrStale, func(b *vault.Batch) { key(b, 20, 0); key(b, 20, 1) }},
		{"key row of a destroyed owner created", vault.ErrStale, func(b *vault.Batch) { key(b, 5, 0) }},
		{"key row of a destroyed owner rewritten", vault.ErrStale, func(b *vault.Batch) { key(b, 5, 1) }},
		{"key row of an owner destroyed before it had one", vault.ErrStale, func(b *vault.Batch) { key(b, 6, 0) }},
		{"check of an older revision", vault.ErrStale, func(b *vault.Batch) { check(b, 0, 1) }},
		{"check of a newer revision", vault.ErrStale, func(b *vault.Batch) { check(b, 0, 3) }},
		{"check that there is none", vault.ErrStale, func(b *vault.Batch) { check(b, 0, 0) }},
		{"check of a row not there", vault.ErrStale, func(b *vault.Batch) { check(b, 20, 1) }},
		{"check of a destroyed owner", vault.ErrStale, func(b *vault.Batch) { check(b, 5, 1) }},
		{"check that a destroyed owner has none", vault.ErrStale, func(b *vault.Batch) { check(b, 5, 0) }},
	}
}

func refusalCases() []Case {
	var cases []Case
	for _, r := range refusals() {
		cases = append(cases, Case{"refuses/" + r.name, func(e *Env) { refuses(e, r) }})
	}
	return cases
}

// refuses demands the error, that nothing changed, also not after a reopen, and
// that the same batch without the harm is taken then.
func refuses(e *Env, r refusal) {
	old := batch(0, 2, subject(0))
	old.Links = []vault.Link{{Token: tok(0), ID: subject(0).ID}}
	old.Keys = []vault.KeyWrite{{Owner: subject(0), Wrapped: wrapped(0)}, {Owner: subject(5), Wrapped: wrapped(5)}}
	old.Holds = []vault.Hold{{Token: tok(7), ID: event(37)}}
	e.ok("done", e.S.Done(e.ctx, []vault.Settled{{Number: e.prepare(batch(2, 3, subject(1))), Base: 2}}))
	number := e.prepare(old)
	e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(0), Rev: 1, Wrapped: wrapped(10)}}))
	e.ok("destroy", e.S.Destroy(e.ctx, vault.Whole(subject(5), subject(6))))
	before := e.dump()

	good := func() *vault.Batch {
		b := batch(10, 13, subject(8))
		b.Base = domain.Position(3)
		b.Links = []vault.Link{{Token: tok(10), ID: subject(8).ID}, {Token: tok(11), ID: subject(8).ID}}
		b.Keys = []vault.KeyWrite{{Owner: subject(8), Wrapped: wrapped(8)}}
		b.Touch = []vault.KeyCheck{{Owner: subject(0), Rev: 2}, {Owner: subject(9)}}
		b.Holds = []vault.Hold{{Token: tok(12), ID: event(38)}}
		b.Lifts = []token.Token{tok(7)}
		b.Done = []vault.Settled{{Number: number, Base: 5}}
		return b
	}
	bad := good()
	r.harm(bad)
	_, err := e.S.Prepare(e.ctx, bad)
	e.is("prepare", err, r.want)
	e.sameState("after the refusal", e.dump(), before)
	e.reopen()
	e.sameState("after the refusal and a reopen", e.dump(), before)
	e.prepare(good())
}
