package vaulttest

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

func leaseCases() []Case {
	return []Case{
		{"lease/taken, refused to others, renewed", leaseHeld},
		{"lease/an expired one is taken with the next term", leaseExpires},
		{"lease/one's own that expired is taken anew", leaseOwnExpires},
		{"lease/released by its holder alone", leaseReleased},
		{"lease/terms outlive release and reopen", leaseTerms},
		{"lease/those that are held, by prefix", leasesListed},
		{"lease/notes as they were given, up to their bound", leaseNotes},
		{"race/one of 64 takes a lease", raceLease},
		{"fenced/a batch of an earlier term", fencedTerm},
		{"fenced/a batch of a lease released or never taken", fencedReleased},
		{"fenced/an expired lease that nobody took lets pass", fencedExpired},
		{"generation/of a batch's tokens", generationChecked},
	}
}

// Roles and times of leases: an hour outlives the test, an instant does not.
const (
	role    = "eraser"
	hour    = time.Hour
	instant = time.Millisecond
	patient = 10 * time.Second // until an instant must be over
)

func (e *Env) lease(role string, holder int, ttl time.Duration, note string) vault.Lease {
	e.Helper()
	l, err := e.S.Lease(e.ctx, role, event(holder), ttl, []byte(note))
	e.ok("lease", err)
	if l.Left <= 0 || l.Left > ttl {
		e.Errorf("a lease of %v has %v left", ttl, l.Left)
		e.FailNow()
	}
	e.sameLease("lease taken", l, leaseOf(role, holder, l.Term, note))
	return l
}

func leaseOf(role string, holder int, term int64, note string) vault.Lease {
	return vault.Lease{Role: role, Holder: event(holder), Term: term, Note: []byte(note)}
}

// sameLease compares all but the time that is left.
func (e *Env) sameLease(what string, got, want vault.Lease) {
	e.Helper()
	got.Left = want.Left
	e.same(what, got, want)
}

// held demands that others are refused and told of l.
func (e *Env) held(l vault.Lease, other int) {
	e.Helper()
	present, err := e.S.Lease(e.ctx, l.Role, event(other), hour, []byte("other"))
	e.is("lease of another", err, vault.ErrHeld)
	e.sameLease("present lease", present, l)
	if present.Left <= 0 {
		e.Errorf("a held lease has %v left", present.Left)
		e.FailNow()
	}
}

func (e *Env) leases(prefix string) []vault.Lease {
	e.Helper()
	all, err := e.S.Leases(e.ctx, prefix)
	e.ok("leases", err)
	return all
}

// expired waits until a role's lease is not shown any more.
func (e *Env) expired(role string) {
	e.Helper()
	for from := time.Now(); len(e.leases(role)) > 0; {
		if time.Since(from) > patient {
			e.Errorf("a lease of %v does not expire", instant)
			e.FailNow()
		}
	}
}

func leaseHeld(e *Env) {
	first := e.lease(role, 1, hour, "first")
	e.same("term", first.Term, int64(1))
	e.held(first, 2)
	renewed := e.lease(role, 1, 2*hour, "second")
	e.same("term of a renewed lease", renewed.Term, int64(1))
	if renewed.Left <= hour {
		e.Errorf("%v are left of a lease that was renewed for %v", renewed.Left, 2*hour)
	}
	e.held(renewed, 2)
	e.same("term of another role", e.lease("notary", 2, hour, "").Term, int64(1))
	e.held(renewed, 2)
}

func leaseExpires(e *Env) {
	e.lease(role, 1, instant, "")
	e.expired(role)
	second := e.lease(role, 2, hour, "")
	e.same("term after one expired", second.Term, int64(2))
	e.held(second, 1)
}

func leaseOwnExpires(e *Env) {
	for term := range int64(3) {
		e.same("term", e.lease(role, 1, instant, "").Term, term+1)
		e.expired(role)
	}
}

func leaseReleased(e *Env) {
	e.ok("release of what nobody has", e.S.Release(e.ctx, role, event(1)))
	first := e.lease(role, 1, hour, "mine")
	e.ok("release by another", e.S.Release(e.ctx, role, event(2)))
	e.held(first, 2)
	e.ok("release", e.S.Release(e.ctx, role, event(1)))
	e.same("leases after release", e.leases(""), []vault.Lease(nil))
	second := e.lease(role, 2, hour, "")
	e.same("term after release", second.Term, int64(2))
	e.ok("release by the one before", e.S.Release(e.ctx, role, event(1)))
	e.held(second, 1)
}

func leaseTerms(e *Env) {
	last := int64(0)
	for i := range 4 {
		l := e.lease(role, i, hour, "")
		if l.Term <= last {
			e.Errorf("term %d after %d", l.Term, last)
		}
		last = l.Term
		e.ok("release", e.S.Release(e.ctx, role, event(i)))
		e.reopen()
	}
	before := e.lease(role, 7, hour, "")
	e.reopen() // a store of one process may end its leases, and then the next term comes
	if after := e.lease(role, 7, hour, ""); after.Term < before.Term {
		e.Errorf("term %d after %d and a reopen", after.Term, before.Term)
	}
}

func leasesListed(e *Env) {
	e.same("leases of a new vault", e.leases(""), []vault.Lease(nil))
	for i, r := range []string{"node/2", "node/10", "eraser", "node%", "nod", "node/1"} {
		e.lease(r, i, hour, r)
	}
	e.lease("node/gone", 8, instant, "")
	e.expired("node/gone")
	e.lease("node/back", 9, hour, "")
	e.ok("release", e.S.Release(e.ctx, "node/back", event(9)))
	for prefix, want := range map[string][]int{"": {2, 4, 3, 5, 1, 0}, "node/": {5, 1, 0}, "node%": {3}, "eraser": {2}, "x": nil, "n_de": nil} {
		got := e.leases(prefix)
		roles := []string{"node/2", "node/10", "eraser", "node%", "nod", "node/1"}
		e.same("number of leases with "+prefix, len(got), len(want))
		for i, k := range want {
			e.sameLease("lease with "+prefix, got[i], leaseOf(roles[k], k, 1, roles[k]))
			if got[i].Left <= 0 || got[i].Left > hour {
				e.Errorf("%v are left", got[i].Left)
			}
		}
	}
}

func leaseNotes(e *Env) {
	note := blobOf("note", 1, vault.MaxNote)
	given := bytes.Clone(note)
	_, err := e.S.Lease(e.ctx, role, event(1), hour, given)
	e.ok("lease", err)
	clear(given)
	want := leaseOf(role, 1, 1, string(note))
	e.sameLease("lease with a long note", e.leases(role)[0], want)
	_, err = e.S.Lease(e.ctx, role, event(1), 3*hour, append(note, 1))
	e.is("lease with too long a note", err, vault.ErrNote)
	e.held(want, 2)
	e.lease(role, 1, hour, "")
	e.held(leaseOf(role, 1, 1, ""), 2)
}

func raceLease(e *Env) {
	got := make([]vault.Lease, racers)
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() { got[i], errs[i] = e.S.Lease(e.ctx, role, event(i), hour, nil) })
	}
	wg.Wait()
	var winner domain.ID
	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winner = event(i)
			winners++
		case !errors.Is(err, vault.ErrHeld):
			e.Errorf("a loser's error is %v", err)
		}
	}
	e.same("winners", winners, 1)
	for _, l := range got {
		e.same("holder", l.Holder, winner)
		e.same("term", l.Term, int64(1))
	}
}

// fenced demands that a batch under a lease is refused and leaves nothing.
func (e *Env) fenced(what, role string, term int64) {
	e.Helper()
	first := e.prepare(batch(30, 31, subject(30)))
	defer e.done(vault.Settled{Number: first, Base: 30})
	before := e.dump()
	b := full()
	b.Done = []vault.Settled{{Number: first, Base: 99}}
	b.Lease = &vault.LeaseCheck{Role: role, Term: term}
	_, err := e.S.Prepare(e.ctx, b)
	e.is(what, err, vault.ErrFenced)
	e.sameState(what, e.dump(), before)
}

func fencedTerm(e *Env) {
	e.lease(role, 1, instant, "")
	e.expired(role)
	e.lease(role, 2, hour, "")
	e.fenced("a batch of the term before", role, 1)
	b := full()
	b.Lease = &vault.LeaseCheck{Role: role, Term: 2}
	e.prepare(b)
	e.lease(role, 2, 2*hour, "renewed")
	b = batch(20, 22, subject(20))
	b.Lease = &vault.LeaseCheck{Role: role, Term: 2}
	e.prepare(b)
	e.same("an event of the holder's batch", e.intake(21).Found, true)
}

func fencedReleased(e *Env) {
	e.lease(role, 1, hour, "")
	e.ok("release", e.S.Release(e.ctx, role, event(1)))
	for _, c := range []vault.LeaseCheck{{Role: role, Term: 1}, {Role: "never", Term: 1}, {Role: "never"}} {
		b := batch(20, 21, subject(20))
		b.Lease = &c
		_, err := e.S.Prepare(e.ctx, b)
		e.is("a batch without a lease", err, vault.ErrFenced)
	}
	e.lease(role, 1, hour, "")
	e.fenced("a batch of one's own earlier term", role, 1)
}

func fencedExpired(e *Env) {
	e.lease(role, 1, instant, "")
	e.expired(role)
	b := full()
	b.Lease = &vault.LeaseCheck{Role: role, Term: 1}
	e.prepare(b)
}

func generationChecked(e *Env) {
	e.prepare(batch(30, 31, subject(30)))
	of := func(generation, i int) *vault.Batch {
		b := batch(i, i+1, subject(i))
		b.Generation = generation
		return b
	}
	e.prepare(of(1, 0))
	before := e.dump()
	_, err := e.S.Prepare(e.ctx, of(2, 1))
	e.is("a batch of the next generation", err, vault.ErrGeneration)
	e.sameState("after it", e.dump(), before)
	e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(0))))
	_, err = e.S.Prepare(e.ctx, of(1, 1))
	e.is("a batch of the generation before", err, vault.ErrGeneration)
	e.same("its event", e.intake(1).Found, false)
	e.prepare(of(2, 1))
	e.prepare(of(0, 2))
}
