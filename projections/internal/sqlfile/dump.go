package sqlfile

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
)

// Section is one part of a dump: a heading and the rows of a query, or those that
// Rows calls row with. They must be ordered by content and give no number that
// depends on the way that led to it.
type Section struct {
	Name, Query string
	Rows        func(ctx context.Context, tx *sql.Tx, row func(values ...any) error) error
}

// Dump writes the checkpoint and the sections as tab-separated lines, all from
// one snapshot: integers in decimal, BLOBs in hex, TEXT quoted, NULL as "-".
func (f *File) Dump(ctx context.Context, w io.Writer, sections ...Section) error {
	tx, err := f.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("dump %s: %w", f.schema.Name, err)
	}
	defer func() { _ = tx.Rollback() }()
	out := bufio.NewWriter(w)
	for _, s := range append([]Section{{Name: "checkpoint", Query: "SELECT position FROM checkpoint"}}, sections...) {
		fmt.Fprintf(out, "# %s\n", s.Name)
		var line []byte
		row := func(values ...any) error {
			line = appendRow(line[:0], values)
			_, err := out.Write(line)
			return err
		}
		if s.Rows == nil {
			err = dumpRows(ctx, tx, s.Query, row)
		} else {
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

func dumpRows(ctx context.Context, tx *sql.Tx, query string, row func(...any) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	cols, err := rows.Columns()
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
