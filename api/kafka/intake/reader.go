package intake

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"greffe/eventstore/ledger"
)

const (
	ahead      = 2 // batches that wait behind the one that is recorded
	shares     = ahead + 2
	leastFetch = 64 << 10
	mostFetch  = 2 << 20
	manyErrors = 3 // of a reader, after which its connections are made anew
)

// reader reads and records one partition during one generation.
type reader struct {
	in    *Intake
	at    place
	route *route
	stand *standing
	size  int32 // bytes of one fetch
	next  int64 // offset to fetch; kafkago.FirstOffset: from the beginning
	done  atomic.Int64
	ready chan *batch
	sent  []*batch // the last ones, some of which may not be recorded yet
}

func (in *Intake) newReader(at place, from int64, partitions int) *reader {
	r := &reader{in: in, at: at, route: in.routes[at.topic], stand: in.state.standing(at), next: from, ready: make(chan *batch, ahead),
		size: int32(min(max(in.tune.Window/int64(shares*partitions), leastFetch), mostFetch))}
	r.done.Store(from) // below 0 while nothing was committed
	r.stand.committed.Store(from)
	return r
}

// run fetches and records until ctx ends. calls ends a little later, so that
// what is under way is not done again by others.
func (r *reader) run(ctx, calls context.Context) {
	var fetching sync.WaitGroup
	fetching.Go(func() { r.fetch(ctx, calls) })
	defer fetching.Wait()
	wait := backoff{first: r.in.tune.BackoffFirst, most: r.in.tune.BackoffMost}
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-r.ready:
			for {
				err := r.attempt(calls, b.take)
				if err == nil {
					break
				}
				if ctx.Err() != nil {
					return
				}
				r.waits(err)
				if wait.sleep(ctx); ctx.Err() != nil {
					return
				}
			}
			wait.reset()
			r.stand.resumed()
			r.stand.count(b)
			r.done.Store(b.next)
			r.stand.position.Store(b.next)
		}
	}
}

// attempt calls the ledger, for as long as one call may take.
func (r *reader) attempt(calls context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(calls, r.in.tune.RecordWait)
	defer cancel()
	return do(ctx)
}

// waits tells that the partition cannot go on.
func (r *reader) waits(err error) {
	if first := r.stand.waits(err, time.Now()); !first {
		return
	}
	how := r.in.deps.Logger.Warn
	if !errors.Is(err, ledger.ErrBusy) && !errors.Is(err, ledger.ErrUnknown) {
		how = r.in.deps.Logger.Error
	}
	how("kafka intake: the ledger cannot take a partition's events now; it waits and tries again",
		"topic", r.at.topic, "partition", r.at.partition, "offset", r.done.Load(), "error", err)
}

// fetch brings batches in order. What protects people it records at once: also
// while those before cannot be taken.
func (r *reader) fetch(ctx, calls context.Context) {
	wait := backoff{first: r.in.tune.BackoffFirst, most: r.in.tune.BackoffMost}
	errorsInRow, progress := 0, time.Now()
	for ctx.Err() == nil {
		transport := r.in.transport.Load()
		p, err := r.page(ctx, transport)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			errorsInRow = 0
			wait.reset()
			r.stand.reads(p)
		default:
			errorsInRow++
			r.stand.fails(err)
			r.in.deps.Logger.Debug("kafka intake: fetch", "topic", r.at.topic, "partition", r.at.partition, "error", err)
		}
		if err == nil && (p.next > r.next || p.end <= r.next) {
			progress = time.Now()
		}
		if errorsInRow >= manyErrors || time.Since(progress) > r.in.tune.Stall {
			r.in.rebuild(transport)
			errorsInRow, progress = 0, time.Now()
		}
		if err != nil {
			wait.sleep(ctx)
			continue
		}
		if r.stand.isWaiting() {
			r.guard(calls)
		}
		if !r.hand(ctx, calls, p) {
			return
		}
		r.next = p.next
	}
}

// page fetches what follows, and sees to offsets that the broker does not have.
func (r *reader) page(ctx context.Context, transport *kafkago.Transport) (*page, error) {
	if r.next < 0 {
		first, _, err := r.in.bounds(ctx, r.at)
		if err != nil {
			return nil, err
		}
		r.next = first
		r.stand.position.Store(first)
	}
	p, err := r.in.fetch(ctx, transport, r.at, r.next, r.size)
	if !errors.Is(err, kafkago.OffsetOutOfRange) {
		return p, err
	}
	first, err := r.in.overtaken(ctx, r.at, r.next)
	if err != nil {
		return nil, err
	}
	r.stand.gaps.Add(1)
	return &page{next: first, end: first, restart: true}, nil
}

// hand gives a page to the recorder in batches. It reports false when the
// generation ended.
func (r *reader) hand(ctx, calls context.Context, p *page) bool {
	if p.next == r.next {
		return true
	}
	for from := 0; from < len(p.messages) || from == 0; {
		n := r.in.fitting(p.messages[from:])
		b := r.in.understand(ctx, r, p.messages[from:from+n])
		if b == nil {
			return false
		}
		if from += n; from < len(p.messages) {
			b.next = p.messages[from].offset
		} else {
			b.next = p.next
		}
		if !r.send(ctx, calls, b) {
			return false
		}
		if n == 0 {
			break
		}
	}
	return true
}

// send waits for the recorder to take b. What protects people is not waited
// with.
func (r *reader) send(ctx, calls context.Context, b *batch) bool {
	if r.sent = append(r.sent, b); len(r.sent) > shares {
		r.sent = r.sent[1:]
	}
	if len(r.ready) > 0 || r.stand.isWaiting() { // else it is recorded first anyway
		r.guard(calls)
	}
	wait := backoff{first: r.in.tune.BackoffFirst, most: r.in.tune.BackoffMost}
	for {
		timer := time.NewTimer(wait.next())
		select {
		case r.ready <- b:
			timer.Stop()
			return true
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
			r.guard(calls)
		}
	}
}

// guard records what protects people of all that was fetched. What fails is
// tried again, here and by the recorder.
func (r *reader) guard(calls context.Context) {
	for _, b := range r.sent {
		if !b.safe.Load() {
			_ = r.attempt(calls, b.protect)
		}
	}
}

// fitting is how many of the messages make one batch, at least one if there is
// any.
func (in *Intake) fitting(all []message) int {
	n, size := 0, 0
	for n < len(all) && n < in.tune.BatchMessages {
		if size += all[n].size(); n > 0 && size > in.tune.BatchBytes {
			break
		}
		n++
	}
	return n
}
