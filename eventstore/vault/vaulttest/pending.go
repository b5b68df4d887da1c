package vaulttest

import (
	"errors"

	"greffe/domain"
	"greffe/eventstore/vault"
)

func pendingCases() []Case {
	return []Case{
		{"pending/facts stay until done, byte for byte", factsStay},
		{"pending/done with the next batch", doneWithNext},
		{"pending/done ahead of the numbers", doneAhead},
		{"pending/the callback may use the store", pendingCallback},
		{"pending/the callback's error stops it", pendingError},
		{"pending/the end of what is done", endOfDone},
		{"pending/done fixes where the batch is", doneFixes},
		{"pending/done again changes nothing", doneAgain},
		{"pending/an event says whether it is", pendingSaid},
	}
}

// factsOf is the pending batch that batch(from, to) becomes.
func factsOf(number int64, from, to int) vault.Pending {
	p := vault.Pending{Number: number, Base: domain.Position(from)}
	for _, r := range batch(from, to, subject(0)).Rows {
		p.Facts = append(p.Facts, r.Fact)
	}
	return p
}

// settled are batches that are where they were planned.
func settled(all ...vault.Pending) (out []vault.Settled) {
	for _, p := range all {
		out = append(out, vault.Settled{Number: p.Number, Base: p.Base})
	}
	return out
}

func (e *Env) done(all ...vault.Settled) {
	e.Helper()
	e.ok("done", e.S.Done(e.ctx, all))
}

func factsStay(e *Env) {
	var want []vault.Pending
	for i := range 5 {
		from, to := 3*i, 3*i+1+i%3
		want = append(want, factsOf(e.prepare(batch(from, to, subject(i))), from, to))
		sameList(e, "pending", e.pending(), want)
	}
	e.reopen()
	sameList(e, "pending after a reopen", e.pending(), want)
	e.done(settled(want[1])...)
	sameList(e, "pending after the second is done", e.pending(), append([]vault.Pending{want[0]}, want[2:]...))
	e.done(settled(want[0], want[1])...)
	sameList(e, "pending after the first is done", e.pending(), want[2:])
	e.reopen()
	sameList(e, "pending after done and a reopen", e.pending(), want[2:])
	e.same("intake of what is done", e.intake(0).Found, true)
	e.same("part of what is done", e.part(0, identity), row(0, subject(0)).Parts[0].Bytes)
	e.done(settled(want[2:]...)...)
	sameList(e, "pending after all is done", e.pending(), nil)
}

func doneWithNext(e *Env) {
	first := e.prepare(batch(0, 2, subject(0)))
	second := e.prepare(batch(2, 4, subject(0)))
	b := batch(4, 6, subject(0))
	b.Done = []vault.Settled{{Number: first, Base: 8}}
	third := e.prepare(b)
	e.same("position of what is done", e.intake(1).Position, domain.Position(9))
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(second, 2, 4), factsOf(third, 4, 6)})
}

func doneAhead(e *Env) {
	b := batch(0, 2, subject(0))
	b.Done = nil
	for n := range int64(100) {
		b.Done = append(b.Done, vault.Settled{Number: n + 1, Base: 70})
	}
	first := e.prepare(b)
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(first, 0, 2)})
	e.done(vault.Settled{Number: first + 1, Base: 70}, vault.Settled{Number: first + 2, Base: 70}, vault.Settled{Number: 1 << 40, Base: 70})
	second := e.prepare(batch(2, 4, subject(0)))
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(first, 0, 2), factsOf(second, 2, 4)})
}

func pendingCallback(e *Env) {
	for i := range 6 {
		e.prepare(batch(i, i+1, subject(i)))
	}
	seen := 0
	e.ok("pending", e.S.Pending(e.ctx, func(p vault.Pending) error {
		seen++
		_, err := e.S.Prepare(e.ctx, &vault.Batch{Done: settled(vault.Pending{Number: p.Number, Base: p.Base + 10})})
		return err
	}))
	e.same("batches seen", seen, 6)
	sameList(e, "pending", e.pending(), nil)
	e.same("position", e.intake(5).Position, domain.Position(15))
}

var errStop = errors.New("stop")

func pendingError(e *Env) {
	e.prepare(batch(0, 1, subject(0)))
	e.prepare(batch(1, 2, subject(0)))
	seen := 0
	err := e.S.Pending(e.ctx, func(vault.Pending) error {
		seen++
		return errStop
	})
	e.is("pending", err, errStop)
	e.same("batches seen", seen, 1)
}

func doneFixes(e *Env) {
	first, second, third := e.prepare(batch(0, 2, subject(0))), e.prepare(batch(2, 4, subject(0))), e.prepare(batch(4, 6, subject(0)))
	e.done(vault.Settled{Number: third, Base: 70}, vault.Settled{Number: second, Base: 30})
	for range 2 {
		sameList(e, "pending", e.pending(), []vault.Pending{factsOf(first, 0, 2)})
		for i, want := range []domain.Position{0, 1, 30, 31, 70, 71} {
			e.same("position", e.intake(i).Position, want)
		}
		e.reopen()
	}
}

func doneAgain(e *Env) {
	number := e.prepare(batch(0, 2, subject(0)))
	e.done(vault.Settled{Number: number, Base: 5}, vault.Settled{Number: number, Base: 9})
	e.done(vault.Settled{Number: number, Base: 7})
	b := batch(2, 3, subject(0))
	b.Done = []vault.Settled{{Number: number, Base: 8}}
	e.prepare(b)
	e.same("position", e.intake(1).Position, domain.Position(6))
	end, err := e.S.End(e.ctx)
	e.ok("end", err)
	e.same("end", end, domain.Position(7))
}

func pendingSaid(e *Env) {
	first, second := e.prepare(batch(0, 2, subject(0))), e.prepare(batch(2, 4, subject(0)))
	said := func(what string, want ...bool) {
		e.Helper()
		all, err := e.S.Intake(e.ctx, []domain.ID{event(0), event(1), event(2), event(3), event(9)})
		e.ok("intake", err)
		for i, in := range all {
			e.same(what, in.Pending, want[i])
		}
	}
	said("both are pending", true, true, true, true, false)
	e.done(vault.Settled{Number: second, Base: 12})
	said("the second is settled", true, true, false, false, false)
	e.reopen()
	said("the second is settled, after a reopen", true, true, false, false, false)
	e.prepare(&vault.Batch{Done: []vault.Settled{{Number: first, Base: 14}}})
	said("both are settled", false, false, false, false, false)
}

func endOfDone(e *Env) {
	end := func(what string, want domain.Position) {
		got, err := e.S.End(e.ctx)
		e.ok(what, err)
		e.same(what, got, want)
	}
	end("end of a new vault", 0)
	first := e.prepare(batch(0, 2, subject(0)))
	second := e.prepare(batch(2, 7, subject(0)))
	end("end of what is only prepared", 0)
	e.done(vault.Settled{Number: first, Base: 0})
	end("end after one is done", 2)
	e.done(vault.Settled{Number: second, Base: 10})
	end("end after one that is elsewhere than planned", 15)
	e.done(vault.Settled{Number: e.prepare(&vault.Batch{Base: 90, Done: []vault.Settled{{Number: second, Base: 80}}}), Base: 90})
	end("end after a batch without rows", 15)
	e.done(vault.Settled{Number: e.prepare(batch(7, 9, subject(0))), Base: 3})
	end("end after a younger batch that is further down", 15)
	e.reopen()
	end("end after a reopen", 15)
}
