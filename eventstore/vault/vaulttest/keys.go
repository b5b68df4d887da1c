package vaulttest

import (
	"errors"
	"sync"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

func keyCases() []Case {
	return []Case{
		{"keys/revisions count writes", revisionsCount},
		{"keys/longer and shorter rewrites", rewritesOfAnySize},
		{"keys/rewrite outside a batch is all or none", rewriteAllOrNone},
		{"keys/checks pass what is as it was read", checksPass},
		{"race/one of 64 creates an owner", func(e *Env) { race(e, raceKey) }},
		{"race/one of 64 makes a link", func(e *Env) { race(e, raceLink) }},
		{"race/one of 64 records an event", func(e *Env) { race(e, raceEvent) }},
		{"race/one of 64 rewrites a key row", raceRewrite},
		{"race/readers see batches whole", readersSeeWhole},
		{"race/numbers follow key rows", numbersFollowKeys},
	}
}

func revisionsCount(e *Env) {
	e.same("never written", e.key(subject(1)), vault.KeyRow{})
	e.ok("create", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}))
	e.same("created", e.key(subject(1)), vault.KeyRow{Rev: 1, Wrapped: wrapped(1)})
	e.prepare(&vault.Batch{Keys: []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: wrapped(2)}}})
	e.same("rewritten in a batch", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(2)})
	e.ok("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Rev: 2, Wrapped: wrapped(3)}}))
	e.same("rewritten outside", e.key(subject(1)), vault.KeyRow{Rev: 3, Wrapped: wrapped(3)})
	e.reopen()
	e.same("after a reopen", e.key(subject(1)), vault.KeyRow{Rev: 3, Wrapped: wrapped(3)})
	e.same("of the same id, another kind", e.key(part.AccountOwner(subject(1).ID)), vault.KeyRow{})
}

func rewritesOfAnySize(e *Env) {
	owners := []part.Owner{subject(1), subject(2), part.LedgerOwner(), account(1)}
	sizes := []int{90, 400, 1, 5000, 64, 65, 128, 100_000, 3500, 30}
	for rev, n := range sizes {
		var w []vault.KeyWrite
		for i, o := range owners {
			w = append(w, vault.KeyWrite{Owner: o, Rev: int64(rev), Wrapped: blobOf("rewrite", 100*rev+i, n)})
		}
		e.ok("rewrite", e.S.RewriteKeys(e.ctx, w))
		for i, o := range owners {
			e.same("key row", e.key(o), vault.KeyRow{Rev: int64(rev + 1), Wrapped: w[i].Wrapped})
		}
	}
}

func rewriteAllOrNone(e *Env) {
	e.prepare(full())
	e.ok("destroy", e.S.Destroy(e.ctx, vault.Whole(subject(7))))
	before := e.dump()
	good := vault.KeyWrite{Owner: subject(1), Rev: 1, Wrapped: wrapped(50)}
	for _, bad := range []vault.KeyWrite{
		{Owner: account(2)}, {Owner: account(2), Rev: 2}, {Owner: subject(8), Rev: 1}, {Owner: subject(7)}, good,
	} {
		e.is("rewrite", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{good, bad}), vault.ErrStale)
		e.sameState("after the refusal", e.dump(), before)
	}
}

func checksPass(e *Env) {
	b := full()
	b.Touch = []vault.KeyCheck{{Owner: subject(1)}, {Owner: subject(9)}, {Owner: subject(9)}}
	e.prepare(b)
	e.prepare(&vault.Batch{
		Keys:  []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: wrapped(4)}},
		Touch: []vault.KeyCheck{{Owner: subject(1), Rev: 1}, {Owner: account(2), Rev: 1}, {Owner: account(2), Rev: 1}},
	})
	e.same("checked and not written", e.key(account(2)), vault.KeyRow{Rev: 1, Wrapped: wrapped(2)})
	e.same("checked, never written", e.key(subject(9)), vault.KeyRow{})
}

// racers is how many goroutines want the same thing.
const racers = 64

func raceKey(i int) (*vault.Batch, error) {
	b := batch(100+i, 101+i, subject(1))
	b.Keys = []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(i)}}
	return b, vault.ErrStale
}

func raceLink(i int) (*vault.Batch, error) {
	b := batch(100+i, 101+i, subject(i))
	b.Links = []vault.Link{{Token: tok(1), ID: subject(i).ID}}
	return b, vault.ErrStale
}

func raceEvent(i int) (*vault.Batch, error) {
	b := batch(100+i, 101+i, subject(i))
	b.Rows = append(b.Rows, row(1, subject(i)))
	return b, vault.ErrExists
}

// race demands one winner, and that nothing of the losers is there.
func race(e *Env, entry func(i int) (*vault.Batch, error)) {
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			b, _ := entry(i)
			_, errs[i] = e.S.Prepare(e.ctx, b)
		})
	}
	wg.Wait()
	winners := 0
	for i, err := range errs {
		_, refusal := entry(i)
		if err == nil {
			winners++
		} else if !errors.Is(err, refusal) {
			e.Errorf("a loser's error is %v, want %v", err, refusal)
		}
		if found := e.intake(100 + i).Found; found != (err == nil) {
			e.Errorf("found is %v with error %v", found, err)
		}
	}
	e.same("winners", winners, 1)
	e.same("pending batches", len(e.pending()), 1)
}

func raceRewrite(e *Env) {
	e.prepare(&vault.Batch{Keys: []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(0)}}})
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			errs[i] = e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: wrapped(i)}})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			e.Errorf("two rewrites of one revision won")
		case err == nil:
			winner = i
		case !errors.Is(err, vault.ErrStale):
			e.Errorf("a loser's error is %v", err)
		}
	}
	e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: 2, Wrapped: wrapped(winner)})
}

// numbersFollowKeys has batches that found an owner's key row as it was race with one
// that rewrites it: those that got in before have lower numbers, however the store
// gives them out, since the ledger appends in the order of numbers.
func numbersFollowKeys(e *Env) {
	const rounds, readers = 25, 6
	e.prepare(&vault.Batch{Keys: []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(0)}}})
	for round := range rounds {
		rev := int64(round + 1)
		var before [readers]int64
		var after int64
		var wg sync.WaitGroup
		for i := range readers {
			wg.Go(func() {
				n := round*(readers+1) + i
				b := batch(n, n+1, subject(1))
				b.Touch = []vault.KeyCheck{{Owner: subject(1), Rev: rev}}
				number, err := e.S.Prepare(e.ctx, b)
				if err == nil {
					before[i] = number
				} else if !errors.Is(err, vault.ErrStale) {
					e.Errorf("a loser's error is %v", err)
				}
			})
		}
		wg.Go(func() {
			n := round*(readers+1) + readers
			b := batch(n, n+1, subject(1))
			b.Keys = []vault.KeyWrite{{Owner: subject(1), Rev: rev, Wrapped: wrapped(round + 1)}}
			number, err := e.S.Prepare(e.ctx, b)
			if after = number; err != nil {
				e.Errorf("rewrite: %v", err)
			}
		})
		wg.Wait()
		for _, n := range before {
			if n > after {
				e.Errorf("a batch that found revision %d has number %d, the one that rewrote it %d", rev, n, after)
			}
		}
	}
}

// readersSeeWhole reads while others write and destroy: a batch is seen whole or
// not at all, and a key row's bytes are those of its revision.
func readersSeeWhole(e *Env) {
	const batches = 30
	e.prepare(&vault.Batch{Keys: []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}})
	var wg sync.WaitGroup
	written := make(chan struct{})
	wg.Go(func() {
		defer close(written)
		for i := range batches {
			b := batch(3*i, 3*i+3, subject(100+i))
			b.Keys = []vault.KeyWrite{{Owner: subject(1), Rev: int64(i + 1), Wrapped: wrapped(i + 2)}}
			if _, err := e.S.Prepare(e.ctx, b); err != nil {
				e.Errorf("prepare: %v", err)
			}
			if err := e.S.Destroy(e.ctx, vault.Whole(subject(100+i))); err != nil && i%10 == 0 {
				e.Errorf("destroy: %v", err)
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-written:
					return
				default:
					lookWhole(e, batches)
				}
			}
		})
	}
	wg.Wait()
	e.same("key row", e.key(subject(1)), vault.KeyRow{Rev: batches + 1, Wrapped: wrapped(batches + 1)})
}

func lookWhole(e *Env, batches int) {
	var ids []domain.ID
	for i := range 3 * batches {
		ids = append(ids, event(i))
	}
	in, err := e.S.Intake(e.ctx, ids)
	if err != nil || len(in) != len(ids) {
		e.Errorf("intake: %d answers, %v", len(in), err)
		return
	}
	for i := 0; i < len(in); i += 3 {
		if in[i].Found != in[i+1].Found || in[i].Found != in[i+2].Found {
			e.Errorf("a batch is seen in part")
		}
	}
	rows, err := e.S.Keys(e.ctx, []part.Owner{subject(1)})
	if err != nil || len(rows) != 1 || string(rows[0].Wrapped) != string(wrapped(int(rows[0].Rev))) {
		e.Errorf("a key row's bytes are not those of its revision (%v)", err)
	}
}
