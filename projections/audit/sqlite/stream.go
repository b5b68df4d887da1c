package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"math"

	"greffe/projections/audit"
)

// stream runs a selection over the ranges of positions that can hold an answer,
// all in one snapshot.
func stream[T any](ctx context.Context, s *Store, what, columns string, scan func(*sql.Rows) (T, error),
	build func() (*selection, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		q, err := build()
		if err != nil {
			yield(zero, wrap(what, err))
			return
		}
		if q.empty {
			return
		}
		tx, err := s.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			yield(zero, wrap(what, err))
			return
		}
		defer func() { _ = tx.Rollback() }()
		left := int64(q.limit)
		if left <= 0 {
			left = math.MaxInt64
		}
		text := q.sql(columns)
		for lo, hi := int64(q.start), int64(0); left > 0; lo = hi {
			if lo, hi, err = nextRange(ctx, tx, q, lo); err != nil {
				yield(zero, wrap(what, err))
				return
			}
			if lo == hi {
				return
			}
			args := append([]any{lo, hi}, q.args...)
			n, more, err := rowsOf(ctx, tx, text, append(args, left), scan, yield)
			if err != nil {
				yield(zero, wrap(what, err))
				return
			}
			if !more {
				return
			}
			left -= n
		}
	}
}

// rowsOf yields the rows of one range; more is false when the caller has enough.
func rowsOf[T any](ctx context.Context, tx *sql.Tx, text string, args []any, scan func(*sql.Rows) (T, error),
	yield func(T, error) bool) (n int64, more bool, err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return n, false, err
		}
		if !yield(row, nil) {
			return n, false, nil
		}
		n++
	}
	return n, true, rows.Err()
}

const blocksQuery = "SELECT n FROM block WHERE n>=? AND time_max>=? AND time_min<? AND recorded_max>=? AND recorded_min<? ORDER BY n"

// nextRange finds the first run of blocks from position from on whose times
// touch the spans asked for. Without spans it is everything.
func nextRange(ctx context.Context, tx *sql.Tx, q *selection, from int64) (lo, hi int64, err error) {
	end := int64(math.MaxInt64)
	if q.end > 0 {
		end = int64(min(q.end, math.MaxInt64))
	}
	if from >= end {
		return from, from, nil
	}
	if q.time == (audit.Span{}) && q.rec == (audit.Span{}) {
		return from, end, nil
	}
	t0, t1 := micros(q.time)
	r0, r1 := micros(q.rec)
	rows, err := tx.QueryContext(ctx, blocksQuery, from>>blockBits, t0, t1, r0, r1)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	first, last := int64(-1), int64(-1)
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, 0, err
		}
		if first < 0 {
			first = n
		} else if n != last+1 {
			break
		}
		last = n
	}
	if first < 0 {
		return from, from, rows.Err()
	}
	if first<<blockBits >= end {
		return from, from, rows.Err()
	}
	return max(from, first<<blockBits), min(end, (last+1)<<blockBits), rows.Err()
}
