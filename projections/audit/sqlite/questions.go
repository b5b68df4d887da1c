package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
)

// Changed implements audit.Dataset.
func (s *Store) Changed(ctx context.Context, f audit.ChangedFilter) iter.Seq2[audit.Changed, error] {
	return audit.ChangedBy(ctx, s.Events, f)
}

// Counts implements audit.Dataset.
func (s *Store) Counts(ctx context.Context, from, to domain.Position) (map[event.Type]int64, error) {
	out := map[event.Type]int64{}
	if from >= to {
		return out, nil
	}
	for e, err := range s.Events(ctx, audit.Filter{Cursor: from, Before: to}) {
		if err != nil {
			return nil, err
		}
		out[e.Type]++
	}
	return out, nil
}

const (
	agentsFrom = "SELECT ref,value FROM agent WHERE value>=? ORDER BY value LIMIT 1"
	agentsNext = "SELECT ref,value FROM agent WHERE value>? ORDER BY value LIMIT 1"
	// flowQuery reads an index alone: account, from, to, reason or NULL.
	flowQuery = "SELECT time,position,count FROM access INDEXED BY access_flow WHERE account=?1 AND time>=?2 AND time<?3 " +
		"AND (?4 IS NULL OR reason=?4) ORDER BY time,position"
)

// Flow implements audit.Dataset: account by account, from one snapshot.
func (s *Store) Flow(ctx context.Context, f audit.FlowFilter) iter.Seq2[audit.Flow, error] {
	return func(yield func(audit.Flow, error) bool) {
		if err := s.flow(ctx, f, func(x audit.Flow) bool { return yield(x, nil) }); err != nil {
			yield(audit.Flow{}, wrap("audit flow", err))
		}
	}
}

func (s *Store) flow(ctx context.Context, f audit.FlowFilter, fn func(audit.Flow) bool) error {
	var reason any
	if f.Reason != "" {
		q := &selection{}
		l := lookup{ctx, s.file.Reads(), q, nil}
		if reason = l.code(f.Reason); l.err != nil || q.empty {
			return l.err
		}
	}
	tx, err := s.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	query, from := agentsFrom, f.After.Account
	if !f.Account.IsZero() {
		from = f.Account
	}
	for {
		var ref int64
		var value []byte
		err := tx.QueryRowContext(ctx, query, from[:]).Scan(&ref, &value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if from = uuid(value); !f.Account.IsZero() && from != f.Account {
			return nil
		}
		if more, err := flowOf(ctx, tx, f, from, ref, reason, fn); err != nil || !more {
			return err
		}
		query = agentsNext
	}
}

// flowOf walks the accesses of one account by time.
func flowOf(ctx context.Context, tx *sql.Tx, f audit.FlowFilter, account domain.ID, ref int64, reason any, fn func(audit.Flow) bool) (more bool, err error) {
	lo, hi := micros(f.Time)
	return audit.FlowOf(func() iter.Seq2[audit.Read, error] {
		return func(yield func(audit.Read, error) bool) {
			x := audit.Read{FlowCursor: audit.FlowCursor{Account: account}}
			rows, err := tx.QueryContext(ctx, flowQuery, ref, lo, hi, reason)
			if err != nil {
				yield(x, err)
				return
			}
			defer rows.Close()
			for rows.Next() {
				var at int64
				if err = rows.Scan(&at, &x.Position, &x.Count); err != nil {
					break
				}
				if x.Time = instant(at); !yield(x, nil) {
					return
				}
			}
			if err = errors.Join(err, rows.Err()); err != nil {
				yield(x, err)
			}
		}
	}, f, fn)
}
