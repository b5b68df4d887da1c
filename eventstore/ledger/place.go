package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/vault"
)

// A group may be appended by more than one: by the node that prepared it, more than
// once when an answer was lost, and by another that found it pending too long. It
// stands in the log once, because whoever appends it looks first in what came since it
// was planned, and appends at exactly the position up to which it looked.
//
// Groups of one node stand in the log in the order in which they were prepared: the
// node appends them so, and others help in order of their numbers and pass over none.
// So what comes behind a group need not be looked for before it.

// placing is a group on its way into the log.
type placing struct {
	facts [][]byte
	from  domain.Position // the group does not begin below
	at    domain.Position // a head that the log had: where the group is tried
}

// patience bounds one call of the log.
const patience = 5 * time.Second

// place returns where the group stands. After eventstore.ErrUnavailable it is called
// again with the same p.
func (l *Ledger) place(ctx context.Context, p *placing) (domain.Position, error) {
	for {
		if p.from < p.at {
			base, found, err := l.look(ctx, p)
			if err != nil || found {
				return base, err
			}
		}
		if p.at < p.from {
			return 0, fmt.Errorf("%w (the log ends at %d, it ended at %d before)", ErrDiverged, p.at, p.from)
		}
		err := l.append(ctx, p.at, p.facts)
		var moved *eventstore.WrongHeadError
		switch {
		case err == nil:
			l.sawHead(p.at + domain.Position(len(p.facts)))
			return p.at, nil
		case !errors.As(err, &moved):
			return 0, err
		case moved.Actual < p.at:
			return 0, fmt.Errorf("%w (the log ended at %d and ends at %d)", ErrDiverged, p.at, moved.Actual)
		}
		p.at = moved.Actual
		l.sawHead(p.at)
	}
}

// append is the log's, within patience.
func (l *Ledger) append(ctx context.Context, at domain.Position, facts [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return late(l.cfg.Log.Append(ctx, at, facts))
}

// late makes of a deadline of ours what it means: the log did not answer.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	return err
}

// logHead asks the log.
func (l *Ledger) logHead(ctx context.Context) (domain.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	head, err := l.cfg.Log.Head(ctx)
	if err == nil {
		l.sawHead(head)
	}
	return head, late(err)
}

// someFacts are read in one go while looking for a group; when there are more, the
// vault is asked first whether it knows where the group is.
const someFacts = 10_000

// look searches [from, at). It is called again after eventstore.ErrUnavailable, and
// goes on where it was.
func (l *Ledger) look(ctx context.Context, p *placing) (base domain.Position, found bool, err error) {
	told := false
	if p.at-p.from > someFacts {
		if base, told = l.settledAt(ctx, p.facts[0]); told && (base < p.from || base >= p.at) {
			return 0, false, fmt.Errorf("%w (position %d)", ErrDiverged, base)
		}
		if told {
			p.from = base
		}
	}
	for p.from < p.at {
		n, next, err := l.lookAmong(ctx, p)
		switch {
		case err != nil:
			return 0, false, err
		case n == len(p.facts):
			return next - domain.Position(n), true, nil
		case n > 0 || told:
			return 0, false, fmt.Errorf("%w (position %d)", ErrDiverged, next)
		}
		p.from = next
	}
	return 0, false, nil
}

// lookAmong reads some facts from p.from on: how many of the group stand there, to
// where it read.
func (l *Ledger) lookAmong(ctx context.Context, p *placing) (n int, next domain.Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next = p.from
	err = l.cfg.Log.Read(ctx, p.from, p.at, func(at domain.Position, b []byte) error {
		same := n < len(p.facts) && bytes.Equal(b, p.facts[n])
		switch {
		case same:
			n++
		case n > 0 && n < len(p.facts):
			return fmt.Errorf("%w (position %d)", ErrDiverged, at)
		case n > 0 || at >= p.from+someFacts:
			return errEnough
		}
		next = at + 1
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, next, fmt.Errorf("read back: %w", late(err))
	}
	return n, next, nil
}

var errEnough = errors.New("nothing more is read")

// settledAt is where the vault knows a group to be, by its first fact.
func (l *Ledger) settledAt(ctx context.Context, fact []byte) (domain.Position, bool) {
	f, err := event.DecodeFact(fact)
	if err != nil {
		return 0, false
	}
	known, err := l.cfg.Vault.Intake(ctx, []domain.ID{f.ID})
	if err != nil || !known[0].Found || known[0].Pending {
		return 0, false
	}
	return known[0].Position, true
}

// sawHead remembers the highest head that was seen.
func (l *Ledger) sawHead(p domain.Position) {
	l.headAt.Store(int64(time.Since(l.opened)))
	for {
		now := l.head.Load()
		if int64(p) <= now || l.head.CompareAndSwap(now, int64(p)) {
			return
		}
	}
}

const freshHead = 50 * time.Millisecond

// recentHead is a head that the log had, a moment ago if the log answers.
func (l *Ledger) recentHead(ctx context.Context) domain.Position {
	if time.Since(l.opened)-time.Duration(l.headAt.Load()) > freshHead {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, _ = l.logHead(ctx) // what was known before is as true
	}
	return domain.Position(l.head.Load())
}

// unreachable reports a store that may come back by itself.
func unreachable(err error) bool {
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, vault.ErrUnavailable)
}

const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// pause waits, longer each time and never twice the same, and reports whether to go on.
func (l *Ledger) pause(tries int) bool {
	most := min(firstPause<<min(tries, 10), lastPause)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closed:
	case <-l.failed:
	}
	return false
}
