package sqlfile

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"greffe/domain"
)

// Section is one part of a dump: a heading and the rows of a query, or those that
// Rows calls row with, of the Columns. They must be ordered by content and give no
// number that depends on the way that led to it. A column named position, event or
// subject says to whom compares two dumps where in the log a row comes from.
type Section struct {
	Name, Query string
	Columns     []string // of Rows
	Rows        func(ctx context.Context, tx *sql.Tx, row func(values ...any) error) error
}

// Dump writes the checkpoint and the sections as tab-separated lines, all from
// one snapshot: integers in decimal, BLOBs in hex, TEXT quoted, NULL as "-". Each
// section begins with a line of "# ", its name, and the names of its columns.
func (f *File) Dump(ctx context.Context, w io.Writer, sections ...Section) error {
	tx, err := f.Pin(ctx)
	if err != nil {
		return err
	}
	return f.DumpOf(ctx, tx, w, sections...)
}

// Pin begins a transaction that reads the file as it is now. The caller ends it.
func (f *File) Pin(ctx context.Context) (*sql.Tx, error) {
	tx, err := f.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.schema.Name, err)
	}
	var at int64
	if err := tx.QueryRowContext(ctx, "SELECT position FROM checkpoint").Scan(&at); err != nil { // SQLite's snapshot is that of the first read
		return nil, fmt.Errorf("read %s: %w", f.schema.Name, errors.Join(err, tx.Rollback()))
	}
	return tx, nil
}

// DumpOf is Dump of what a transaction reads, which it ends.
func (f *File) DumpOf(ctx context.Context, tx *sql.Tx, w io.Writer, sections ...Section) (err error) {
	defer func() { _ = tx.Rollback() }()
	out := bufio.NewWriter(w)
	for _, s := range append([]Section{{Name: "checkpoint", Query: "SELECT position FROM checkpoint"}}, sections...) {
		var line []byte
		head := func(columns []string) error {
			_, err := out.WriteString("# " + strings.Join(append([]string{s.Name}, columns...), "\t") + "\n")
			return err
		}
		row := func(values ...any) error {
			line = appendRow(line[:0], values)
			_, err := out.Write(line)
			return err
		}
		if s.Rows == nil {
			err = dumpRows(ctx, tx, s.Query, head, row)
		} else if err = head(s.Columns); err == nil {
			err = s.Rows(ctx, tx, row)
		}
		if err != nil {
			return fmt.Errorf("dump %s, %s: %w", f.schema.Name, s.Name, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("dump %s: %w", f.schema.Name, err)
	}
	return nil
}

// ErrUnsound: the file's own structure is damaged, or an index of it is not that of
// its table.
var ErrUnsound = errors.New("the file of the projection is damaged")

// Sound has SQLite compare the file's pages, tables and indexes with each other: a
// dump reads tables, and answers are found by indexes. It reads the whole file.
func (f *File) Sound(ctx context.Context) error {
	var verdict string
	if err := f.Row(ctx, "PRAGMA integrity_check(1)", nil, &verdict); err != nil {
		return fmt.Errorf("check %s: %w", f.schema.Name, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check %s: %w: %s", f.schema.Name, ErrUnsound, verdict)
	}
	return nil
}

// ID is the one id that a query finds, zero if it finds none.
func (f *File) ID(ctx context.Context, query string, args ...any) (domain.ID, error) {
	var b []byte
	err := f.Row(ctx, query, args, &b)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return domain.ID{}, nil
	case err != nil || len(b) != len(domain.ID{}):
		return domain.ID{}, errors.Join(err, fmt.Errorf("%s: no id of %d bytes", f.schema.Name, len(b)))
	}
	return domain.ID(b), nil
}

func dumpRows(ctx context.Context, tx *sql.Tx, query string, head func(columns []string) error, row func(...any) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err == nil {
		err = head(cols)
	}
	if err != nil {
		return err
	}
	values := make([]any, len(cols))
	into := make([]any, len(cols))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := row(values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

func appendRow(line []byte, values []any) []byte {
	for i, v := range values {
		if i > 0 {
			line = append(line, '\t')
		}
		line = appendValue(line, v)
	}
	return append(line, '\n')
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, '-')
	case int64:
		return strconv.AppendInt(b, v, 10)
	case []byte:
		return hex.AppendEncode(b, v)
	case string:
		return strconv.AppendQuote(b, v)
	}
	return fmt.Append(b, v)
}
