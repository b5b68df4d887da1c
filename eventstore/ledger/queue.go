package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// request is what one caller waits for.
type request struct {
	items []*item
	left  atomic.Int64
	done  chan struct{}
	err   error // set before done is closed, by whoever failed first
	fail  atomic.Bool
	room  int64
}

// enter waits for room, so that no queue grows without bound.
func (l *Ledger) enter(ctx context.Context, n int) (*request, error) {
	if l.Cause() != nil {
		return nil, ErrStopped
	}
	if err := l.room.Acquire(ctx, int64(n)); err != nil {
		return nil, ErrBusy
	}
	select {
	case <-l.closed:
		l.room.Release(int64(n))
		return nil, ErrStopped
	default:
	}
	return &request{done: make(chan struct{}), room: int64(n), items: make([]*item, 0, n)}, nil
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
		return req.err
	case <-ctx.Done():
		return errors.Join(ErrUnknown, ctx.Err())
	}
}

// finish answers one item.
func (l *Ledger) finish(it *item, err error) {
	req := it.req
	if err != nil && req.fail.CompareAndSwap(false, true) {
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
	for len(rest) == 0 {
		select {
		case req := <-l.queue:
			rest = append(rest, req.items...)
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
	bytes, n := 0, 0
	for n < len(rest) && n < maxGroup {
		if bytes += rest[n].estimate(); bytes > maxGroupBytes && n > 0 {
			break
		}
		n++
	}
	return rest[:n:n], rest[n:], true
}

// estimate is an upper bound of the bytes of the facts an item gives, with
// those of an actor, a producer and a quarantine item it may bring along.
func (it *item) estimate() int {
	const fact, ref, name = 420, 220, 140
	if it.own != nil {
		return fact + ref*len(it.own.Parts) + name*it.own.Codes.Size()
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
	var rest []*item
	for {
		group, left, ok := l.gather(ctx, rest)
		if !ok {
			return
		}
		rest = left
		if l.Cause() != nil {
			l.refuseAll(group, ErrStopped)
			continue
		}
		p, err := l.committer.prepare(ctx, group)
		switch {
		case err == nil:
			l.ready <- p
		case errors.Is(err, ErrFull):
			l.refuseAll(group, ErrFull)
		default:
			l.fail(fmt.Errorf("prepare a group at position %d: %w", l.committer.next, err))
			l.refuseAll(group, ErrUnknown)
		}
	}
}

func (l *Ledger) refuseAll(group []*item, err error) {
	for _, it := range group {
		l.finish(it, err)
	}
}
