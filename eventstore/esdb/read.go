package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"greffe/domain"
	"greffe/eventstore"
)

const (
	// pageFacts is how many facts one request asks for; the transport's flow
	// control, not this, bounds what is in memory.
	pageFacts = 16 << 10
	// chunkFacts and chunkBytes bound a piece on its way to the reader, and
	// ahead the pieces that wait for it.
	chunkFacts = 256
	chunkBytes = 512 << 10
	ahead      = 4
	// shortReads is how often a page may end early while the leader says that
	// the log goes on.
	shortReads = 3
)

// Read implements eventstore.Log. It goes on where it was cut as long as the
// store comes back within Config.Timeout or ctx's deadline.
func (l *Log) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	ctx, cancel := l.open(ctx)
	defer cancel()
	if err := context.Cause(ctx); err != nil {
		return l.readError(ctx, err)
	}
	if from > to {
		return fmt.Errorf("read [%d, %d): from is beyond to", from, to)
	}
	if to > l.knownHead() {
		bounded, cancel := l.bounded(ctx)
		head, err := l.head(bounded)
		cancel()
		if err != nil {
			return l.readError(ctx, err)
		}
		if to > head {
			return fmt.Errorf("read [%d, %d): the head is %d", from, to, head)
		}
	}
	var own error
	err := l.readPages(ctx, from, to, func(p domain.Position, b []byte) error {
		own = fn(p, b)
		return own
	})
	if own != nil {
		return own
	}
	if err != nil {
		return l.readError(ctx, err)
	}
	return nil
}

func (l *Log) readError(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), eventstore.ErrClosed) {
		return eventstore.ErrClosed
	}
	return fmt.Errorf("read: %w", err)
}

// errStop carries fn's error out of a page.
type errStop struct{ error }

// readPages gives fn the facts of [from, to), every one, or returns an error.
func (l *Log) readPages(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	next, progress, short := from, time.Now(), 0
	for n := 0; next < to; n++ {
		before := next
		err := l.page(ctx, next, min(to, next+pageFacts), func(e *client.RecordedEvent) error {
			if err := l.check(e, next); err != nil {
				return err
			}
			if err := fn(next, e.Data); err != nil {
				return errStop{err}
			}
			next++
			return nil
		})
		if next > before {
			n, progress, short = 0, time.Now(), 0
		}
		var stop errStop
		if errors.As(err, &stop) {
			return stop.error
		}
		if missing(err) && next < min(to, before+pageFacts) {
			if short++; short > shortReads {
				return l.gap(ctx, next)
			}
			err = errLower
		}
		if err == nil {
			continue
		}
		if judge(err) == verdictDeleted {
			return l.corrupt(next, "the stream is deleted for ever")
		}
		if final(err) {
			return err
		}
		if cause := context.Cause(ctx); cause != nil {
			return fmt.Errorf("at %d: %w", next, cause)
		}
		if time.Since(progress) > l.timeout || hopeless(err, n) {
			return fmt.Errorf("at %d: %w", next, unavailable(ctx, err))
		}
		if n == 0 {
			continue // the first repeat is at once
		}
		if cause := pause(ctx, n); cause != nil {
			return fmt.Errorf("at %d: %w", next, cause)
		}
	}
	return nil
}

// missing reports a page that ended as if nothing more were there.
func missing(err error) bool {
	return err == nil || judge(err) == verdictNotFound
}

// gap is the answer when p cannot be had below a head that was seen.
func (l *Log) gap(ctx context.Context, p domain.Position) error {
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	if err := l.checkMetadata(bounded); errors.Is(err, eventstore.ErrCorrupt) {
		return l.corrupt(p, "the fact is not there: the stream's metadata lets the server drop facts")
	} else if err != nil {
		return err
	}
	head, err := l.head(bounded)
	if err != nil {
		return err
	}
	return l.corrupt(p, fmt.Sprintf("the fact is not there; the stream goes on to %d", head))
}

// page asks once for [from, to) and calls fn in this goroutine for what comes.
// nil says that the first end of it was a regular one, not that all came.
func (l *Log) page(ctx context.Context, from, to domain.Position, fn func(*client.RecordedEvent) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan []*client.RecordedEvent, ahead)
	done := make(chan error, 1)
	go func() {
		p := &puller{cancel: cancel, chunks: chunks, silence: l.timeout, stream: l.stream, from: from, count: uint64(to - from)}
		enter, stop := context.WithTimeout(ctx, l.timeout)
		defer stop()
		entered, err := l.clients.guarded(ctx, enter, p.pull)
		if !entered {
			close(chunks)
		}
		done <- err
	}()
	for {
		select {
		case chunk, ok := <-chunks:
			if !ok {
				return <-done
			}
			for _, e := range chunk {
				if err := context.Cause(ctx); err != nil {
					return err
				}
				if err := fn(e); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// puller runs within the client and pushes what it reads.
type puller struct {
	cancel  context.CancelCauseFunc
	chunks  chan<- []*client.RecordedEvent
	silence time.Duration // most between two chunks
	stream  string
	from    domain.Position
	count   uint64
}

// pull closes the channel when nothing more comes.
func (p *puller) pull(ctx context.Context, c *client.Client) error {
	defer close(p.chunks)
	watch := time.AfterFunc(p.silence, func() { p.cancel(context.DeadlineExceeded) })
	defer watch.Stop()
	r, err := c.ReadStream(ctx, p.stream, client.ReadStreamOptions{From: client.Revision(uint64(p.from))}, p.count)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer r.Close()
	var chunk []*client.RecordedEvent
	for size := 0; ; {
		e, err := receive(r)
		if err == nil {
			chunk = append(chunk, e)
			size += len(e.Data)
		}
		if len(chunk) == chunkFacts || size >= chunkBytes || err != nil && len(chunk) > 0 {
			watch.Stop()
			select {
			case p.chunks <- chunk:
				chunk, size = nil, 0
			case <-ctx.Done():
				return ctx.Err()
			}
			watch.Reset(p.silence)
		}
		if errors.Is(err, io.EOF) { // the first end: a second one is always io.EOF
			return nil
		}
		if err != nil {
			return err
		}
	}
}
