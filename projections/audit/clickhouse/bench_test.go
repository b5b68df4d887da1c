//go:build real

package clickhouse

import (
	"context"
	"errors"
	"iter"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"greffe/domain"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/projtest"
)

// benchFacts is how many facts a round of BenchmarkProjection has.
const benchFacts = 100_000

// BenchmarkProjection projects the same facts in three ways in turn: by Apply, and
// by bare inserts of the same rows with clickhouse-go, column by column and row by
// row, into the same two tables without materialised views, proofs or checkpoints. It reports rows (facts) a second of each, and Apply's part of the
// faster bare one.
func BenchmarkProjection(b *testing.B) {
	w := projtest.NewWorld(11, 20_000)
	facts := projtest.Decode(b, 0, w.Bytes(benchFacts))
	s := chtest.Shared(b)
	for _, size := range []struct {
		name string
		n    int
	}{{"2000", 2000}, {"10000", 10_000}, {"50000", 50_000}} {
		b.Run(size.name, func(b *testing.B) {
			var apply, columnar, rowwise spent
			for b.Loop() {
				d := mustOpen(b, config("clickhouse://default@"+s.Addr+"/"+newDatabase(), w))
				ready(b, d)
				apply.add(inBatches(b, s, facts, size.n, func(part []projections.Fact) error { return d.Apply(b.Context(), part) }))
				columnar.add(inBatches(b, s, facts, size.n, func(part []projections.Fact) error { return bare(b.Context(), d, part, columns) }))
				rowwise.add(inBatches(b, s, facts, size.n, func(part []projections.Fact) error { return bare(b.Context(), d, part, rows) }))
				dropAll(b, d)
			}
			rate := func(s spent) float64 { return float64(benchFacts*b.N) / s.wall.Seconds() }
			cpu := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(benchFacts*b.N) }
			b.ReportMetric(rate(apply), "facts/s")
			b.ReportMetric(rate(columnar), "bare-columns/s")
			b.ReportMetric(rate(rowwise), "bare-rows/s")
			b.ReportMetric(100*rate(apply)/max(rate(columnar), rate(rowwise)), "%-of-bare")
			b.ReportMetric(cpu(apply.client), "client-µs")
			b.ReportMetric(cpu(apply.server), "server-µs")
			b.ReportMetric(cpu(columnar.client), "bare-client-µs")
			b.ReportMetric(cpu(columnar.server), "bare-server-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// ready makes the schema and the tables of the bare inserts.
func ready(b *testing.B, d *Dataset) {
	b.Helper()
	_, err := d.Checkpoint(b.Context())
	for _, t := range []string{"events", "accesses"} {
		err = errors.Join(err, d.pool.exec(b.Context(), "bare", "CREATE TABLE ~.bare_"+t+" AS ~."+t))
	}
	if err != nil {
		b.Fatal(err)
	}
}

func dropAll(b *testing.B, d *Dataset) {
	b.Helper()
	if err := d.pool.exec(b.Context(), "drop", "DROP DATABASE "+d.database+" SYNC"); err != nil {
		b.Fatal(err)
	}
}

// spent is the time, and the processor time of this process and the engine.
type spent struct{ wall, client, server time.Duration }

func (s *spent) add(o spent) {
	s.wall, s.client, s.server = s.wall+o.wall, s.client+o.client, s.server+o.server
}

func now(b *testing.B, s *chtest.Server, began time.Time) spent {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return spent{time.Since(began), time.Duration(u.Utime.Nano() + u.Stime.Nano()), s.CPU(b)}
}

func inBatches(b *testing.B, s *chtest.Server, facts []projections.Fact, n int, do func([]projections.Fact) error) spent {
	b.Helper()
	began := time.Now()
	before := now(b, s, began)
	for at := 0; at < len(facts); at += n {
		if err := do(facts[at:min(at+n, len(facts))]); err != nil {
			b.Fatal(err)
		}
	}
	after := now(b, s, began)
	return spent{after.wall - before.wall, after.client - before.client, after.server - before.server}
}

func bare(ctx context.Context, d *Dataset, facts []projections.Fact, write func(*table, driver.Batch) error) error {
	made, err := d.batch(ctx, &session{term: 1}, facts)
	if err != nil {
		return err
	}
	for _, t := range []*table{&made.accesses.table, &made.events.table} {
		var names []string
		for _, c := range t.columns {
			names = append(names, c.name)
		}
		into, err := d.pool.queries.PrepareBatch(ctx, d.pool.sql("INSERT INTO ~.bare_"+t.name+" ("+strings.Join(names, ", ")+")"))
		if err != nil {
			return err
		}
		if err := errors.Join(write(t, into), into.Send()); err != nil {
			return err
		}
	}
	return nil
}

func columns(t *table, into driver.Batch) error {
	for i, c := range t.columns {
		if err := c.write(into.Column(i)); err != nil {
			return err
		}
	}
	return nil
}

func rows(t *table, into driver.Batch) error {
	row := make([]any, len(t.columns))
	for i := range t.rows {
		for j, c := range t.columns {
			row[j] = c.at(i)
		}
		if err := into.Append(row...); err != nil {
			return err
		}
	}
	return nil
}

// million is how many facts BenchmarkQueries asks.
const million = 1_000_000

// BenchmarkQueries asks a dataset of a million facts, merged as after a night: how
// many bytes a row has in each table, and how long the queries take.
func BenchmarkQueries(b *testing.B) {
	w := projtest.NewWorld(12, 100_000)
	d := mustOpen(b, config("clickhouse://default@"+chtest.Shared(b).Addr+"/"+newDatabase(), w))
	var last projections.Fact
	for at := 0; at < million; at += 20_000 {
		facts := projtest.Decode(b, domain.Position(at), w.Bytes(20_000))
		if err := d.Apply(b.Context(), facts); err != nil {
			b.Fatal(err)
		}
		last = facts[len(facts)-1]
	}
	sizes(b, d)
	for name, ask := range questions(b, d, last.Recorded.AddDate(0, 0, -5)) {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				var err error
				if n, err = ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
}

// sizes merges the tables and logs the bytes of their rows.
func sizes(b *testing.B, d *Dataset) {
	b.Helper()
	for _, t := range []string{"events", "accesses", "consents", "requests", "decisions", "contacts", "cells", "reads", "seen"} {
		var perRow, rows float64
		err := d.pool.work(b.Context(), "merge", "OPTIMIZE TABLE ~."+t+" FINAL")
		err = errors.Join(err, d.pool.row(b.Context(), "size", "SELECT toFloat64(sum(bytes_on_disk)) / sum(rows), toFloat64(sum(rows)) FROM system.parts WHERE active "+
			"AND database = {db:String} AND table = {table:String}", []any{named("db", d.database), named("table", t)}, &perRow, &rows))
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%-9s %8.0f rows of %5.1f bytes", t, rows, perRow)
	}
}

// count counts the rows of an answer.
func count[T any](rows iter.Seq2[T, error]) (n int, err error) {
	for _, err := range rows {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// questions are what is asked, by name; each returns how many rows it got.
func questions(b *testing.B, d *Dataset, from time.Time) map[string]func() (int, error) {
	b.Helper()
	var some audit.Access
	for a, err := range d.Accesses(b.Context(), audit.AccessFilter{Cursor: million / 2, Limit: 1}) {
		if some = a; err != nil {
			b.Fatal(err)
		}
	}
	events := func(f audit.Filter) func() (int, error) {
		return func() (int, error) { return count(d.Events(b.Context(), f)) }
	}
	accesses := func(f audit.AccessFilter) func() (int, error) {
		return func() (int, error) { return count(d.Accesses(b.Context(), f)) }
	}
	all := map[string]func() (int, error){
		"page": events(audit.Filter{Cursor: 700_000, Limit: 100}), "subject": events(audit.Filter{Subject: some.Subjects[0]}),
		"type": events(audit.Filter{Type: "erasure.ordered", Limit: 1000}), "all": events(audit.Filter{}),
		"day":              events(audit.Filter{Recorded: audit.Span{From: from, To: from.AddDate(0, 0, 1)}}),
		"reads-of-subject": accesses(audit.AccessFilter{Subject: some.Subjects[0]}),
		"reads-of-account": accesses(audit.AccessFilter{Account: some.Account, Limit: 1000}),
		"summary":          func() (int, error) { _, err := d.Summary(b.Context(), audit.Span{}); return 0, err },
		"checkpoint":       func() (int, error) { _, err := d.Checkpoint(b.Context()); return 0, err },
		"proof": func() (int, error) {
			d.write.Lock()
			defer d.write.Unlock()
			d.session = nil
			_, err := d.prove(b.Context())
			return 0, err
		},
	}
	for _, v := range []string{"reads_per_account", "consents_per_purpose", "request_delays", "contacts_by_year"} {
		all[v] = func() (n int, err error) {
			var rows uint64
			err = d.pool.row(b.Context(), "ask", "SELECT count() FROM (SELECT * FROM ~."+v+")", nil, &rows)
			return int(rows), err
		}
	}
	return all
}
