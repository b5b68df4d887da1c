package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"

	"greffe/eventstore/vault"
)

const fenceSchema = `
CREATE TABLE fence (number INTEGER PRIMARY KEY, line BLOB);
`

// fenceLines bounds how many lines FenceLines holds in memory.
const fenceLines = 256

// AppendFence implements vault.Store.
func (s *Store) AppendFence(ctx context.Context, first int64, lines [][]byte) error {
	_, err := s.write(ctx, "append fence", 0, func(t *txn) error {
		last, err := t.c.one("SELECT max(number) FROM fence")
		if err != nil {
			return err
		}
		if first < 1 || first > last+1 {
			return vault.ErrStale
		}
		err = t.c.query("SELECT number, line FROM fence WHERE number>=? AND number<?", func(row []driver.Value) error {
			if !bytes.Equal(blob(row[1]), lines[integer(row[0])-first]) {
				return vault.ErrStale
			}
			return nil
		}, first, first+int64(len(lines)))
		for i := last + 1 - first; err == nil && i < int64(len(lines)); i++ {
			_, err = t.c.exec("INSERT INTO fence VALUES (?,?)", first+i, append([]byte{}, lines[i]...))
		}
		return err
	})
	return err
}

// FenceLines implements vault.Store. It holds nothing while fn runs.
func (s *Store) FenceLines(ctx context.Context, after int64, fn func(number int64, line []byte) error) error {
	for more := true; more; {
		var lines [][]byte
		from := after
		err := s.read(ctx, "fence lines", func(c *conn) error {
			return c.query("SELECT number, line FROM fence WHERE number>? ORDER BY number LIMIT ?", func(row []driver.Value) error {
				lines, after = append(lines, blob(row[1])), integer(row[0])
				return nil
			}, from, int64(fenceLines))
		})
		if err != nil {
			return err
		}
		for i, line := range lines {
			if err := fn(after-int64(len(lines)-1-i), line); err != nil {
				return err
			}
		}
		more = len(lines) == fenceLines
	}
	return nil
}
