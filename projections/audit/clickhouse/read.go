package clickhouse

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
)

// selection is a query being built, in order of position and below the
// checkpoint: what a writer has not written down yet is not seen.
type selection struct {
	from, columns string
	where         []string
	args          []any
	limit         int
	newest        bool // the order of positions turned
}

func selecting(from, columns string, cursor, before domain.Position, limit int) *selection {
	q := &selection{from: from, columns: columns, limit: limit, where: []string{"position < (" + claimed + ")"}}
	if cursor > 0 {
		q.and("position >= {cursor:UInt64}", "cursor", uint64(cursor))
	}
	if before > 0 {
		q.and("position < {before:UInt64}", "before", uint64(before))
	}
	return q
}

func (q *selection) and(cond, name string, value any) {
	q.where = append(q.where, cond)
	q.args = append(q.args, named(name, value))
}

func (q *selection) id(column string, id domain.ID) {
	if !id.IsZero() {
		q.and(column+" = {"+column+":UUID}", column, id)
	}
}

func (q *selection) code(column, value string) {
	if value != "" {
		q.and(column+" = {"+column+":String}", column, value)
	}
}

// span adds [From, To) of a column of microseconds.
func (q *selection) span(column string, s audit.Span) {
	for _, end := range []struct {
		op, name string
		at       time.Time
	}{{">=", column + "_from", s.From}, {"<", column + "_to", s.To}} {
		if !end.at.IsZero() {
			q.and(column+" "+end.op+" fromUnixTimestamp64Micro({"+end.name+":Int64}, 'UTC')", end.name, ceilMicro(end.at))
		}
	}
}

// ceilMicro is the first microsecond at or after t.
func ceilMicro(t time.Time) int64 {
	n := t.UnixMicro()
	if time.UnixMicro(n).Before(t) {
		n++
	}
	return n
}

func (q *selection) conditions() string { return strings.Join(q.where, " AND ") }

func instant(micro int64) domain.Time { return domain.NewTime(time.UnixMicro(micro)) }

func (q *selection) sql() string {
	text := "SELECT " + q.columns + " FROM ~." + q.from + " FINAL WHERE " + q.conditions() + " ORDER BY position"
	if q.newest {
		text += " DESC"
	}
	if q.limit > 0 {
		text += " LIMIT {limit:UInt64}"
		q.args = append(q.args, named("limit", uint64(q.limit)))
	}
	return text
}

// stream runs the query when it is ranged over.
func stream[T any](ctx context.Context, d *Dataset, what string, q *selection, scan func(driver.Rows) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		if err := d.ready(ctx); err != nil {
			yield(zero, err)
			return
		}
		err := d.pool.each(ctx, what, q.sql(), q.args, func(rows driver.Rows) (bool, error) {
			row, err := scan(rows)
			if err != nil {
				return false, err
			}
			return yield(row, nil), nil
		})
		if err != nil {
			d.forget(err)
			yield(zero, err)
		}
	}
}

const eventColumns = "position, id, type, subject, source, actor, controller, purposes, time, recorded, policy, length(rules), unproven"

// Events implements audit.Dataset.
func (d *Dataset) Events(ctx context.Context, f audit.Filter) iter.Seq2[audit.Event, error] {
	q := selecting("events", eventColumns, f.Cursor, f.Before, f.Limit)
	q.newest = f.Newest
	q.code("type", string(f.Type))
	if f.Without != "" {
		q.and("type != {without:String}", "without", string(f.Without))
	}
	q.id("subject", f.Subject)
	q.id("actor", f.Account)
	q.id("source", f.Source)
	if f.Purpose != "" {
		q.and("has(purposes, {purpose:String})", "purpose", f.Purpose)
	}
	q.span("time", f.Time)
	q.span("recorded", f.Recorded)
	return stream(ctx, d, "audit events", q, scanEvent)
}

func scanEvent(rows driver.Rows) (audit.Event, error) {
	var e audit.Event
	var position, warnings uint64
	var id, subject, source, actor uuid.UUID
	var kind string
	err := rows.Scan(&position, &id, &kind, &subject, &source, &actor, &e.Controller, &e.Purposes, &e.Time.Time, &e.Recorded.Time,
		&e.Policy, &warnings, &e.Unproven)
	e.Position, e.Type, e.Warnings = domain.Position(position), event.Type(kind), int(warnings)
	e.ID, e.Subject, e.Source, e.Actor = domain.ID(id), domain.ID(subject), domain.ID(source), domain.ID(actor)
	e.Time, e.Recorded = domain.NewTime(e.Time.Time), domain.NewTime(e.Recorded.Time)
	if len(e.Purposes) == 0 {
		e.Purposes = nil
	}
	return e, err
}

const accessColumns = "position, id, source, account, subjects, action, reason, ticketed, categories, count, time, recorded"

// Accesses implements audit.Dataset.
func (d *Dataset) Accesses(ctx context.Context, f audit.AccessFilter) iter.Seq2[audit.Access, error] {
	q := selecting("accesses", accessColumns, f.Cursor, f.Before, f.Limit)
	q.newest = f.Newest
	q.where = append(q.where, "time >= (SELECT max(time) FROM ~.horizon)")
	if !f.Subject.IsZero() {
		q.and("position IN (SELECT position FROM ~.seen WHERE subject = {subject:UUID}) AND has(subjects, {subject:UUID})", "subject", f.Subject)
	}
	q.id("account", f.Account)
	q.id("source", f.Source)
	q.code("reason", f.Reason)
	q.code("action", f.Action)
	if f.WithoutCase {
		q.where = append(q.where, "NOT ticketed")
	}
	if f.MinCount > 0 {
		q.and("count >= {least:Int64}", "least", f.MinCount)
	}
	q.span("time", f.Time)
	q.span("recorded", f.Recorded)
	return stream(ctx, d, "audit accesses", q, scanAccess)
}

func scanAccess(rows driver.Rows) (audit.Access, error) {
	var a audit.Access
	var position uint64
	var id, source, account uuid.UUID
	var subjects []uuid.UUID
	err := rows.Scan(&position, &id, &source, &account, &subjects, &a.Action, &a.Reason, &a.Ticketed, &a.Categories, &a.Count, &a.Time.Time, &a.Recorded.Time)
	a.Position, a.ID, a.Source, a.Account = domain.Position(position), domain.ID(id), domain.ID(source), domain.ID(account)
	for _, s := range subjects {
		a.Subjects = append(a.Subjects, domain.ID(s))
	}
	a.Time, a.Recorded = domain.NewTime(a.Time.Time), domain.NewTime(a.Recorded.Time)
	if len(a.Categories) == 0 {
		a.Categories = nil
	}
	return a, err
}
