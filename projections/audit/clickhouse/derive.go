package clickhouse

import (
	"context"
	"strings"

	"greffe/domain"
)

// derived are the tables that materialised views fill, each with its columns in
// the order of its view, and what is compared between it and the view's query over
// the rows that count: two numbers that agree if the table holds what it should.
var derived = [...]struct{ name, from, columns, sums string }{
	{"consents", "events", "position, term, id, type, subject, source, controller, purpose, channels, method, unproven, ref, time, recorded, policy", byPosition},
	{"requests", "events", "position, term, id, type, subject, source, controller, code, ref, whole, time, recorded", byPosition},
	{"decisions", "events", "position, term, id, type, subject, actor, code, ref, checked, breaches, policy, time, recorded", byPosition},
	{"contacts", "events", "subject, known, made, active, erased, kind", "count(), sum(cityHash64(subject, known))"},
	{"cells", "events", "month, type, source, controller, purposes, rules, unproven, positions", bySets},
	{"seen", "accesses", "subject, position, term, month", "count(), sum(cityHash64(subject, position))"},
	{"reads", "accesses", "month, day, account, reason, action, source, positions, persons", bySets},
}

const (
	byPosition = "count(), sum(cityHash64(position))"
	bySets     = "count(), sum(finalizeAggregation(positions))"
)

// views are the queries of the materialised views, by the table they fill.
func views() (map[string]string, error) {
	all, err := migrations()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, m := range all {
		for _, s := range m.statements {
			head, query, ok := strings.Cut(s, " AS\n")
			if _, name, is := strings.Cut(head, " TO ~."); ok && is && strings.HasPrefix(head, "CREATE MATERIALIZED VIEW") {
				out[name] = query
			}
		}
	}
	return out, nil
}

// derive makes the derived tables hold what they should. What a view was not told,
// because the server was killed between the rows and the view, is above the last
// checkpoint and told again, which counts nothing twice. What was lost otherwise
// shows by the sums, and has the table made anew.
func (d *Dataset) derive(ctx context.Context, from domain.Position) error {
	queries, err := views()
	if err != nil {
		return err
	}
	const what = "derive the audit tables"
	for _, t := range derived {
		source := func(where string) string { return final(queries[t.name], t.from, where) }
		insert := "INSERT INTO ~." + t.name + " (" + t.columns + ") "
		err := d.pool.work(ctx, what, insert+source(" WHERE position >= {from:UInt64}"), named("from", uint64(from)))
		if err != nil {
			return err
		}
		same, err := d.derivedWhole(ctx, t.name, t.sums, source(""))
		if err != nil {
			return err
		}
		if same {
			continue
		}
		if err := d.pool.work(ctx, what, "TRUNCATE TABLE ~."+t.name+" SYNC"); err != nil {
			return err
		}
		if err := d.pool.work(ctx, what, insert+source("")); err != nil {
			return err
		}
	}
	return nil
}

// final makes a view's query one over the rows of its table that count: one that
// was replaced is none.
func final(query, table, where string) string {
	return strings.Replace(query, "FROM ~."+table, "FROM (SELECT * FROM ~."+table+" FINAL"+where+")", 1)
}

func (d *Dataset) derivedWhole(ctx context.Context, name, sums, query string) (same bool, err error) {
	return same, d.pool.sum(ctx, "compare the audit tables",
		"SELECT (SELECT ("+sums+") FROM ~."+name+" FINAL) = (SELECT ("+sums+") FROM ("+query+"))", nil, &same)
}
