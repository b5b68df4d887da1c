package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

const (
	frozenAt = 1 << 17  // index entries in memory after which a generation is swept
	walLimit = 64 << 20 // bytes of write-ahead log after which readers are held off to empty it
	walSoft  = 16 << 20 // bytes after which a checkpoint is tried
)

// Store is a vault in one SQLite file.
type Store struct {
	path string
	lock *os.File
	now  func() time.Time // of leases

	turn     chan struct{} // the writer's turn
	w        *conn
	next     int64 // number of the next writing transaction
	nextCell int64
	garbage  int64 // journals up to here are in the trees
	frozenAt int
	walLimit int64
	failed   error // outcome of an earlier write unknown

	readers chan *conn
	gate    sync.RWMutex // readers hold it shared; emptying the log needs it alone
	closed  bool

	under    atomic.Bool // tokens are of two generations
	partial  atomic.Bool // an import did not end
	rotating sync.Mutex  // held by Retoken
	limits   retokenLimits

	copying chan struct{} // a copy is being made
	closing chan struct{} // closed when Close begins
	once    sync.Once

	mu      sync.RWMutex // guards the generations
	active  *generation
	frozen  *sweep
	freezes int
}

var _ vault.Store = (*Store)(nil)

// txn is one writing transaction.
type txn struct {
	*Store
	c      *conn
	number int64
	delta  *delta
	sweep  int // entries to be moved into the trees beside its share
}

// write runs fn in a transaction of its own. An error before the commit means
// not committed, but for a failed write to the files; an error of the commit is
// unknown and stops the store.
func (s *Store) write(ctx context.Context, op string, rows int, fn func(t *txn) error) (int64, error) {
	if err := s.take(ctx); err != nil {
		return 0, fmt.Errorf("vault: %s: not committed: %w", op, err)
	}
	defer s.give()
	t := &txn{Store: s, c: s.w, number: s.next, delta: newDelta(rows)}
	if err := s.transact(ctx, t, fn); err != nil {
		return 0, fmt.Errorf("vault: %s: %w", op, err)
	}
	return t.number, nil
}

// take waits for the writer's turn and reports a store that takes no writes.
func (s *Store) take(ctx context.Context) error {
	err := s.seize(ctx)
	if err == nil && s.partial.Load() {
		s.give()
		err = transfer.ErrPartial
	}
	return err
}

// seize is take for an import too.
func (s *Store) seize(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.failed
	if s.closed {
		err = vault.ErrClosed
	}
	if err != nil {
		s.give()
	}
	return err
}

func (s *Store) give() { <-s.turn }

func (s *Store) transact(ctx context.Context, t *txn, fn func(t *txn) error) error {
	if _, err := s.w.exec("BEGIN IMMEDIATE"); err != nil {
		return s.classify(err)
	}
	err := fn(t)
	var swept int
	if err == nil {
		swept, err = s.index(t)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return s.rollback(err)
	}
	if _, err := s.w.exec("COMMIT"); err != nil {
		if code(err) == sqlite3.SQLITE_FULL {
			return s.rollback(err)
		}
		return fmt.Errorf("outcome unknown: %w", s.poison(err))
	}
	s.commit(t, swept)
	return s.checkpoint()
}

// index journals what the transaction adds to the index and moves a share of
// the frozen generation into the trees.
func (s *Store) index(t *txn) (int, error) {
	n := t.delta.size()
	if n > 0 {
		if _, err := t.c.exec("INSERT INTO journal VALUES (?,?)", t.number, t.delta.encode()); err != nil {
			return 0, err
		}
	}
	if s.garbage > 0 {
		_, err := t.c.exec("DELETE FROM journal WHERE number IN (SELECT number FROM journal WHERE number<=? ORDER BY number LIMIT 3)", s.garbage)
		if err != nil {
			return 0, err
		}
	}
	if s.frozen == nil {
		return 0, nil
	}
	at, err := s.frozen.step(t.c, 2*n+t.sweep)
	if err == nil && at == s.frozen.size() {
		_, err = t.c.exec("INSERT OR REPLACE INTO state VALUES ('swept',?)", s.frozen.gen.last)
	}
	return at, err
}

// commit brings memory in line with what is durable now.
func (s *Store) commit(t *txn, swept int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = t.number + 1
	s.active.add(t.delta, t.number)
	if s.frozen != nil {
		if s.frozen.at = swept; swept == s.frozen.size() {
			s.garbage = s.frozen.gen.last
			s.frozen = nil
		}
	}
	if s.frozen == nil && s.active.size >= s.frozenAt {
		s.frozen = newSweep(s.active)
		s.active = newGeneration()
		s.freezes++
	}
}

// rollback ends the transaction for err, which says not committed.
func (s *Store) rollback(err error) error {
	_, e := s.w.exec("ROLLBACK")
	if e != nil {
		// After some errors SQLite has rolled back by itself; then another
		// transaction can begin.
		if _, e = s.w.exec("BEGIN"); e == nil {
			_, e = s.w.exec("ROLLBACK")
		}
	}
	if e != nil {
		return s.poison(errors.Join(err, e))
	}
	return s.classify(err)
}

// poison stops the store: what is in the files is not known.
func (s *Store) poison(err error) error {
	s.failed = fmt.Errorf("%w: %w", vault.ErrFailed, err)
	return s.failed
}

// classify names an error of SQLite in the port's terms. Failed input and
// output and damage stop the store.
func (s *Store) classify(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("not committed: %w: %w", vault.ErrFull, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return s.poison(err)
	}
	return fmt.Errorf("not committed: %w", err)
}

// code is SQLite's primary result code, 0 for other errors.
func code(err error) int {
	var e interface{ Code() int } // *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// checkpoint keeps the write-ahead log from growing without end. It runs after
// the commit, so its errors stop the store and do not undo anything.
func (s *Store) checkpoint() error {
	info, err := os.Stat(s.path + "-wal")
	if err != nil || info.Size() < walSoft {
		return nil // no log, nothing to bound
	}
	mode := "PASSIVE"
	if info.Size() >= s.walLimit {
		mode = "TRUNCATE"
		s.gate.Lock()
		defer s.gate.Unlock()
	}
	if _, err := s.w.one("PRAGMA wal_checkpoint(" + mode + ")"); err != nil {
		_ = s.checkpointFailed(err) // what was committed is durable all the same
	}
	return nil
}

// checkpointFailed judges an error of a checkpoint. With a full disk the log
// stays as it was, and so does what is in it; anything else stops the store.
func (s *Store) checkpointFailed(err error) error {
	if code(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", vault.ErrFull, err)
	}
	return s.poison(err)
}

// read runs fn on a reading connection of its own.
func (s *Store) read(ctx context.Context, op string, fn func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("vault: %s: %w", op, err)
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return fmt.Errorf("vault: %s: %w", op, vault.ErrClosed)
	}
	if s.partial.Load() {
		return fmt.Errorf("vault: %s: %w", op, transfer.ErrPartial)
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		err := fn(c)
		if n := code(err); n == sqlite3.SQLITE_CORRUPT || n == sqlite3.SQLITE_NOTADB {
			err = fmt.Errorf("%w: %w", vault.ErrDamaged, err)
		}
		if err != nil {
			return fmt.Errorf("vault: %s: %w", op, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("vault: %s: %w", op, ctx.Err())
	}
}

// hot calls fn for the generations in memory.
func (s *Store) hot(fn func(g *generation)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fn(s.active)
	if s.frozen != nil {
		fn(s.frozen.gen)
	}
}

// Close stops a copy in progress, empties the write-ahead log and releases the files. A second Close does
// nothing.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	s.copying <- struct{}{} // a copy stops and gives the writer's connection back
	defer func() { <-s.copying }()
	s.turn <- struct{}{}
	defer s.give()
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.failed == nil {
		_, err = s.w.one("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err = errors.Join(err, s.closeFiles()); err != nil {
		return fmt.Errorf("vault: close: %w", err)
	}
	return nil
}

func (s *Store) closeFiles() error {
	var errs []error
	for range len(s.readers) {
		errs = append(errs, (<-s.readers).close())
	}
	if s.w != nil {
		errs = append(errs, s.w.close())
	}
	// Unlocked by name: a child that this process has just forked and that did
	// not exec yet holds the lock file open as well.
	errs = append(errs, syscall.Flock(int(s.lock.Fd()), syscall.LOCK_UN), s.lock.Close())
	return errors.Join(errs...)
}
