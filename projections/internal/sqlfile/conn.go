package sqlfile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// Tx is the writer's transaction. It speaks to the driver directly, since
// database/sql's locking and conversions cost as much as a narrow row. Values
// are int64, []byte, string or nil.
type Tx struct {
	raw   driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

func dsn(path string, readOnly bool) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Path: abs}
	if readOnly {
		u.RawQuery = "mode=ro&_pragma=busy_timeout(5000)&_pragma=cache_size(-1024)"
	}
	return u.String(), nil
}

// pragmas of the writer. Pages of 2 KiB: with random keys every row dirties a
// page of its own, and its copy to the write-ahead log is most of the cost. The
// write-ahead log grows to 32 MiB before it is copied back, for the same reason.
// Caches are small, since each page in them takes twice its size outside Go's
// heap, there are some fifty connections, and the system's cache stands behind:
// 4 MiB here, 1 for each reader.
var pragmas = [...]string{"page_size=2048", "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000",
	"cache_size=-4096", "wal_autocheckpoint=16384", "secure_delete=ON", "trusted_schema=OFF"}

func connect(path string) (*Tx, error) {
	name, err := dsn(path, false)
	if err != nil {
		return nil, err
	}
	c, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	raw, err := c.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	tx := &Tx{raw: raw, stmts: map[string]driver.Stmt{}}
	for _, p := range pragmas {
		if err := tx.script("PRAGMA " + p); err != nil {
			return nil, errors.Join(fmt.Errorf("pragma %s: %w", p, err), tx.close())
		}
	}
	return tx, nil
}

func (tx *Tx) script(sql string) error {
	_, err := tx.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

func (tx *Tx) stmt(sql string) (driver.Stmt, error) {
	if s := tx.stmts[sql]; s != nil {
		return s, nil
	}
	s, err := tx.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	tx.stmts[sql] = s
	return s, nil
}

func (tx *Tx) named(args []driver.Value) []driver.NamedValue {
	tx.args = tx.args[:0]
	for i, a := range args {
		tx.args = append(tx.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return tx.args
}

// Exec runs one statement, prepared once, and returns how many rows it changed.
func (tx *Tx) Exec(sql string, args ...driver.Value) (int64, error) {
	s, err := tx.stmt(sql)
	if err == nil {
		var r driver.Result
		if r, err = s.(driver.StmtExecContext).ExecContext(context.Background(), tx.named(args)); err == nil {
			return r.RowsAffected()
		}
	}
	return 0, fmt.Errorf("%s: %w", verb(sql), err)
}

// Query calls fn for each row; fn may keep the values, but not the slice.
func (tx *Tx) Query(sql string, fn func(row []driver.Value) error, args ...driver.Value) error {
	s, err := tx.stmt(sql)
	if err != nil {
		return fmt.Errorf("%s: %w", verb(sql), err)
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), tx.named(args))
	if err != nil {
		return fmt.Errorf("%s: %w", verb(sql), err)
	}
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(dest); err == nil {
			err = fn(dest)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, rows.Close()); err != nil {
		return fmt.Errorf("%s: %w", verb(sql), err)
	}
	return nil
}

// Int reads the first column of the first row; ok is false without a row.
func (tx *Tx) Int(sql string, args ...driver.Value) (n int64, ok bool, err error) {
	err = tx.Query(sql, func(row []driver.Value) error {
		if !ok {
			n, _ = row[0].(int64)
			ok = true
		}
		return nil
	}, args...)
	return n, ok, err
}

// verb names a statement in errors: its first three words.
func verb(sql string) string {
	words := strings.Fields(sql)
	return strings.Join(words[:min(3, len(words))], " ")
}

func (tx *Tx) close() error {
	var errs []error
	for _, s := range tx.stmts {
		errs = append(errs, s.Close())
	}
	tx.stmts = nil
	return errors.Join(append(errs, tx.raw.Close())...)
}
