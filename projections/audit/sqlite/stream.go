package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"math"

	"greffe/domain"
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
		err = s.ranges(ctx, tx, q, func(lo, hi int64) (bool, error) {
			args := append([]any{lo, hi}, q.args...)
			n, more, err := rowsOf(ctx, tx, text, append(args, left), scan, yield)
			left -= n
			return more && left > 0, err
		})
		if err != nil {
			yield(zero, wrap(what, err))
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

// ranges calls fn for the ranges of positions that can hold an answer, in the order that
// is asked for, until it has enough.
func (s *Store) ranges(ctx context.Context, tx *sql.Tx, q *selection, fn func(lo, hi int64) (more bool, err error)) error {
	lo, hi := position(q.start), int64(math.MaxInt64)
	if q.end > 0 {
		hi = position(q.end)
	}
	for {
		var err error
		if lo, hi, err = q.skip(ctx, tx, lo, hi); err != nil {
			return err
		}
		from, to, err := s.nextRange(ctx, tx, q, lo, hi)
		if err != nil || from == to {
			return err
		}
		if more, err := fn(from, to); err != nil || !more {
			return err
		}
		if q.newest {
			hi = from
		} else {
			lo = to
		}
	}
}

func position(p domain.Position) int64 { return int64(min(p, math.MaxInt64)) }

const (
	firstAccess = "SELECT coalesce(min(position),?2) FROM access WHERE position>=?1 AND position<?2"
	lastAccess  = "SELECT coalesce(max(position)+1,?1) FROM access WHERE position>=?1 AND position<?2"
)

// skip narrows [lo, hi), of a selection of accesses within spans, to where there is one:
// of where there is none nobody need look at times.
func (q *selection) skip(ctx context.Context, tx *sql.Tx, lo, hi int64) (int64, int64, error) {
	if q.from == "" || lo >= hi || q.time == (audit.Span{}) && q.rec == (audit.Span{}) {
		return lo, hi, nil
	}
	text, end := firstAccess, &lo
	if q.newest {
		text, end = lastAccess, &hi
	}
	err := tx.QueryRowContext(ctx, text, lo, hi).Scan(end)
	return lo, hi, err
}
