package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"greffe/domain"
	"greffe/eventstore"
)

// lowerPatience is how long a leader may tell a head below one that was seen,
// as one does that has not noticed yet that it no longer leads.
const lowerPatience = time.Minute

// errLower: the node told a head below one that was seen.
var errLower = errors.New("the node is behind")

// Head implements eventstore.Log: the leader's answer, asked for in this call.
func (l *Log) Head(ctx context.Context) (domain.Position, error) {
	ctx, cancel := l.open(ctx)
	defer cancel()
	if err := context.Cause(ctx); err != nil {
		return 0, l.headError(ctx, err)
	}
	ctx, cancel = l.bounded(ctx)
	defer cancel()
	head, err := l.head(ctx)
	if err != nil {
		return 0, l.headError(ctx, err)
	}
	return head, nil
}

func (l *Log) headError(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), eventstore.ErrClosed) {
		return eventstore.ErrClosed
	}
	return fmt.Errorf("read the head: %w", err)
}

// head asks until it has an answer or ctx ends.
func (l *Log) head(ctx context.Context) (domain.Position, error) {
	for n := 0; ; n++ {
		before := l.knownHead()
		head, err := l.askHead(ctx)
		if err == nil {
			if err = l.learn(before, head); err == nil {
				return head, nil
			}
			if n == 0 && errors.Is(err, errLower) {
				err = errors.Join(err, l.checkMetadata(ctx)) // a deleted stream tells no head
			}
		}
		if final(err) {
			return 0, err
		}
		if hopeless(err, n) || pause(ctx, n) != nil {
			return 0, unavailable(ctx, err)
		}
	}
}

// final reports an error of ours that asking again does not change.
func final(err error) bool {
	return errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, eventstore.ErrClosed) || errors.Is(err, eventstore.ErrUnavailable)
}

// askHead reads the stream's last event.
func (l *Log) askHead(ctx context.Context) (domain.Position, error) {
	last, err := l.lastEvent(ctx, l.stream)
	switch {
	case judge(err) == verdictNotFound:
		return 0, nil
	case judge(err) == verdictDeleted:
		return 0, l.corrupt(0, "the stream is deleted for ever")
	case errors.Is(err, io.EOF):
		return 0, l.corrupt(0, "the stream exists and shows no event: its metadata let the server drop them")
	case err != nil:
		return 0, err
	}
	p := domain.Position(last.EventNumber)
	return p + 1, l.check(last, p)
}

// lastEvent reads a stream's last event; io.EOF if it exists and has none.
func (l *Log) lastEvent(ctx context.Context, stream string) (*client.RecordedEvent, error) {
	got := make(chan *client.RecordedEvent, 1)
	_, err := l.clients.guarded(ctx, ctx, func(ctx context.Context, c *client.Client) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r, err := c.ReadStream(ctx, stream, client.ReadStreamOptions{Direction: client.Backwards, From: client.End{}}, 1)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		defer r.Close()
		e, err := receive(r)
		if err == nil {
			got <- e
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-got, nil
}

// errNoEvent: the message is an event and has none.
var errNoEvent = errors.New("the message holds no event")

func receive(r *client.ReadStream) (*client.RecordedEvent, error) {
	m, err := r.Recv()
	if err != nil {
		return nil, err
	}
	if e := m.OriginalEvent(); e != nil {
		return e, nil
	}
	return nil, errNoEvent
}

// check holds an event to what is written at p.
func (l *Log) check(e *client.RecordedEvent, p domain.Position) error {
	switch {
	case e.StreamID != l.stream || e.EventNumber != uint64(p):
		return l.corrupt(p, fmt.Sprintf("revision %d of the stream stands here", e.EventNumber))
	case domain.ID(e.EventID) != EventID(p, e.Data):
		return l.corrupt(p, "the event's bytes are not those its id was made of")
	}
	return nil
}

// learn takes a head that the leader told, and wakes those who wait for it. It
// is held to what was known before the leader was asked.
func (l *Log) learn(before, head domain.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if head >= before {
		l.lowerSince = time.Time{}
		if head > l.known {
			l.known = head
			l.wakeAll(nil)
		}
		return nil
	}
	now := time.Now()
	if l.lowerSince.IsZero() {
		l.lowerSince = now
	}
	if now.Sub(l.lowerSince) > lowerPatience {
		return l.corrupt(head, fmt.Sprintf("the log ends here; its head was %d", before))
	}
	return errLower
}

func (l *Log) knownHead() domain.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known
}

// checkMetadata refuses a stream that the server may drop events of.
func (l *Log) checkMetadata(ctx context.Context) error {
	for n := 0; ; n++ {
		e, err := l.lastEvent(ctx, "$$"+l.stream)
		switch {
		case judge(err) == verdictNotFound || errors.Is(err, io.EOF):
			return nil
		case judge(err) == verdictDeleted:
			return l.corrupt(0, "the stream's metadata is deleted for ever")
		case err == nil:
			return l.judgeMetadata(e.Data)
		case final(err):
			return err
		}
		if hopeless(err, n) || pause(ctx, n) != nil {
			return unavailable(ctx, err)
		}
	}
}

func (l *Log) judgeMetadata(raw []byte) error {
	var m map[string]json.RawMessage
	if len(raw) > 0 && json.Unmarshal(raw, &m) != nil {
		return l.corrupt(0, "the stream's metadata cannot be read")
	}
	for _, key := range []string{"$tb", "$maxCount", "$maxAge"} {
		if v, ok := m[key]; ok && string(v) != "null" && string(v) != "0" {
			return l.corrupt(0, "the stream's metadata lets the server drop facts: "+key)
		}
	}
	return nil
}
