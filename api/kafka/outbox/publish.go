package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"greffe/domain"
	"greffe/eventstore/vault"
)

const (
	sayFailing  = time.Hour
	idlePause   = 20 * time.Millisecond // when others write, before looking again
	maxMessages = 2000                  // made and sent together; one change more at most
)

// publisher tells one recipient.
type publisher struct {
	deps   *Deps
	code   string
	prefix string
	source string
	key    []byte
	own    bool

	mu       sync.Mutex
	next     domain.Position // all below is published and recorded
	oldest   time.Time       // when the first change that is not was recorded; zero if none is known
	sent     int64           // messages that the broker took
	retries  int64
	failures int       // in a row
	since    time.Time // of the first of them
	said     bool      // a fact says that it fails
	trouble  error
}

// run publishes until ctx ends (nil) or the lease is lost.
func (p *publisher) run(ctx context.Context, client *segmentio.Client) error {
	var from domain.Position
	err := p.until(ctx, "where to go on", func() error {
		at, err := p.deps.Standing.Progress(ctx, p.code)
		from = max(at.Acknowledged, at.Sent)
		return err
	})
	for err == nil {
		p.at(from)
		var b Batch
		err = p.until(ctx, "read changes", func() (err error) {
			b, err = p.deps.Source.Next(ctx, p.code, from, MaxBatch)
			return err
		})
		if err == nil && len(b.Changes) > 0 {
			err = p.batch(ctx, client, b)
		} else if err == nil {
			err = p.deps.Pause(ctx, idlePause)
		}
		from = b.To
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// at notes that all below a position is published.
func (p *publisher) at(from domain.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.oldest = from, time.Time{}
}

// batch publishes a batch and records that it is.
func (p *publisher) batch(ctx context.Context, client *segmentio.Client, b Batch) error {
	p.mu.Lock()
	p.oldest = b.Changes[0].Recorded
	p.mu.Unlock()
	var out []record
	for i := range b.Changes {
		var made []record
		if err := p.until(ctx, "make messages", func() (err error) {
			made, err = p.encode(&b.Changes[i])
			return err
		}); err != nil {
			return err
		}
		if out = append(out, made...); len(out) >= maxMessages || i == len(b.Changes)-1 {
			if err := p.send(ctx, client, out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
	return p.until(ctx, "record that changes are published", func() error {
		return p.deps.Standing.Published(ctx, p.code, b.To-1)
	})
}

// send writes messages until the broker has them all.
func (p *publisher) send(ctx context.Context, client *segmentio.Client, out []record) error {
	var lanes []*lane
	if err := p.until(ctx, "find the topics' partitions", func() (err error) {
		lanes, err = p.deps.lanes(ctx, client, out)
		return err
	}); err != nil {
		return err
	}
	return p.until(ctx, "publish changes", func() error {
		before := count(lanes)
		err := p.deps.write(ctx, client, lanes)
		p.mu.Lock()
		p.sent += int64(before - count(lanes))
		p.mu.Unlock()
		return err
	})
}

// until repeats work until it succeeds, ctx ends or the lease is lost.
func (p *publisher) until(ctx context.Context, what string, work func() error) error {
	for {
		err := work()
		if err == nil {
			p.works()
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, vault.ErrFenced) {
			return err
		}
		wait := p.fails(ctx, err)
		p.deps.Logger.Warn("changes are not published", "recipient", p.code, "step", what, "error", err, "again_in", wait.Round(time.Millisecond))
		if err := p.deps.Pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (p *publisher) works() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.since, p.said, p.trouble = 0, time.Time{}, false, nil
}

// fails counts a failure, lets a fact say so after an hour, and says how long to
// wait.
func (p *publisher) fails(ctx context.Context, err error) time.Duration {
	p.mu.Lock()
	now := p.deps.Now()
	if p.since.IsZero() {
		p.since = now
	}
	p.failures++
	p.retries++
	p.trouble = err
	wait, say := p.deps.backOff(p.failures), now.Sub(p.since) >= sayFailing && !p.said
	p.mu.Unlock()
	if say && p.deps.Standing.Failing(ctx, p.code) == nil { // else the next failure says it
		p.mu.Lock()
		p.said = true
		p.mu.Unlock()
	}
	return wait
}
