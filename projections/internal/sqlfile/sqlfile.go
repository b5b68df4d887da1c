// Package sqlfile is the SQLite file behind a projection: one writer, pooled
// readers, and a checkpoint in the transaction of the rows.
//
// Promised: Apply's rows and checkpoint are there together or not at all; after
// an error, Checkpoint tells which. A file of another schema version is refused
// with ErrNewer or emptied, since a projection can be rebuilt. Readers see whole
// transactions. What must be gone to the last byte lies in a Blind or in Slots,
// and is gone once Scrub returned.
//
// Assumed: one File per path. WAL with synchronous=NORMAL: a crash of the
// process loses nothing, a power cut may lose the last transactions, whole and
// with their checkpoints, which the runner then applies again.
package sqlfile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"greffe/domain"
	"greffe/projections"
)

var (
	// ErrNewer: the file was written by a newer version of this program.
	ErrNewer = errors.New("the projection was written by a newer version")
	// ErrClosed: the file was closed. Not committed.
	ErrClosed = errors.New("the projection's store is closed")
)

// Schema is a projection's tables. A change of Version rebuilds the file.
type Schema struct {
	Name    string
	Version int64
	DDL     string // CREATE statements
}

// Step is a moment of a transaction at which a test's hook is asked.
type Step string

// The steps of Apply, in order. An error at Kept is one whose transaction is
// committed; at the others it is rolled back.
const (
	Begun        Step = "begun"
	RowsWritten  Step = "rows written"
	Checkpointed Step = "checkpointed"
	Kept         Step = "kept"
)

// Steps lists them for tests that fail each in turn.
func Steps() []Step { return []Step{Begun, RowsWritten, Checkpointed, Kept} }

// Options of a file. Hook is for tests; nil never fails.
type Options struct {
	Readers int // connections for queries; 0 means 4
	Hook    func(Step) error
}

// File is an open projection file.
type File struct {
	schema   Schema
	path     string
	hook     func(Step) error
	reads    *sql.DB
	prepared prepared
	resets   atomic.Int64 // how often it was emptied

	mu       sync.Mutex // the writer's
	tx       *Tx        // nil once closed
	at       domain.Position
	scrubbed domain.Position // the facts below it left nothing in the write-ahead log
}

// Open opens or makes the file at path. One of an older schema is emptied: its
// checkpoint is 0 and the runner builds it anew.
func Open(path string, schema Schema, o Options) (*File, error) {
	f, err := open(path, schema, o)
	if err != nil {
		return nil, fmt.Errorf("open projection %s: %w", schema.Name, err)
	}
	return f, nil
}

func open(path string, schema Schema, o Options) (*File, error) {
	tx, err := connect(path)
	if err != nil {
		return nil, err
	}
	f := &File{schema: schema, path: path, hook: o.Hook, tx: tx}
	if f.hook == nil {
		f.hook = func(Step) error { return nil }
	}
	if err := f.prepare(); err != nil {
		return nil, errors.Join(err, tx.close())
	}
	name, err := dsn(path, true)
	if err != nil {
		return nil, errors.Join(err, tx.close())
	}
	if f.reads, err = sql.Open("sqlite", name); err != nil {
		return nil, errors.Join(err, tx.close())
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	f.reads.SetMaxOpenConns(o.Readers)
	f.reads.SetMaxIdleConns(o.Readers)
	return f, nil
}

// prepare makes the tables, or empties those of an older version.
func (f *File) prepare() error {
	v, _, err := f.tx.Int("PRAGMA user_version")
	switch {
	case err != nil:
		return err
	case v > f.schema.Version:
		return ErrNewer
	case v < f.schema.Version:
		if err := f.reset(); err != nil {
			return err
		}
	}
	n, _, err := f.tx.Int("SELECT position FROM checkpoint")
	f.at = domain.Position(n)
	return err
}

func (f *File) reset() error {
	err := f.transaction(func() error {
		var old []string
		err := f.tx.Query("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'", func(row []driver.Value) error {
			name, _ := row[0].(string)
			old = append(old, name)
			return nil
		})
		if err != nil {
			return err
		}
		for _, t := range old {
			if err := f.tx.script(`DROP TABLE "` + t + `"`); err != nil {
				return err
			}
		}
		if err := f.tx.script("CREATE TABLE checkpoint(one INTEGER PRIMARY KEY CHECK(one=1), position INTEGER NOT NULL);" +
			"INSERT INTO checkpoint VALUES(1,0);" + f.schema.DDL); err != nil {
			return err
		}
		return f.tx.script(fmt.Sprintf("PRAGMA user_version=%d", f.schema.Version))
	})
	f.resets.Add(1)
	return err
}

// transaction runs fn between BEGIN and COMMIT, or ROLLBACK if it fails or
// panics.
func (f *File) transaction(fn func() error) error {
	if _, err := f.tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_, _ = f.tx.Exec("ROLLBACK") // fails only if SQLite rolled back already
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	_, err := f.tx.Exec("COMMIT")
	done = err == nil
	return err
}

// Apply runs fn with the facts that are not applied yet, in one transaction with
// the checkpoint after them. fn is not called when none is left.
func (f *File) Apply(ctx context.Context, facts []projections.Fact, fn func(*Tx, []projections.Fact) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fresh, err := projections.Fresh(f.at, facts)
	if err != nil || len(fresh) == 0 {
		return err
	}
	next := fresh[len(fresh)-1].Position + 1
	err = f.transaction(func() error {
		if err := f.hook(Begun); err != nil {
			return err
		}
		if err := fn(f.tx, fresh); err != nil {
			return err
		}
		if err := f.hook(RowsWritten); err != nil {
			return err
		}
		if _, err := f.tx.Exec("UPDATE checkpoint SET position=?", int64(next)); err != nil {
			return err
		}
		return f.hook(Checkpointed)
	})
	if err != nil {
		return fmt.Errorf("apply to %s: not committed: %w", f.schema.Name, projections.NoRoom(err))
	}
	f.at = next
	if err := f.hook(Kept); err != nil {
		return fmt.Errorf("apply to %s: committed: %w", f.schema.Name, err)
	}
	return nil
}

// Update runs fn in a transaction of its own, beside the facts.
func (f *File) Update(ctx context.Context, fn func(*Tx) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.scrubbed = 0
	return f.transaction(func() error { return fn(f.tx) })
}

// Checkpoint is the position of the next fact.
func (f *File) Checkpoint(context.Context) (domain.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return 0, ErrClosed
	}
	return f.at, nil
}

// Reset empties the file and sets the checkpoint to 0.
func (f *File) Reset(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return ErrClosed
	}
	if err := f.reset(); err != nil {
		return fmt.Errorf("reset %s: %w", f.schema.Name, err)
	}
	f.at, f.scrubbed = 0, 0
	return nil
}

// Reads is the pool of read-only connections.
func (f *File) Reads() *sql.DB { return f.reads }

// Close ends the writer and the readers. Closing again is nil.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return nil
	}
	err := errors.Join(f.reads.Close(), f.tx.close())
	f.tx = nil
	return err
}
