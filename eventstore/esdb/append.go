package esdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/eventstore"
)

// Append implements eventstore.Log in one round trip. It tries again and reads
// back until the outcome is known or its time is over. ctx ending later than
// the first try is ErrUnavailable too: the outcome is unknown.
func (l *Log) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	if err := eventstore.CheckSize(facts); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	defer l.appends.Done()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append at %d, not committed: %w", base, err)
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	open, leave := l.open(ctx)
	defer leave()
	a := &attempt{log: l, ctx: ctx, open: open, base: base, next: base + domain.Position(len(facts))}
	if len(facts) > 0 {
		a.events = l.events(base, facts)
	}
	err := a.run()
	if err == nil || errors.Is(err, eventstore.ErrWrongHead) || errors.Is(err, eventstore.ErrClosed) {
		return err
	}
	return fmt.Errorf("append at %d: %w", base, err)
}

// events copies the facts: a call that is left behind may still send them.
func (l *Log) events(base domain.Position, facts [][]byte) []client.EventData {
	all := bytes.Join(facts, nil)
	events := make([]client.EventData, len(facts))
	for i, f := range facts {
		data := all[:len(f):len(f)]
		all = all[len(f):]
		events[i] = client.EventData{
			EventID:     uuid.UUID(EventID(base+domain.Position(i), data)),
			EventType:   eventType,
			ContentType: contentType(data),
			Data:        data,
		}
	}
	return events
}

// contentType is JSON for what looks like a fact, so that the server's console
// shows it; nothing is decided by it.
func contentType(b []byte) client.ContentType {
	if len(b) > 1 && b[0] == '{' && b[len(b)-1] == '}' {
		return client.ContentTypeJson
	}
	return client.ContentTypeBinary
}

// attempt is one Append on its way.
type attempt struct {
	log        *Log
	ctx        context.Context // ends with the caller's patience
	open       context.Context // and also when the log closes
	base, next domain.Position // the facts go to [base, next)
	events     []client.EventData
	sent       bool // a try was begun whose outcome is not known
}

// run tries until the outcome is known or its time is over. A closing log lets
// only the try go on that is being answered.
func (a *attempt) run() error {
	for n := 0; ; n++ {
		done, err := a.step()
		if done {
			return a.answer(err)
		}
		if err == nil || n == 0 {
			continue // the head came up to base meanwhile; the first repeat is at once
		}
		if pause(a.open, n) != nil || hopeless(err, n) {
			return unavailable(a.ctx, err)
		}
	}
}

// answer says ErrClosed, which means not committed, only if nothing was sent.
func (a *attempt) answer(err error) error {
	switch {
	case !errors.Is(err, eventstore.ErrClosed):
		return err
	case a.sent:
		return unavailable(a.ctx, errSilent)
	}
	return eventstore.ErrClosed
}

// step is one try; done says that err is the answer.
func (a *attempt) step() (done bool, err error) {
	l := a.log
	if a.sent {
		if done, err := a.readBack(); done || err != nil {
			return done, err
		}
	}
	if len(a.events) == 0 || l.knownHead() > a.base && !a.sent {
		return a.wrongHead()
	}
	if a.base == 0 {
		if err := l.fresh(a.open); err != nil {
			return true, err
		}
	}
	res, err := a.send()
	switch judge(err) {
	case verdictConflict:
		if a.sent {
			return false, err // whether an earlier try of ours was in the way is read back
		}
		return a.wrongHead()
	case verdictDeleted:
		return true, l.corrupt(a.base, "the stream is deleted for ever")
	}
	switch {
	case err != nil:
		return final(err), err
	case res.CommitPosition == 0 && res.PreparePosition == 0:
		a.sent = true
		return false, errSilent // an answer without a position says nothing
	case res.NextExpectedVersion+1 != uint64(a.next):
		return true, l.corrupt(a.base, fmt.Sprintf("the server wrote facts before %d at revisions up to %d", a.next, res.NextExpectedVersion))
	}
	return true, l.learnAppended(a.next)
}

// send is one round trip within a part of the time that is left.
func (a *attempt) send() (*client.WriteResult, error) {
	try := a.log.timeout
	if end, ok := a.ctx.Deadline(); ok {
		try = min(try, time.Until(end)*2/3)
	}
	ctx, cancelTry := context.WithCancelCause(a.ctx)
	defer cancelTry(nil)
	later := try + time.Second // so that it is our timer that ends the call
	got := make(chan *client.WriteResult, 1)
	events, stream, expected := a.events, a.log.stream, expectation(a.base)
	entered, err := a.log.clients.guarded(ctx, a.open, func(ctx context.Context, c *client.Client) error {
		timer := time.AfterFunc(try, func() { cancelTry(context.DeadlineExceeded) })
		defer timer.Stop()
		res, err := c.AppendToStream(ctx, stream, client.AppendToStreamOptions{ExpectedRevision: expected, Deadline: &later}, events...)
		if err == nil {
			got <- res
		}
		return err
	})
	if err != nil {
		switch judge(err) {
		case verdictConflict, verdictNotLeader, verdictDenied, verdictDeleted:
		default:
			a.sent = a.sent || entered
		}
		return nil, err
	}
	return <-got, nil
}

func expectation(base domain.Position) client.ExpectedRevision {
	if base == 0 {
		return client.NoStream{}
	}
	return client.Revision(uint64(base) - 1)
}

// wrongHead is the answer for a head that is not base. Not done without an
// error: it is, by now.
func (a *attempt) wrongHead() (bool, error) {
	head, err := a.log.head(a.open)
	switch {
	case err != nil:
		return true, err
	case head != a.base:
		return true, &eventstore.WrongHeadError{Expected: a.base, Actual: head}
	}
	return len(a.events) == 0, nil
}

// readBack looks for the facts of a try whose outcome is unknown. Not done
// without an error: nothing stands there, though it may still come.
func (a *attempt) readBack() (bool, error) {
	next := a.base
	err := a.log.page(a.open, a.base, a.next, func(e *client.RecordedEvent) error {
		if e.EventNumber != uint64(next) || e.EventID != a.events[next-a.base].EventID {
			return errOthers
		}
		next++
		return nil
	})
	switch {
	case errors.Is(err, errOthers):
		return a.wrongHead()
	case err == nil && next > a.base && next < a.next:
		return a.prefix(next)
	case judge(err) == verdictNotFound, err == nil && next == a.base:
		return false, nil
	case err != nil:
		return final(err), err
	}
	return true, a.log.learnAppended(a.next)
}

// prefix is the answer when the read ended at end, within facts like ours: an
// append is whole, so it was another's if the log ends there; else it was cut.
func (a *attempt) prefix(end domain.Position) (bool, error) {
	head, err := a.log.head(a.open)
	switch {
	case err != nil:
		return true, err
	case head == end:
		return true, &eventstore.WrongHeadError{Expected: a.base, Actual: head}
	}
	return false, errSilent
}

// errOthers: other facts stand where an append of ours may have gone.
var errOthers = errors.New("other facts stand there")

// learnAppended takes a head that an answered append told.
func (l *Log) learnAppended(head domain.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if head > l.known {
		l.known = head
		l.wakeAll(nil)
	}
	return nil
}

// fresh checks once, before the first fact, that no deleted stream is revived.
func (l *Log) fresh(ctx context.Context) error {
	l.mu.Lock()
	checked := l.checked
	l.mu.Unlock()
	if checked {
		return nil
	}
	if err := l.checkMetadata(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checked = true
	return nil
}
