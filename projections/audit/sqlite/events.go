package sqlite

import (
	"context"
	"database/sql"
	"hash/fnv"
	"iter"
	"math"
	"strings"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
)

// pageBlocks is how many blocks are looked up at a time.
const pageBlocks = 1024

// posting is the key under which the blocks are that have value in a column. Two
// values may have the same: rows are checked.
func posting(role byte, value []byte) int64 {
	h := fnv.New64a()
	h.Write([]byte{role})
	h.Write(value)
	return int64(h.Sum64() >> 1)
}

// narrowest is the posting to walk for f, of the column that is likely to have
// the fewest blocks; false if f names no column.
func narrowest(f audit.Filter) (key int64, ok bool) {
	for _, c := range [...]struct {
		role byte
		id   domain.ID
		code string
	}{{roleSubject, f.Subject, ""}, {roleActor, f.Account, ""}, {rolePurpose, domain.ID{}, f.Purpose}, {roleType, domain.ID{}, string(f.Type)},
		{roleSource, f.Source, ""}} {
		if !c.id.IsZero() {
			return posting(c.role, c.id[:]), true
		}
		if c.code != "" {
			return posting(c.role, []byte(c.code)), true
		}
	}
	return 0, false
}

// Events implements audit.Dataset.
func (s *Store) Events(ctx context.Context, f audit.Filter) iter.Seq2[audit.Event, error] {
	return func(yield func(audit.Event, error) bool) {
		left := f.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		err := s.visit(ctx, f, func(b *block) (more bool, err error) {
			more = true
			err = b.ordered(f, func(e audit.Event) bool {
				left--
				more = yield(e, nil) && left > 0
				return more
			})
			return more, err
		})
		if err != nil {
			yield(audit.Event{}, wrap("audit events", err))
		}
	}
}

// visit calls fn for the blocks that can hold what f asks, in order and from one
// snapshot: those whose times touch the spans and that the narrowest posting
// names.
func (s *Store) visit(ctx context.Context, f audit.Filter, fn func(*block) (more bool, err error)) error {
	tx, err := s.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	key, keyed := narrowest(f)
	q := &selection{time: f.Time, rec: f.Recorded, start: f.Cursor, end: f.Before, newest: f.Newest}
	return s.ranges(ctx, tx, q, func(lo, hi int64) (bool, error) {
		first, last := lo>>blockBits, (hi-1)>>blockBits
		switch {
		case keyed && f.Newest:
			return s.lastNamed(ctx, tx, key, first, last, fn)
		case keyed:
			return s.named(ctx, tx, key, first, last, fn)
		case f.Newest:
			return each(ctx, tx, lastRangeQuery, []any{first, last}, fn)
		}
		return each(ctx, tx, rangeQuery, []any{first, last}, fn)
	})
}

// The statements that read blocks.
const (
	oneQuery   = "SELECT n,data FROM fact WHERE n=?"
	rangeQuery = "SELECT n,data FROM fact WHERE n>=? AND n<=? ORDER BY n"

	lastRangeQuery = rangeQuery + " DESC"
)

// named visits the blocks of [first, last] under key.
func (s *Store) named(ctx context.Context, tx *sql.Tx, key, first, last int64, fn func(*block) (bool, error)) (more bool, err error) {
	for {
		page, err := s.postings.Values(ctx, tx.QueryContext, key, first, last+1, s.page)
		if err != nil {
			return false, err
		}
		for _, n := range page {
			if more, err := each(ctx, tx, oneQuery, []any{n}, fn); err != nil || !more {
				return false, err
			}
		}
		if len(page) < s.page {
			return true, nil
		}
		first = page[len(page)-1] + 1
	}
}

// lastNamed visits the blocks of [first, last] under key from the last one on.
func (s *Store) lastNamed(ctx context.Context, tx *sql.Tx, key, first, last int64, fn func(*block) (bool, error)) (more bool, err error) {
	for {
		page, err := s.postings.Latest(ctx, tx.QueryContext, key, first, last+1, s.page)
		if err != nil {
			return false, err
		}
		for _, n := range page {
			if more, err := each(ctx, tx, oneQuery, []any{n}, fn); err != nil || !more {
				return false, err
			}
		}
		if len(page) < s.page {
			return true, nil
		}
		last = page[len(page)-1] - 1
	}
}

func each(ctx context.Context, tx *sql.Tx, query string, args []any, fn func(*block) (bool, error)) (more bool, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var data []byte
		if err := rows.Scan(&n, &data); err != nil {
			return false, err
		}
		b, err := readBlock(n, data)
		if err != nil {
			return false, err
		}
		if more, err := fn(b); err != nil || !more {
			return false, err
		}
	}
	return true, rows.Err()
}

// eventSection dumps every event.
func eventSection() sqlfile.Section {
	return sqlfile.Section{Name: "events", Columns: strings.Split("position event type subject source actor controller purposes time recorded policy warnings unproven", " "), Rows: func(ctx context.Context, tx *sql.Tx, row func(...any) error) error {
		_, err := each(ctx, tx, rangeQuery, []any{0, int64(math.MaxInt64)}, func(b *block) (bool, error) {
			var fail error
			err := b.events(audit.Filter{}, func(e audit.Event) bool {
				fail = row(int64(e.Position), e.ID, string(e.Type), e.Subject, e.Source, e.Actor, e.Controller, e.Purposes,
					e.Time.UnixMicro(), e.Recorded.UnixMicro(), e.Policy, e.Warnings, e.Unproven)
				return fail == nil
			})
			if err == nil {
				err = fail
			}
			return err == nil, err
		})
		return err
	}}
}
