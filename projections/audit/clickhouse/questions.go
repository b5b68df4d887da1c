package clickhouse

import (
	"context"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
)

// listing runs a query when it is ranged over.
func listing[T any](ctx context.Context, d *Dataset, what, query string, args []any, scan func(driver.Rows) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		err := d.ready(ctx)
		if err == nil {
			err = d.pool.each(ctx, what, query, args, func(rows driver.Rows) (bool, error) {
				row, err := scan(rows)
				if err != nil {
					return false, err
				}
				return yield(row, nil), nil
			})
			d.forget(err)
		}
		if err != nil {
			yield(zero, err)
		}
	}
}

const changedQuery = "SELECT subject, minIf(position, asked) AS at, min(position), max(position), " +
	"(sumMap([toString(type)], [toUInt64(1)]) AS kinds).1, kinds.2 FROM " +
	"(SELECT subject, position, type, empty({types:Array(String)}) OR has({types:Array(String)}, toString(type)) AS asked FROM ~.events FINAL " +
	"WHERE position >= {from:UInt64} AND position < {to:UInt64} AND position < (" + claimed + ") " +
	"AND subject != toUUID('00000000-0000-0000-0000-000000000000')) " +
	"GROUP BY subject HAVING countIf(asked) > 0 AND at >= {cursor:UInt64} ORDER BY at"

// Changed implements audit.Dataset.
func (d *Dataset) Changed(ctx context.Context, f audit.ChangedFilter) iter.Seq2[audit.Changed, error] {
	types := make([]string, len(f.Types))
	for i, t := range f.Types {
		types[i] = string(t)
	}
	query := changedQuery
	args := []any{named("types", types), named("from", uint64(f.From)), named("to", uint64(f.To)), named("cursor", uint64(f.Cursor))}
	if f.Limit > 0 {
		query += " LIMIT {limit:UInt64}"
		args = append(args, named("limit", uint64(f.Limit)))
	}
	return listing(ctx, d, "audit changes", query, args, func(rows driver.Rows) (audit.Changed, error) {
		c := audit.Changed{Types: map[event.Type]int64{}}
		var subject uuid.UUID
		var at, first, last uint64
		var kinds []string
		var counts []uint64
		err := rows.Scan(&subject, &at, &first, &last, &kinds, &counts)
		c.Subject, c.At, c.First, c.Last = domain.ID(subject), domain.Position(at), domain.Position(first), domain.Position(last)
		for i, t := range kinds {
			c.Types[event.Type(t)] = int64(counts[i])
		}
		return c, err
	})
}

// Counts implements audit.Dataset.
func (d *Dataset) Counts(ctx context.Context, from, to domain.Position) (map[event.Type]int64, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	out := map[event.Type]int64{}
	err := d.pool.each(ctx, "audit counts", "SELECT toString(type), count() FROM ~.events FINAL WHERE position >= {from:UInt64} AND position < {to:UInt64} "+
		"AND position < ("+claimed+") GROUP BY type", []any{named("from", uint64(from)), named("to", uint64(to))}, func(rows driver.Rows) (bool, error) {
		var t string
		var n uint64
		err := rows.Scan(&t, &n)
		out[event.Type(t)] = int64(n)
		return true, err
	})
	if err != nil {
		d.forget(err)
		return nil, err
	}
	return out, nil
}

// Flow implements audit.Dataset. The server sorts the accesses of the span by account
// and time, twice; one such question is answered at a time, so that those that wait
// hold no connection that another needs.
func (d *Dataset) Flow(ctx context.Context, f audit.FlowFilter) iter.Seq2[audit.Flow, error] {
	return func(yield func(audit.Flow, error) bool) {
		select {
		case d.flowing <- struct{}{}:
			defer func() { <-d.flowing }()
		case <-ctx.Done():
			yield(audit.Flow{}, ctx.Err())
			return
		}
		end, err := d.Checkpoint(ctx)
		if err == nil {
			_, err = audit.FlowOf(func() iter.Seq2[audit.Read, error] { return d.reads(ctx, f, end) }, f,
				func(x audit.Flow) bool { return yield(x, nil) })
		}
		if err != nil {
			yield(audit.Flow{}, err)
		}
	}
}

// reads are the accesses below a position by account and time.
func (d *Dataset) reads(ctx context.Context, f audit.FlowFilter, below domain.Position) iter.Seq2[audit.Read, error] {
	if below == 0 {
		return func(func(audit.Read, error) bool) {}
	}
	q := selecting("accesses", "", 0, below, 0)
	q.where = append(q.where, "time >= (SELECT max(time) FROM ~.horizon)", "account != toUUID('00000000-0000-0000-0000-000000000000')")
	q.id("account", f.Account)
	q.code("reason", f.Reason)
	q.span("time", f.Time)
	if !f.After.Account.IsZero() {
		q.and("toString(account) >= {after:String}", "after", f.After.Account.String())
	}
	query := "SELECT account, toUnixTimestamp64Micro(time), position, count FROM ~.accesses FINAL WHERE " + q.conditions() +
		" ORDER BY toString(account), time, position"
	return listing(ctx, d, "audit flow", query, q.args, func(rows driver.Rows) (audit.Read, error) {
		var x audit.Read
		var account uuid.UUID
		var micro int64
		var position uint64
		err := rows.Scan(&account, &micro, &position, &x.Count)
		x.Account, x.Time, x.Position = domain.ID(account), instant(micro), domain.Position(position)
		return x, err
	})
}
