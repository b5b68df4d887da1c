package sqlite

import (
	"context"
	"errors"
	"iter"
	"time"

	"greffe/projections/audit"
)

// hoursQuery reads an index alone: account or NULL, from, to, reason or NULL.
const hoursQuery = "SELECT agent.value,time/3600000000,count(*),sum(count) FROM access INDEXED BY access_flow JOIN agent ON agent.ref=access.account " +
	"WHERE (?1 IS NULL OR agent.value=?1) AND time>=?2 AND time<?3 AND (?4 IS NULL OR reason=?4) GROUP BY 1,2 ORDER BY 1,2"

// Hours implements audit.Dataset.
func (s *Store) Hours(ctx context.Context, f audit.HoursFilter) iter.Seq2[audit.Hour, error] {
	return func(yield func(audit.Hour, error) bool) {
		if err := s.hours(ctx, f, func(x audit.Hour) bool { return yield(x, nil) }); err != nil {
			yield(audit.Hour{}, wrap("audit hours", err))
		}
	}
}

func (s *Store) hours(ctx context.Context, f audit.HoursFilter, fn func(audit.Hour) bool) error {
	var account, reason any
	if !f.Account.IsZero() {
		account = f.Account[:]
	}
	if f.Reason != "" {
		q := &selection{}
		l := lookup{ctx, s.file.Reads(), q, nil}
		if reason = l.code(f.Reason); l.err != nil || q.empty {
			return l.err
		}
	}
	lo, hi := micros(f.Time)
	rows, err := s.file.Reads().QueryContext(ctx, hoursQuery, account, lo, hi, reason)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x audit.Hour
		var who []byte
		var hour int64
		if err = rows.Scan(&who, &hour, &x.Accesses, &x.Persons); err != nil {
			break
		}
		x.Account, x.Start = uuid(who), time.Unix(hour*3600, 0).UTC()
		if !fn(x) {
			return nil
		}
	}
	return errors.Join(err, rows.Err())
}
