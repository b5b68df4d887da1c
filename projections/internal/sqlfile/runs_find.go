package sqlfile

import (
	"context"
	"database/sql"
	"fmt"
)

// Query is how a reader asks: File.Rows, or QueryContext of a transaction.
type Query func(ctx context.Context, text string, args ...any) (*sql.Rows, error)

// valuesQuery finds the chunks that can hold values of [?2, ?3) under the key ?1.
func valuesQuery(t string) string {
	return "SELECT c.data FROM " + t + "_run r CROSS JOIN " + t + "_chunk c ON " +
		"c.id>=coalesce((SELECT id FROM " + t + "_chunk WHERE run=r.run AND (key,value)<=(?1,?2) ORDER BY key DESC,value DESC LIMIT 1),r.run<<24) AND " +
		"c.id<=(SELECT id FROM " + t + "_chunk WHERE run=r.run AND (key,value)<(?1,?3) ORDER BY key DESC,value DESC LIMIT 1)"
}

// Values lists up to limit values of [from, to) under key, in order.
func (r *Runs) Values(ctx context.Context, query Query, key, from, to int64, limit int) (out []int64, err error) {
	if limit <= 0 || from >= to {
		return nil, nil
	}
	err = r.chunks(ctx, query, r.values, key, from, to, func(data []byte) (more bool) {
		for i := lower(data, Entry{key, from}); i < len(data)/entrySize; i++ {
			e := entryAt(data, i)
			if e.Key != key || e.Value >= to {
				break
			}
			if out = other(out, e.Value); len(out) == limit {
				return false
			}
		}
		return true
	})
	return out, err
}

// Latest lists up to limit values of [from, to) under key, the highest first.
func (r *Runs) Latest(ctx context.Context, query Query, key, from, to int64, limit int) (out []int64, err error) {
	if limit <= 0 || from >= to {
		return nil, nil
	}
	err = r.chunks(ctx, query, r.latest, key, from, to, func(data []byte) (more bool) {
		for i := lower(data, Entry{key, to}) - 1; i >= 0; i-- {
			e := entryAt(data, i)
			if e.Key != key || e.Value < from {
				break
			}
			if out = other(out, e.Value); len(out) == limit {
				return false
			}
		}
		return true
	})
	return out, err
}

// other appends v unless it is the last.
func other(out []int64, v int64) []int64 {
	if n := len(out); n > 0 && out[n-1] == v {
		return out
	}
	return append(out, v)
}

// chunks calls fn for the chunks that can hold values of [from, to) under key, until it
// has enough.
func (r *Runs) chunks(ctx context.Context, query Query, text string, key, from, to int64, fn func(data []byte) (more bool)) error {
	rows, err := query(ctx, text, key, from, to)
	if err != nil {
		return fmt.Errorf("values in %s: %w", r.table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return fmt.Errorf("values in %s: %w", r.table, err)
		}
		if len(data)%entrySize != 0 {
			return fmt.Errorf("values in %s: %w", r.table, errChunk)
		}
		if !fn(data) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("values in %s: %w", r.table, err)
	}
	return nil
}

// lower is the first entry of data that is not less than e.
func lower(data []byte, e Entry) int {
	lo, hi := 0, len(data)/entrySize
	for lo < hi {
		if mid := (lo + hi) / 2; compareEntries(entryAt(data, mid), e) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
