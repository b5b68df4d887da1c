package ledger

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

const (
	helpAfter = 5 * time.Second        // a batch that is pending so long is appended by whoever sees it
	helpBeat  = helpAfter / 4          // how often is looked
	lookAfter = 500 * time.Millisecond // when somebody waits so long, it is looked for in the log
	tellAfter = 200 * time.Millisecond // the vault is told of what is in the log, if no batch tells it
	firstLook = 5 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// helper does what waits for others: it answers items that repeat what is pending,
// tells the vault what is in the log, appends what other nodes prepared and left, and
// follows their policies. Its loop is one goroutine.
type helper struct {
	mu      sync.Mutex
	waiting []waiter
	wake    chan struct{}
	follow  atomic.Bool // a policy was published and could not be read yet

	sightings map[int64]*sighting // of the loop alone
}

// waiter is an item whose answer is known and waits for an event of another group to
// be in the log.
type waiter struct {
	item  *item
	since time.Time
}

// sighting is a batch that is pending, since it was seen first.
type sighting struct {
	first time.Time
	way   placing
}

// wait hands an item over.
func (l *Ledger) wait(it *item) {
	l.helper.mu.Lock()
	l.helper.waiting = append(l.helper.waiting, waiter{it, time.Now()})
	l.helper.mu.Unlock()
	l.nudge()
}

func (l *Ledger) nudge() {
	select {
	case l.helper.wake <- struct{}{}:
	default:
	}
}

func (l *Ledger) helpLoop(ctx context.Context) {
	defer l.wg.Done()
	closed, failed := l.closed, l.failed
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.calls, cancel)()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var looked time.Time
	for look := firstLook; ; look = min(2*look, lastLook) {
		waits := l.answerWaiting(calls)
		if l.Cause() == nil {
			l.tellSettled(calls)
			l.catchUp(calls)
			if urgent := waits > lookAfter; urgent || time.Since(looked) >= helpBeat {
				l.helpOthers(calls, urgent)
				looked = time.Now()
			}
		}
		next := helpBeat
		if _, some := l.own.waits(); some {
			next = tellAfter
		}
		if waits > 0 {
			next = look
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-l.helper.wake:
			look = firstLook
		case <-closed:
			closed = nil
		case <-failed:
			failed = nil
		case <-ctx.Done():
			return
		}
	}
}

// answerWaiting answers whoever waits for what is in the log by now, and tells how
// long the others wait. Of a ledger that stops nobody goes on waiting.
func (l *Ledger) answerWaiting(ctx context.Context) (longest time.Duration) {
	l.helper.mu.Lock()
	all := l.helper.waiting
	l.helper.waiting = nil
	l.helper.mu.Unlock()
	var left []waiter
	for some := range slices.Chunk(all, maxGroup) {
		ids := make([]domain.ID, len(some))
		for i, w := range some {
			ids[i] = w.item.awaits
		}
		known, err := l.cfg.Vault.Intake(ctx, ids)
		for i, w := range some {
			switch {
			case err == nil && known[i].Found && !known[i].Pending:
				l.seen(w.item, known[i].Position)
			case l.stopped():
				l.finish(w.item, ErrUnknown)
			default:
				left = append(left, w)
				longest = max(longest, time.Since(w.since))
			}
		}
	}
	l.helper.mu.Lock()
	l.helper.waiting = append(l.helper.waiting, left...)
	l.helper.mu.Unlock()
	if len(left) > 0 {
		longest = max(longest, 1)
	}
	return longest
}

// tellSettled tells the vault what is in the log, when recording has nothing to tell
// it with.
func (l *Ledger) tellSettled(ctx context.Context) {
	since, some := l.own.waits()
	if !some || time.Since(since) < tellAfter {
		return
	}
	if err := l.tell(ctx); err != nil && ctx.Err() == nil {
		l.cfg.Logger.Warn("the vault could not be told what is in the log yet", "error", err)
	}
}

// tell is told again when it fails; what was told twice is no matter.
func (l *Ledger) tell(ctx context.Context) error {
	some := l.own.list()
	if len(some) == 0 {
		return nil
	}
	err := l.cfg.Vault.Done(ctx, some)
	if err == nil {
		l.own.told(some)
	}
	return err
}

// helpOthers appends what is pending for long, in order of number; what is younger,
// and what comes behind it, is left alone. If it is urgent, the younger are looked for
// in the log.
func (l *Ledger) helpOthers(ctx context.Context, urgent bool) {
	now, seen, wait := time.Now(), map[int64]*sighting{}, false
	err := l.cfg.Vault.Pending(ctx, func(p vault.Pending) error {
		flying, inLog := l.own.state(p.Number)
		if flying || inLog {
			wait = wait || !inLog
			return nil
		}
		s := l.helper.sightings[p.Number]
		if s == nil {
			s = &sighting{first: now, way: placing{from: p.Base}}
			l.helper.sightings[p.Number] = s // also if this look fails
		}
		seen[p.Number] = s
		old := now.Sub(s.first) >= helpAfter
		if !old && !urgent {
			wait = true
			return nil
		}
		s.way.facts = p.Facts
		defer func() { s.way.facts = nil }()
		if old && !wait {
			return l.help(ctx, p.Number, &s.way)
		}
		found, err := l.lookFor(ctx, p.Number, &s.way)
		wait = wait || !found
		return err
	})
	switch {
	case err == nil:
		l.helper.sightings = seen
	case ctx.Err() != nil:
	case unreachable(err):
		l.cfg.Logger.Warn("what other nodes left could not be appended yet", "error", err)
	default:
		l.fail(fmt.Errorf("append what other nodes left: %w", err))
	}
}

// lookFor looks whether a pending batch is in the log.
func (l *Ledger) lookFor(ctx context.Context, number int64, way *placing) (found bool, err error) {
	if way.at, err = l.logHead(ctx); err != nil {
		return false, err
	}
	base, found, err := l.look(ctx, way)
	if found {
		l.own.settle(vault.Settled{Number: number, Base: base})
	}
	return found, err
}

// help brings a pending batch into the log, whosever it is.
func (l *Ledger) help(ctx context.Context, number int64, way *placing) error {
	found, err := l.lookFor(ctx, number, way)
	if err != nil || found {
		return err
	}
	base, err := l.place(ctx, way)
	if err != nil {
		return err
	}
	l.own.settle(vault.Settled{Number: number, Base: base})
	l.cfg.Logger.Info("appended what was prepared and left", "position", base, "facts", len(way.facts))
	return nil
}
