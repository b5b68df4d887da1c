package esdb

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore"
)

const (
	minRetry = 20 * time.Millisecond
	maxRetry = 500 * time.Millisecond
)

// Log is an eventstore.Log on one stream. Open makes it.
type Log struct {
	stream  string
	timeout time.Duration
	clients *supervisor

	life context.Context // ends with Close
	end  context.CancelFunc

	mu         sync.Mutex
	closed     bool
	appends    sync.WaitGroup  // appends that have begun
	known      domain.Position // the head was seen here
	lowerSince time.Time       // since when the leader tells a lower one; zero if it does not
	checked    bool            // the stream's metadata was seen to be harmless
	waiters    int
	polling    bool
	wake       *wake
}

var _ eventstore.Log = (*Log)(nil)

// Open connects, and checks that the stream is whole from its first fact on. A
// stream that does not exist is an empty log. It returns ErrConfig,
// eventstore.ErrUnavailable if the store does not answer by ctx's deadline or
// Config.Timeout, or eventstore.ErrCorrupt.
func Open(ctx context.Context, c Config) (*Log, error) {
	conf, err := c.parse()
	if err != nil {
		return nil, err
	}
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{stream: c.Stream, timeout: c.Timeout, clients: newSupervisor(*conf, logger), wake: newWake()}
	if l.timeout <= 0 {
		l.timeout = DefaultTimeout
	}
	l.life, l.end = context.WithCancel(context.Background())
	if err := l.inspect(ctx); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("open the log's stream: %w", err)
	}
	return l, nil
}

// inspect checks metadata, head and first fact.
func (l *Log) inspect(ctx context.Context) error {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	if err := l.checkMetadata(ctx); err != nil {
		return err
	}
	head, err := l.head(ctx)
	if err != nil || head == 0 {
		return err
	}
	return l.readPages(ctx, 0, 1, func(domain.Position, []byte) error { return nil })
}

// begin admits an append unless the log is closed.
func (l *Log) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventstore.ErrClosed
	}
	l.appends.Add(1)
	return nil
}

// open is a ctx that also ends, with the cause ErrClosed, when the log closes.
func (l *Log) open(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if l.life.Err() != nil {
		cancel(eventstore.ErrClosed) // at once, AfterFunc takes its time
	}
	stop := context.AfterFunc(l.life, func() { cancel(eventstore.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// bounded is ctx with a deadline, the log's own if it has none.
func (l *Log) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, l.timeout)
}

// unavailable is ErrUnavailable with why, and ctx's own error if it ended.
func unavailable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %s: %w", eventstore.ErrUnavailable, reason(err), cause)
	}
	return fmt.Errorf("%w: %s", eventstore.ErrUnavailable, reason(err))
}

func (l *Log) corrupt(p domain.Position, detail string) error {
	return &eventstore.CorruptError{Position: p, Where: fmt.Sprintf("stream %s, revision %d", l.stream, p), Detail: detail}
}

// hopeless reports, of try number n, that more of them are not worth a caller's
// time: credentials do not become right in seconds.
func hopeless(err error, n int) bool { return judge(err) == verdictDenied && n >= 2 }

// pause waits before try number n is repeated, unless ctx ends first.
func pause(ctx context.Context, n int) error {
	d := min(minRetry<<min(n, 10), maxRetry)
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close implements eventstore.Log. It waits for an append that has begun, at
// most for Config.Timeout.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.wakeAll(nil)
	l.mu.Unlock()
	l.end()

	done := make(chan struct{})
	go func() { l.appends.Wait(); close(done) }()
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	l.clients.close(closeGrace)
	return nil
}

// closeGrace is how long Close waits for calls that nobody waits for any more.
const closeGrace = 2 * time.Second
