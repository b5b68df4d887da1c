package esdb

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"greffe/eventstore"
)

const (
	// maxCalls bounds the goroutines within clients, stuck ones too.
	maxCalls = 256
	// minPause and maxPause bound the time between two new clients.
	minPause = 20 * time.Millisecond
	maxPause = time.Second
	// drain is how long calls may stay in a client that is of no more use; then
	// it is closed under them, which frees those stuck in it.
	drain = 15 * time.Second
)

// supervisor keeps one client with a connection, and makes a new one when
// somebody asks and there is none.
type supervisor struct {
	conf  client.Configuration
	log   *slog.Logger
	slots chan struct{} // a token for each call within a client
	over  chan struct{} // closed by close

	mu       sync.Mutex
	cur      *conn // nil: none
	building bool
	pause    time.Duration // before the next try; 0 once a client's call was answered
	built    time.Time     // when the last try began
	lastErr  error
	changed  chan struct{} // closed at the end of each try
	closed   bool
	conns    map[*conn]struct{} // not closed yet
	all      sync.WaitGroup     // calls and tries
}

// conn is one client. Its fields are the supervisor's, under its mu.
type conn struct {
	client  *client.Client
	calls   int
	retired bool
	useful  bool // a call was answered
	force   *time.Timer
	// silentSince is when the first of the calls began that since the last
	// answer have got none; zero while it answers.
	silentSince time.Time
}

func newSupervisor(conf client.Configuration, log *slog.Logger) *supervisor {
	conf.Logger = clientLogger(log)
	return &supervisor{conf: conf, log: log, slots: make(chan struct{}, maxCalls),
		over: make(chan struct{}), changed: make(chan struct{}), conns: map[*conn]struct{}{}}
}

// acquire enters the present client, or waits for one until ctx ends. It gives
// the token back on error; after nil the caller must release.
func (s *supervisor) acquire(ctx context.Context) (*conn, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many calls are stuck: %w", eventstore.ErrUnavailable, context.Cause(ctx))
	case <-s.over:
		return nil, eventstore.ErrClosed
	}
	for {
		c, changed, err := s.enter()
		if c != nil {
			return c, nil
		}
		if err == nil {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				err = fmt.Errorf("%w: %s: %w", eventstore.ErrUnavailable, s.why(), context.Cause(ctx))
			case <-s.over:
				err = eventstore.ErrClosed
			}
		}
		<-s.slots
		return nil, err
	}
}

func (s *supervisor) enter() (*conn, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, eventstore.ErrClosed
	case s.cur != nil:
		s.cur.calls++
		s.all.Add(1)
		return s.cur, nil, nil
	case !s.building:
		s.building = true
		s.all.Add(1)
		go s.build(s.wait())
	}
	return nil, s.changed, nil
}

func (s *supervisor) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastErr == nil {
		return "no connection yet"
	}
	return reason(s.lastErr)
}

// wait is how long the next try has to wait, with mu held.
func (s *supervisor) wait() time.Duration {
	pause := max(s.pause, minPause)
	pause = pause/2 + rand.N(pause)
	return time.Until(s.built.Add(pause))
}

// build tries one new client. It alone asks it for its first connection.
func (s *supervisor) build(wait time.Duration) {
	defer s.all.Done()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.over:
		}
	}
	s.mu.Lock()
	closed := s.closed
	s.built = time.Now()
	s.mu.Unlock()
	var made *client.Client
	var err error = eventstore.ErrClosed
	if !closed {
		made, err = s.connect()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.building = false
	close(s.changed)
	s.changed = make(chan struct{})
	switch {
	case err != nil:
		if s.slower(); s.lastErr == nil && !s.closed {
			s.log.Warn("EventStoreDB is out of reach", "reason", reason(err))
		}
		s.lastErr = err
	case s.closed:
		_ = made.Close()
	default:
		if s.lastErr != nil {
			s.log.Info("EventStoreDB is back")
		}
		s.cur, s.lastErr = &conn{client: made}, nil
		s.conns[s.cur] = struct{}{}
	}
}

// slower lengthens the pause, with mu held.
func (s *supervisor) slower() { s.pause = min(max(2*s.pause, minPause), maxPause) }

// connect makes a client that has found a node.
func (s *supervisor) connect() (c *client.Client, err error) {
	conf := s.conf
	if c, err = client.NewClient(&conf); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
		}
		if err != nil {
			_ = c.Close()
		}
	}()
	_, err = c.GetServerVersion()
	return c, err
}

// release leaves the client that acquire entered.
func (s *supervisor) release(c *conn) {
	s.mu.Lock()
	if c.calls--; c.retired && c.calls == 0 {
		s.discard(c)
	}
	s.mu.Unlock()
	s.all.Done()
	<-s.slots
}

// retire lets nobody enter c any more.
func (s *supervisor) retire(c *conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.retired {
		return
	}
	c.retired = true
	if s.cur == c {
		s.cur, s.lastErr = nil, err
		if !s.closed {
			s.log.Warn("connection to EventStoreDB lost", "reason", reason(err))
		}
	}
	if !c.useful {
		s.slower()
	}
	if c.calls == 0 {
		s.discard(c)
		return
	}
	c.force = time.AfterFunc(drain, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.discard(c)
	})
}

// discard closes a client, with mu held.
func (s *supervisor) discard(c *conn) {
	if _, live := s.conns[c]; !live {
		return
	}
	delete(s.conns, c)
	if c.force != nil {
		c.force.Stop()
	}
	_ = c.client.Close()
}

// close ends the supervisor: waiting callers get ErrClosed, the client is
// closed when its calls have left it, and all are closed after grace.
func (s *supervisor) close(grace time.Duration) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.over)
	cur := s.cur
	s.mu.Unlock()
	if cur != nil {
		s.retire(cur, eventstore.ErrClosed)
	}
	left := make(chan struct{})
	go func() { s.all.Wait(); close(left) }()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-left:
	case <-timer.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			s.discard(c)
		}
	}
}
