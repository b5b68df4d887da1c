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
		err = q.ranges(ctx, tx, func(lo, hi int64) (bool, error) {
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
func (q *selection) ranges(ctx context.Context, tx *sql.Tx, fn func(lo, hi int64) (more bool, err error)) error {
	lo, hi := position(q.start), int64(math.MaxInt64)
	if q.end > 0 {
		hi = position(q.end)
	}
	for {
		from, to, err := q.nextRange(ctx, tx, lo, hi)
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
	blocksQuery     = "SELECT n FROM block WHERE n>=? AND n<=? AND time_max>=? AND time_min<? AND recorded_max>=? AND recorded_min<? ORDER BY n"
	lastBlocksQuery = blocksQuery + " DESC"
)

// nextRange finds in [from, end) the first run of blocks, in the order that is asked for,
// whose times touch the spans asked for; without spans it is everything. lo is hi if
// there is none.
func (q *selection) nextRange(ctx context.Context, tx *sql.Tx, from, end int64) (lo, hi int64, err error) {
	if from >= end {
		return from, from, nil
	}
	if q.time == (audit.Span{}) && q.rec == (audit.Span{}) {
		return from, end, nil
	}
	t0, t1 := micros(q.time)
	r0, r1 := micros(q.rec)
	text := blocksQuery
	if q.newest {
		text = lastBlocksQuery
	}
	rows, err := tx.QueryContext(ctx, text, from>>blockBits, (end-1)>>blockBits, t0, t1, r0, r1)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	least, most := int64(-1), int64(-1)
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, 0, err
		}
		if least >= 0 && n != least-1 && n != most+1 {
			break
		}
		if least < 0 {
			least, most = n, n
		}
		least, most = min(least, n), max(most, n)
	}
	if least < 0 {
		return from, from, rows.Err()
	}
	return max(from, least<<blockBits), min(end, (most+1)<<blockBits), rows.Err()
}
