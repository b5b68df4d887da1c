package auth

import (
	"context"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// guess is one try with a password or a code, and by what it is counted.
type guess struct {
	key    loginKey         // on this node
	of     domain.ID        // in the log: the account, or what stands for a name that nobody has
	what   string           // was tried, see account.Locked
	logged account.Throttle // what all nodes know
	where  string           // its network
	source string           // whose turn among those that wait for a hash
	// trusted is a try that others of its network do not make wait: from a device on
	// which its holder signed in, from a session, or after a right password.
	trusted bool
	own     bool // counted here alone: a device's or a session's tries
}

// guessed looks at a password, when it is this source's turn. Before that nothing is
// counted, so who is sent away as others were waiting has lost no try.
func (p *People) guessed(ctx context.Context, g guess, a accounts.Account, found bool, password string) (bool, error) {
	if err := p.hold(g); err != nil {
		return false, err
	}
	leave, err := p.gate.enter(ctx, g.source)
	if err != nil {
		return false, err
	}
	defer leave()
	if err := p.take(g); err != nil {
		return false, err
	}
	return p.comparePassword(ctx, a, found, password)
}

// hold tells how long a guess's network has to wait. Error: rate_limited.
func (p *People) hold(g guess) error {
	if wait := p.tries.networks.Wait(g.where); wait > 0 && !g.trusted {
		return &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
	}
	return nil
}

// take counts a try before it is looked at, so that many at once are not more than the
// rule allows; a right one clears the count. Error: rate_limited.
func (p *People) take(g guess) error {
	if err := p.hold(g); err != nil {
		return err
	}
	if wait := p.tries.take(g.key, g.logged); wait > 0 {
		return &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
	}
	return nil
}

// Facts about names that nobody has: so many at once, then one in each interval, on a
// node. Accounts need no bound: their waits grow.
const (
	strangersBurst    = 100
	strangersInterval = time.Second
)

// wrong puts a wrong proof into the log, that of a name that nobody has like that of an
// account. The fact is not waited for.
func (p *People) wrong(ctx context.Context, g guess) error {
	t := p.tries.of(g.key, g.logged)
	p.tries.networks.Take(g.where)
	if !g.own && t.Failures >= account.Recorded && (g.what != account.WhatName || p.tries.strangers.Take("").Wait == 0) {
		own := ledger.Own{Type: event.AccountLocked, Codes: event.Codes{}.With("account", g.of.String()).With("what", g.what).
			With("failures", int64(t.Failures)).With("level", int64(t.Level)).With("until", domain.FormatTime(t.Until))}
		work := func(ctx context.Context) { _, _ = p.Facts.Write(ctx, []ledger.Own{own}) } // this node counts without it
		if p.Beside == nil {
			work(ctx)
		} else {
			p.Beside(work)
		}
	}
	return problem.New(problem.CredentialsInvalid)
}
