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
		{"rebase/moves that batch only", rebaseMoves},
		{"rebase/not what is not pending", rebaseRefuses},
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

func factsStay(e *Env) {
	var want []vault.Pending
	for i := range 5 {
		from, to := 3*i, 3*i+1+i%3
		want = append(want, factsOf(e.prepare(batch(from, to, subject(i))), from, to))
		sameList(e, "pending", e.pending(), want)
	}
	e.reopen()
	sameList(e, "pending after a reopen", e.pending(), want)
	e.ok("done", e.S.Done(e.ctx, want[1].Number))
	sameList(e, "pending after done", e.pending(), want[2:])
	e.ok("done", e.S.Done(e.ctx, want[0].Number))
	sameList(e, "pending after done with less", e.pending(), want[2:])
	e.reopen()
	sameList(e, "pending after done and a reopen", e.pending(), want[2:])
	e.same("intake of what is done", e.intake(0).Found, true)
	e.same("part of what is done", e.part(0, identity), row(0, subject(0)).Parts[0].Bytes)
	e.ok("done", e.S.Done(e.ctx, want[4].Number))
	sameList(e, "pending after all is done", e.pending(), nil)
}

func doneWithNext(e *Env) {
	first := e.prepare(batch(0, 2, subject(0)))
	second := e.prepare(batch(2, 4, subject(0)))
	b := batch(4, 6, subject(0))
	b.Done = first
	third := e.prepare(b)
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(second, 2, 4), factsOf(third, 4, 6)})
}

func doneAhead(e *Env) {
	b := batch(0, 2, subject(0))
	b.Done = 1 << 30
	first := e.prepare(b)
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(first, 0, 2)})
	e.ok("done", e.S.Done(e.ctx, 1<<30))
	second := e.prepare(batch(2, 4, subject(0)))
	sameList(e, "pending", e.pending(), []vault.Pending{factsOf(second, 2, 4)})
}

func pendingCallback(e *Env) {
	for i := range 6 {
		e.prepare(batch(i, i+1, subject(i)))
	}
	seen := 0
	e.ok("pending", e.S.Pending(e.ctx, func(p vault.Pending) error {
		seen++
		return errors.Join(e.S.Rebase(e.ctx, p.Number, p.Base+10), e.S.Done(e.ctx, p.Number))
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

func rebaseMoves(e *Env) {
	first := e.prepare(batch(0, 2, subject(0)))
	second := e.prepare(batch(2, 4, subject(0)))
	e.ok("rebase", e.S.Rebase(e.ctx, second, 70))
	e.ok("rebase", e.S.Rebase(e.ctx, second, 30))
	moved := factsOf(second, 2, 4)
	moved.Base = 30
	for range 2 {
		sameList(e, "pending", e.pending(), []vault.Pending{factsOf(first, 0, 2), moved})
		for i, want := range []domain.Position{0, 1, 30, 31} {
			e.same("position", e.intake(i).Position, want)
		}
		e.reopen()
	}
}

func rebaseRefuses(e *Env) {
	number := e.prepare(batch(0, 2, subject(0)))
	e.is("rebase of no batch", e.S.Rebase(e.ctx, number+1, 7), vault.ErrStale)
	e.ok("done", e.S.Done(e.ctx, number))
	e.is("rebase of a batch that is done", e.S.Rebase(e.ctx, number, 7), vault.ErrStale)
	e.same("position", e.intake(1).Position, domain.Position(1))
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
	e.ok("done", e.S.Done(e.ctx, first))
	end("end after one is done", 2)
	e.ok("rebase", e.S.Rebase(e.ctx, second, 10))
	e.ok("done", e.S.Done(e.ctx, second))
	end("end after a move", 15)
	e.prepare(&vault.Batch{Done: second})
	end("end after a batch without rows", 15)
	e.reopen()
	end("end after a reopen", 15)
}
