package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"greffe/eventstore/vault"
)

const (
	pageSize  = 4096
	copyPages = 512      // pages copied while writers wait
	copySync  = 32 << 20 // bytes copied after which they are made durable, with nobody waiting
	copyRest  = 9        // when others write, so many times as long as a step took is left to them
	partial   = ".partial"
)

// Backup writes a copy of the vault to path, as the vault is at its end. Prepare,
// Destroy and all reads go on: they wait a few milliseconds at a time, and pages
// they change that were copied already are changed in the copy too, so what is
// destroyed before the end is not in it. atEnd is called when the copy is
// complete, with writers held off: what it finds in the log is all that the copy
// can know. progress, if not nil, is told bytes, about every 2 MiB.
//
// The copy is one file of mode 0600, durable, opened with Open; path must not
// exist. After an error there is none. A crash can leave path+".partial", which
// holds what had been copied, destroyed later or not: remove it; Backup to the
// same path does. One copy at a time: a second waits.
func (s *Store) Backup(ctx context.Context, path string, atEnd func() error, progress func(done, total int64)) error {
	if err := s.backup(ctx, path, copyPragmas(), atEnd, progress); err != nil {
		if code(err) == sqlite3.SQLITE_FULL {
			err = fmt.Errorf("%w: %w", vault.ErrFull, err)
		}
		return fmt.Errorf("vault: backup: no copy was made: %w", err)
	}
	return nil
}

// copyPragmas: a copy that fails is removed, so it needs no journal, and it is
// made durable once, by backup.
func copyPragmas() url.Values {
	return url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)", "cache_size(-4096)"}}
}

func (s *Store) backup(ctx context.Context, path string, pragmas url.Values, atEnd func() error, progress func(done, total int64)) (err error) {
	select {
	case s.copying <- struct{}{}:
		defer func() { <-s.copying }()
	case <-s.closing:
		return vault.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	half := path + partial
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(half, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			_ = os.Remove(half) // there is an error to tell already
		}
	}()
	c := copier{Store: s, f: f, progress: progress}
	dsn := "file:" + (&url.URL{Path: half}).EscapedPath() + "?" + pragmas.Encode()
	if err := c.run(ctx, dsn, atEnd); err != nil {
		return err
	}
	return publish(f, half, path)
}

// publish makes the copy durable and gives it its name.
func publish(f *os.File, half, path string) error {
	if err := errors.Join(f.Chmod(0o600), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(half, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// copier is a copy in progress.
type copier struct {
	*Store
	f        *os.File
	b        *sqlite.Backup
	progress func(done, total int64)
	total    int64 // bytes, at the last step
	left     int64
	unsynced int64
	last     int64 // Store.next at the last step
}

// run copies all pages. The writer's connection is the source: SQLite then
// carries its later changes over by itself.
func (c *copier) run(ctx context.Context, dsn string, atEnd func() error) (err error) {
	if err := c.take(ctx); err != nil {
		return err
	}
	source, ok := c.w.raw.(interface {
		NewBackup(uri string) (*sqlite.Backup, error)
	})
	if !ok {
		err = errors.New("the SQLite driver cannot copy")
	} else {
		c.b, err = source.NewBackup(dsn)
	}
	c.last = c.next
	c.give()
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		var took time.Duration
		var busy bool
		if more, took, busy, err = c.step(ctx, atEnd); more && err == nil {
			err = c.rest(ctx, took, busy)
		}
	}
	return errors.Join(err, c.finish())
}

// step copies some pages in the writer's turn and reports whether there are more,
// how long it took and whether others wrote since the last. The last step calls
// atEnd.
func (c *copier) step(ctx context.Context, atEnd func() error) (more bool, took time.Duration, busy bool, err error) {
	if err := c.take(ctx); err != nil {
		return false, 0, false, err
	}
	defer c.give()
	busy, c.last = c.next != c.last, c.next
	from := time.Now()
	more, err = c.b.Step(copyPages)
	c.total, c.left = int64(c.b.PageCount())*pageSize, int64(c.b.Remaining())*pageSize
	if err == nil && !more && atEnd != nil {
		err = atEnd()
	}
	return more, time.Since(from), busy, err
}

// rest says how far the copy is and leaves time to others. Nobody waits for it.
func (c *copier) rest(ctx context.Context, took time.Duration, busy bool) error {
	if c.progress != nil {
		c.progress(c.total-c.left, c.total)
	}
	if c.unsynced += copyPages * pageSize; c.unsynced >= copySync {
		c.unsynced = 0
		if err := c.f.Sync(); err != nil {
			return err
		}
	}
	if busy {
		select {
		case <-time.After(copyRest * took):
		case <-c.closing:
		case <-ctx.Done():
		}
	}
	select {
	case <-c.closing:
		return vault.ErrClosed
	default:
		return ctx.Err()
	}
}

// finish gives the copy's connection back. It needs the turn whatever the state
// of the store.
func (c *copier) finish() error {
	c.turn <- struct{}{}
	var conn driver.Conn
	conn, err := c.b.Commit()
	c.give()
	if err != nil {
		return err
	}
	return conn.Close()
}
