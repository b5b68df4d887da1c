package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"greffe/eventstore/vault"
)

// Store is a vault in a PostgreSQL schema.
type Store struct {
	pool     *pgxpool.Pool
	schema   string
	limit    time.Duration
	buckets  []bucket
	warnings []string

	mu     sync.RWMutex // steps hold it shared; Close needs it alone
	closed bool
}

var _ vault.Store = (*Store)(nil)

// Open connects, looks at the server's settings and the role's rights, and makes the
// schema or brings it up to date. vault.ErrUnavailable says that the server did not
// answer, ErrServer what to change on it, vault.ErrNewer that the schema is of a
// newer program.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, c Config) (*Store, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	pc, err := c.poolConfig()
	if err != nil {
		return nil, err
	}
	// The pool's context ends with this call, its connections do not.
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("%w: the pool cannot be made", errConfig)
	}
	s := &Store{pool: pool, schema: c.Schema, limit: c.Limit}
	if err := s.prepareServer(ctx, c); err != nil {
		pool.Close()
		return nil, err
	}
	if c.Logger != nil {
		for _, w := range s.warnings {
			c.Logger.WarnContext(ctx, "vault's PostgreSQL", "finding", w)
		}
	}
	return s, nil
}

func (s *Store) prepareServer(ctx context.Context, c Config) error {
	err := s.step(ctx, s.limit, func(ctx context.Context, conn *pgx.Conn) (err error) {
		s.warnings, err = checkServer(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	err = s.step(ctx, longLimit*s.limit, func(ctx context.Context, conn *pgx.Conn) (err error) {
		n, err = migrate(ctx, conn, c.Schema, c.Buckets)
		return err
	})
	s.buckets = bucketsOf(n)
	return err
}

// Warnings are what Open found on the server that weakens the vault and does not keep
// it from working, each with what to do.
func (s *Store) Warnings() []string { return s.warnings }

const (
	tries      = 6 // of a step that others were in the way of
	firstPause = 20 * time.Millisecond
)

// write runs a step that must happen once. It is tried again only when it is known
// not to have happened.
func (s *Store) write(ctx context.Context, op string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.call(ctx, op, s.limit, false, fn)
}

// read runs a step that may happen twice.
func (s *Store) read(ctx context.Context, op string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.call(ctx, op, s.limit, true, fn)
}

// long is read for what rewrites tables or waits for the server's disk.
func (s *Store) long(ctx context.Context, op string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.call(ctx, op, longLimit*s.limit, true, fn)
}

func (s *Store) call(ctx context.Context, op string, limit time.Duration, twice bool, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := s.step(ctx, limit, fn)
		if err == nil {
			return nil
		}
		var f failed
		if !errors.As(err, &f) || try == tries || !f.again && (!twice || !f.lost || try > 2) {
			return fmt.Errorf("vault: %s: %w", op, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("vault: %s: %w", op, ctx.Err())
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// failed is a step's fault, as call looks at it.
type failed struct{ fault }

func (f failed) Error() string { return f.err.Error() }
func (f failed) Unwrap() error { return f.err }

// step runs fn on a connection of its own, for no longer than limit.
func (s *Store) step(ctx context.Context, limit time.Duration, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return vault.ErrClosed
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.pool.Acquire(within)
	if err != nil {
		return s.fail(ctx, within, err, false)
	}
	defer conn.Release()
	if err := fn(within, conn.Conn()); err != nil {
		return s.fail(ctx, within, err, true)
	}
	return nil
}

// fail names what went wrong. sent says that the server may have got something.
func (s *Store) fail(ctx, within context.Context, err error, sent bool) error {
	f := classify(err)
	known := "outcome unknown"
	if !sent {
		known = "not committed"
	}
	if f.lost && within.Err() != nil {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", known, err)
		}
		return failed{fault{err: fmt.Errorf("%s: %w: no answer in time", known, vault.ErrUnavailable)}}
	}
	if f.lost && sent {
		s.pool.Reset() // the others lead to the same server
	}
	return failed{f}
}

// Close waits for the steps under way and closes the connections, without waiting long
// for a server that says nothing. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.pool.Close()
	}()
	bound := time.NewTimer(s.limit / 5)
	defer bound.Stop()
	select {
	case <-ended:
	case <-bound.C: // the driver gives each connection 15 s to say goodbye
	}
	return nil
}

// together sends a batch's statements in one round trip and one transaction: the
// server commits when it has done them all, whether the client is still there or not.
func together(ctx context.Context, conn *pgx.Conn, b *pgx.Batch) error {
	return conn.SendBatch(ctx, b).Close()
}
