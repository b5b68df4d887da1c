package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// conn is one SQLite connection with its prepared statements. It speaks to the
// driver directly: database/sql's locking and conversion cost more per row than
// the row itself. One goroutine at a time.
type conn struct {
	raw   driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

// opener makes a connection; tests put a failing one between.
type opener func(dsn string) (driver.Conn, error)

func openDriver(dsn string) (driver.Conn, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

func newConn(open opener, dsn string, pragmas []string) (*conn, error) {
	raw, err := open(dsn)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, stmts: map[string]driver.Stmt{}}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			return nil, errors.Join(fmt.Errorf("pragma %s: %w", p, err), c.close())
		}
	}
	return c, nil
}

// script runs statements without arguments and without keeping them prepared.
func (c *conn) script(sql string) error {
	e, ok := c.raw.(driver.ExecerContext)
	if !ok {
		return errors.New("the SQLite driver cannot run scripts")
	}
	_, err := e.ExecContext(context.Background(), sql, nil)
	return err
}

func (c *conn) prepared(sql string) (driver.Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	s, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

// named fills the reused argument slice; values are int64, []byte, string or nil.
func (c *conn) named(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(sql string, args ...driver.Value) (int64, error) {
	s, err := c.prepared(sql)
	if err != nil {
		return 0, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.named(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query calls fn for every row; the values are fn's to keep.
func (c *conn) query(sql string, fn func(row []driver.Value) error, args ...driver.Value) error {
	s, err := c.prepared(sql)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.named(args))
	if err != nil {
		return err
	}
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		if err = rows.Next(dest); err != nil {
			break
		}
		if err = fn(dest); err != nil {
			break
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// one reads the single integer a query gives; 0 without a row.
func (c *conn) one(sql string, args ...driver.Value) (n int64, err error) {
	err = c.query(sql, func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, args...)
	return n, err
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// in runs sql, which ends in "IN ", over keys, 64 at a time, and calls fn for
// every row found. The last group is filled up by repeating its last key.
func (c *conn) in(sql string, keys []driver.Value, fn func(row []driver.Value) error) error {
	var group [inMany]driver.Value
	for len(keys) > 0 {
		size, list := inMany, inManyList
		switch {
		case len(keys) == 1:
			size, list = 1, "(?)"
		case len(keys) <= inFew:
			size, list = inFew, inFewList
		}
		n := copy(group[:size], keys)
		for i := n; i < size; i++ {
			group[i] = keys[n-1]
		}
		keys = keys[n:]
		if err := c.query(sql+list, fn, group[:size]...); err != nil {
			return err
		}
	}
	return nil
}

const (
	inFew      = 8
	inMany     = 64
	inFewList  = "(?,?,?,?,?,?,?,?)"
	inTail     = ",?,?,?,?,?,?,?,?"
	inManyList = "(?,?,?,?,?,?,?,?" + inTail + inTail + inTail + inTail + inTail + inTail + inTail + ")"
)
