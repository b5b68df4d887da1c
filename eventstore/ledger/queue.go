package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"greffe/eventstore"
	"greffe/eventstore/vault"
)

// request is what one caller waits for.
type request struct {
	items []*item
	left  atomic.Int64
	done  chan struct{}
	err   error // set before done is closed, by whoever failed first
	fail  atomic.Bool
	some  atomic.Bool // an item was recorded, or answered for good
	room  int64
}

// enter waits for room for n items of so many bytes, so that no queue grows
// without bound.
func (l *Ledger) enter(ctx context.Context, n, bytes int) (*request, error) {
	if l.stopped() {
		return nil, ErrStopped
	}
	room := min(max(int64(n), int64(bytes/roomBytes)), maxQueued)
	if err := l.room.Acquire(ctx, room); err != nil {
		return nil, ErrBusy
	}
	if l.stopped() {
		l.room.Release(room)
		return nil, ErrStopped
	}
	return &request{done: make(chan struct{}), room: room, items: make([]*item, 0, n)}, nil
}

func (l *Ledger) stopped() bool {
	select {
	case <-l.closed:
		return true
	case <-l.failed:
		return true
	default:
		return false
	}
}

// submit hands a request to the committer and waits for its answers. When the
// caller's context ends first the work goes on and its outcome is unknown.
func (l *Ledger) submit(ctx context.Context, req *request) error {
	if len(req.items) == 0 {
		l.room.Release(req.room)
		return nil
	}
	req.left.Store(int64(len(req.items)))
	select {
	case l.queue <- req:
	case <-l.failed:
		l.room.Release(req.room)
		return ErrStopped
	case <-ctx.Done():
		l.room.Release(req.room)
		return ErrBusy
	}
	select {
	case <-req.done:
		if req.err != nil && req.some.Load() {
			return partly(req.err)
		}
		return req.err
	case <-ctx.Done():
		return errors.Join(ErrUnknown, ctx.Err())
	}
}

// partly is the error of what was recorded in part: its class no longer holds
// for the whole, so it is told and not wrapped.
func partly(err error) error {
	if errors.Is(err, ErrUnknown) {
		return err
	}
	return fmt.Errorf("%w (a part was recorded, then: %v)", ErrUnknown, err)
}

// finish answers one item.
func (l *Ledger) finish(it *item, err error) {
	req := it.req
	switch {
	case err == nil:
		req.some.Store(true)
	case req.fail.CompareAndSwap(false, true):
		req.err = err
	}
	if req.left.Add(-1) == 0 {
		l.room.Release(req.room)
		close(req.done)
	}
}

// gather waits for a request and takes what else is queued, up to one group.
// rest holds what did not fit.
func (l *Ledger) gather(ctx context.Context, rest []*item) (group, left []*item, ok bool) {
	select {
	case <-l.committer.turn.C:
		l.committer.sets.turn()
	default:
	}
	for len(rest) == 0 {
		select {
		case req := <-l.queue:
			rest = append(rest, req.items...)
		case <-l.committer.turn.C:
			l.committer.sets.turn()
		case <-ctx.Done():
			return nil, nil, false
		}
	}
	for len(rest) < maxGroup {
		select {
		case req := <-l.queue:
			rest = append(rest, req.items...)
			continue
		default:
		}
		break
	}
	n := fitting(rest)
	return rest[:n:n], rest[n:], true
}

// fitting is how many of the first items make one group, at least one.
func fitting(items []*item) (n int) {
	facts, input, names := 0, 0, 0
	for n < len(items) && n < maxGroup {
		it := items[n]
		if it.lease != items[0].lease { // refused for one, all of its group would be
			break
		}
		facts, input, names = facts+it.estimate(), input+len(it.raw), names+len(it.others)
		if n > 0 && (facts > maxGroupBytes || input > maxGroupInput || names > maxGroupNames) {
			break
		}
		n++
	}
	return n
}

// estimate is about the bytes of the facts an item gives, with those of an actor
// it may bring along. A group that turns out too large is halved.
func (it *item) estimate() int {
	const fact, ref, name = 420, 220, 140
	if it.own != nil {
		n := fact + ref*len(it.own.Parts) + name*it.own.Codes.Size()
		if e := it.own.erase; e != nil {
			n *= len(e.Orders)
		}
		return n
	}
	if it.draft == nil {
		return 3 * (fact + ref)
	}
	d := it.draft
	n := fact + ref*(len(it.parts)+1) + name*(len(d.Unset)+2*len(d.Warnings)+len(d.Lacks)) + name*d.Codes.Size()
	for _, f := range d.Fields {
		n += len(f.Path) + 3
	}
	if it.in.Actor != "" {
		n += fact + ref
	}
	return n
}

// commitLoop prepares groups until the ledger closes or fails.
func (l *Ledger) commitLoop(ctx context.Context) {
	defer l.wg.Done()
	defer close(l.ready)
	defer l.committer.turn.Stop()
	var rest []*item
	for {
		group, left, ok := l.gather(ctx, rest)
		if !ok {
			return
		}
		rest = left
		l.commit(l.calls, group)
	}
}

// commit prepares one group and hands it to the appender, or refuses it.
func (l *Ledger) commit(ctx context.Context, group []*item) {
	switch {
	case l.Cause() != nil:
		l.refuseAll(group, ErrStopped)
		return
	case l.left.Load():
		l.refuseAll(group, ErrUnavailable)
		return
	}
	p, err := l.committer.prepare(ctx, group)
	switch {
	case err == nil:
		l.ready <- p
	case (errors.Is(err, eventstore.ErrTooLarge) || errors.Is(err, errContended)) && len(group) > 1:
		half := len(group) / 2
		l.commit(ctx, group[:half])
		l.commit(ctx, group[half:])
	case errors.Is(err, errContended):
		l.cfg.Logger.Warn("an event could not be recorded: the vault changed under it again and again")
		l.refuseAll(group, ErrBusy)
	case errors.Is(err, vault.ErrGeneration):
		l.fail(fmt.Errorf("the peppers were rotated while this node ran; restart it: %w", err))
		l.refuseAll(group, ErrStopped)
	case errors.Is(err, ErrFull), errors.Is(err, ErrFenced), errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnknown):
		l.refuseAll(group, err)
	default:
		l.fail(fmt.Errorf("prepare a group: %w", err))
		l.refuseAll(group, ErrUnknown)
	}
}

func (l *Ledger) refuseAll(group []*item, err error) {
	for _, it := range group {
		l.finish(it, err)
	}
}
