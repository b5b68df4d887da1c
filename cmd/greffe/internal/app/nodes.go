package app

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// Several nodes may serve one ledger; none has truth of its own. What one alone may
// do at a time (housekeeping, telling recipients, publishing, writing the audit
// dataset, taking up the erasures of a node that died) is done by who holds the
// lease "keeper". Leases are kept by the vault, whose clock counts: a node that was
// paused finds its lease taken, and what it writes under the old term is refused by
// the vault (vault.ErrFenced). A ledger with a store in its data directory has one
// node, which needs no lease.
//
// Each node also holds a lease of its own, with how far its read models are: an
// erasure is certified when every node that serves has applied it.
const (
	leaseLife  = 10 * time.Second
	leaseBeat  = leaseLife / 4
	noteBeat   = 500 * time.Millisecond // when there is news
	roleKeeper = "keeper"
	roleNode   = "node/"
	roleFirst  = "bootstrap" // who makes the first administrator
	roleStaff  = "accounts"  // who decides about accounts
)

// member is this process among others.
type member struct {
	id      domain.ID
	serving atomic.Bool
	keeps   atomic.Bool // holds the lease of the keeper
	counted atomic.Pointer[counted]
}

// counted says since when, and from where on, erasures wait for this node.
type counted struct {
	renewed time.Time       // erasures wait for it until leaseLife later
	from    domain.Position // what is below may have been certified without it
}

func (c *counted) lapsed() bool { return c == nil || time.Since(c.renewed) >= leaseLife }

// note is what a node's lease says of it.
type note struct {
	Name    string          `json:"name"`
	Serving bool            `json:"serving"`
	Applied domain.Position `json:"applied"` // next fact that a read model about persons lacks
	Fence   int64           `json:"fence"`   // records in its fence
}

// beat keeps this node's own lease until ctx ends.
func (a *App) beat(ctx context.Context) {
	tick := time.NewTicker(noteBeat)
	defer tick.Stop()
	var last note
	var at time.Time
	role := roleNode + a.self.id.String()
	for {
		now := a.note(ctx)
		if now != last || time.Since(at) >= leaseBeat {
			if err := a.tell(ctx, role, now); err == nil {
				last, at = now, time.Now()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			a.release(ctx, role)
			return
		}
	}
}

// parting bounds each call of the vault when this process ends: what it does not learn
// then, it learns when the lease is over, or from who opens the ledger next.
const parting = 2 * time.Second

func (a *App) release(ctx context.Context, role string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	_ = a.vault.Release(ctx, role, a.self.id)
}

func (a *App) tell(ctx context.Context, role string, n note) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, leaseBeat) // the next may get through before the lease is over
	defer cancel()
	began, was := time.Now(), a.self.counted.Load()
	if _, err = a.vault.Lease(ctx, role, a.self.id, leaseLife, b); err != nil {
		return err
	}
	now := counted{renewed: began}
	if was.lapsed() {
		if now.from, err = a.Ledger.Head(ctx); err != nil {
			return err
		}
	} else {
		now.from = was.from
	}
	a.self.counted.Store(&now)
	return nil
}

// Current waits until erasures that were certified are applied here, as long as ctx
// lasts: a node that stood still, or did not reach the vault, for longer than its lease
// lasts was not waited for. It serves no reads before it caught up.
func (a *App) Current(ctx context.Context) error {
	if !a.cfg.several() || !a.self.serving.Load() {
		return nil
	}
	for {
		c := a.self.counted.Load()
		if !c.lapsed() && a.runner.Applied(a.aboutPersons()...) >= c.from {
			return nil
		}
		if pause(ctx, noteBeat/10); ctx.Err() != nil {
			return errNotCounted
		}
	}
}

var errNotCounted = errors.New("this node was not among those that erasures wait for, and has not caught up")

func (a *App) note(ctx context.Context) note {
	n := note{Name: a.cfg.Node, Serving: a.self.serving.Load(), Fence: a.Fence.Mark().Number}
	n.Applied = a.runner.Applied(a.aboutPersons()...)
	return n
}

// aboutPersons are the read models that hold something of persons, and the index.
func (a *App) aboutPersons() []string {
	names := []string{a.Index.Name()}
	for _, s := range a.stores() {
		names = append(names, s.Name)
	}
	return names
}

// Join makes this node one that answers requests: from here on erasures wait for
// it. It returns when the node has applied what was in the log then.
func (a *App) Join(ctx context.Context) error {
	if !a.cfg.several() {
		return nil
	}
	a.self.serving.Store(true)
	if err := a.tell(ctx, roleNode+a.self.id.String(), a.note(ctx)); err != nil {
		return err
	}
	return a.CaughtUp(ctx)
}

// elsewhere waits until every other node that serves has applied the fact at a
// position in what it holds of persons.
func (a *App) elsewhere(ctx context.Context, at domain.Position) error {
	if !a.cfg.several() {
		return nil
	}
	tick := time.NewTicker(noteBeat / 2)
	defer tick.Stop()
	for {
		behind, err := a.behind(ctx, at)
		if err != nil || len(behind) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(errNodesBehind(behind), ctx.Err())
		}
	}
}

type errNodesBehind []string

func (e errNodesBehind) Error() string {
	return "these nodes have not applied the erasure yet: " + strings.Join(e, ", ")
}

func (a *App) behind(ctx context.Context, at domain.Position) (names []string, err error) {
	leases, err := a.vault.Leases(ctx, roleNode)
	if err != nil {
		return nil, err
	}
	for _, l := range leases {
		var n note
		if err := json.Unmarshal(l.Note, &n); err != nil {
			return nil, err
		}
		if l.Holder != a.self.id && n.Serving && n.Applied <= at {
			names = append(names, n.Name)
		}
	}
	return names, nil
}

// termKey is the key of the lease that work is done under, in its context.
type termKey struct{}

// under is the lease that the work of ctx is done under, nil if none is needed.
func under(ctx context.Context) *vault.LeaseCheck {
	l, _ := ctx.Value(termKey{}).(*vault.LeaseCheck)
	return l
}

// holding does work while this node holds the lease of a role, until ctx ends. The
// work's ctx ends when the lease is lost, and says what it is to write under.
func (a *App) holding(ctx context.Context, role string, work func(ctx context.Context)) {
	if !a.cfg.several() {
		work(ctx)
		return
	}
	for ctx.Err() == nil {
		began := time.Now()
		l, err := a.vault.Lease(ctx, role, a.self.id, leaseLife, nil)
		if err != nil {
			pause(ctx, leaseBeat)
			continue
		}
		a.cfg.Logger.Info("this node holds a lease", "role", role, "term", l.Term)
		held, lose := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			work(context.WithValue(held, termKey{}, &vault.LeaseCheck{Role: role, Term: l.Term}))
		}()
		a.renew(held, role, l.Term, began, ended)
		lose()
		<-ended
		if ctx.Err() != nil {
			a.release(ctx, role)
			return
		}
		a.cfg.Logger.Warn("this node lost a lease; another does its work", "role", role, "term", l.Term)
	}
}

// renew returns when the lease is lost, or may be, or ctx or the work ended.
func (a *App) renew(ctx context.Context, role string, term int64, last time.Time, ended <-chan struct{}) {
	tick := time.NewTicker(leaseBeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-ended:
			return
		}
		if time.Since(last) >= leaseLife { // this process stood still
			return
		}
		began := time.Now()
		call, cancel := context.WithTimeout(ctx, leaseBeat)
		l, err := a.vault.Lease(call, role, a.self.id, leaseLife, nil)
		cancel()
		switch {
		case errors.Is(err, vault.ErrHeld), err == nil && l.Term != term:
			return
		case err == nil:
			last = began
		case time.Since(last) >= leaseLife-leaseBeat: // the vault cannot be reached
			return
		}
	}
}

// alone does work once while this node holds the lease of a role, which it waits for.
// What work writes is to be under the lease: if that was lost meanwhile, it is done
// again.
func (a *App) alone(ctx context.Context, role string, work func(*vault.LeaseCheck) error) error {
	if !a.cfg.several() {
		return work(nil)
	}
	for ctx.Err() == nil {
		l, err := a.vault.Lease(ctx, role, a.self.id, leaseLife, nil)
		if err == nil {
			err = work(&vault.LeaseCheck{Role: role, Term: l.Term})
			_ = a.vault.Release(context.WithoutCancel(ctx), role, a.self.id)
		}
		if !errors.Is(err, vault.ErrHeld) && !errors.Is(err, ledger.ErrFenced) {
			return err
		}
		pause(ctx, noteBeat/2)
	}
	return ctx.Err()
}

// leased writes facts of the ledger itself under a lease.
type leased struct {
	*ledger.Ledger
	lease *vault.LeaseCheck
}

// Write implements auth.Facts.
func (l leased) Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error) {
	return l.WriteUnder(ctx, l.lease, owns)
}

// stopped demands that no node serves the ledger, and waits for as long as the lease of
// one that died may last. Otherwise ledger.ErrRunning.
func (a *App) stopped(ctx context.Context) error {
	if !a.cfg.several() {
		return nil
	}
	for end := time.Now().Add(leaseLife + leaseBeat); ; pause(ctx, noteBeat) {
		served, err := a.served(ctx)
		switch {
		case err != nil || !served:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return ledger.ErrRunning
		}
	}
}

// keepsAudit tells that this process writes the audit dataset that the nodes share, or
// does so once the lease of a node that died is over.
func (a *App) keepsAudit(ctx context.Context) (bool, error) {
	for ctx.Err() == nil {
		if a.self.keeps.Load() {
			return true, nil
		}
		if served, err := a.served(ctx); err != nil || served {
			return false, err
		}
		pause(ctx, noteBeat/4)
	}
	return false, ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
