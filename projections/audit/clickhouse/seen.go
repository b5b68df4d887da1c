package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"greffe/domain"
	"greffe/projections/audit"
)

// seen selects the accesses of a filter.
func seen(f audit.SeenFilter) *selection {
	q := selecting("accesses", "", 0, 0, 0)
	q.and("position < {before:UInt64}", "before", uint64(f.Before))
	q.where = append(q.where, "time >= (SELECT max(time) FROM ~.horizon)")
	for _, x := range []struct {
		column string
		ids    []domain.ID
	}{{"account", f.Accounts}, {"source", f.Sources}} {
		if len(x.ids) == 0 {
			continue
		}
		list := make([]string, len(x.ids))
		for i, id := range x.ids {
			list[i] = id.String()
		}
		q.and("has({"+x.column+"s:Array(String)}, toString("+x.column+"))", x.column+"s", list)
	}
	if len(f.Categories) > 0 {
		q.and("arrayExists(c -> has({categories:Array(String)}, toString(c)), categories)", "categories", f.Categories)
	}
	q.span("time", f.Time)
	return q
}

const seenColumns = "count(), uniqExactArray(subjects), sum(greatest(0, count - toInt64(length(subjects)))), " +
	"toUnixTimestamp64Micro(min(time)), toUnixTimestamp64Micro(max(time)), " +
	"(sumMap(arrayMap(c -> toString(c), categories), arrayMap(c -> toUInt64(1), categories)) AS kinds).1, kinds.2"

// Seen implements audit.Dataset.
func (d *Dataset) Seen(ctx context.Context, f audit.SeenFilter) (*audit.Seen, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	q, out := seen(f), &audit.Seen{ByCategory: map[string]int64{}}
	var accesses, persons uint64
	var first, last int64
	var kinds []string
	var counts []uint64
	err := d.pool.row(ctx, "audit scope", "SELECT "+seenColumns+" FROM ~.accesses FINAL WHERE "+q.conditions(), q.args,
		&accesses, &persons, &out.Unnamed, &first, &last, &kinds, &counts)
	if err != nil {
		d.forget(err)
		return nil, err
	}
	if out.Accesses, out.Persons = int64(accesses), int64(persons); accesses > 0 {
		out.First, out.Last = domain.NewTime(time.UnixMicro(first)), domain.NewTime(time.UnixMicro(last))
	}
	for i, k := range kinds {
		out.ByCategory[k] = int64(counts[i])
	}
	return out, nil
}

// SeenAfter implements audit.Dataset. Ids are ordered as text, which is the order of
// their bytes; the server's own order of UUIDs is another.
func (d *Dataset) SeenAfter(ctx context.Context, f audit.SeenFilter, after domain.ID, limit int) (out []domain.ID, err error) {
	q := seen(f)
	query := "SELECT DISTINCT toString(arrayJoin(subjects)) AS person FROM ~.accesses FINAL WHERE " + q.conditions()
	args := append(q.args, named("after", after.String()), named("limit", uint64(limit)))
	for id, err := range listing(ctx, d, "persons of an audit scope", "SELECT person FROM ("+query+") WHERE person > {after:String} ORDER BY person LIMIT {limit:UInt64}", args,
		func(rows driver.Rows) (id domain.ID, err error) {
			var text string
			if err = rows.Scan(&text); err == nil {
				id, err = domain.ParseID(text)
			}
			return id, err
		}) {
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}
