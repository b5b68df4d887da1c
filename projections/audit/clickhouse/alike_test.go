//go:build real

package clickhouse

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/audit/sqlite"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// TestAlike: given the same random facts in batches of random sizes, and the same
// months dropped, SQLite and ClickHouse give the same answer to random filters.
func TestAlike(t *testing.T) {
	t.Parallel()
	s := chtest.Shared(t)
	rapid.Check(t, func(r *rapid.T) {
		w := projtest.NewWorld(rapid.Uint64().Draw(r, "seed"), rapid.IntRange(1, 300).Draw(r, "people"))
		facts := projtest.Decode(t, 0, w.Bytes(rapid.IntRange(1, 1500).Draw(r, "facts")))
		url := protocols(s)[rapid.SampledFrom([]string{"native", "http"}).Draw(r, "protocol")]
		here, err := Open(config(url+newDatabase(), w))
		if err != nil {
			r.Fatal(err)
		}
		defer here.Close()
		there, err := sqlite.Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
		if err != nil {
			r.Fatal(err)
		}
		defer there.Close()
		both := []audit.Dataset{here, there}
		drop := rapid.IntRange(0, len(facts)).Draw(r, "drop at")
		for at := 0; at < len(facts); {
			to := min(len(facts), at+rapid.IntRange(300, 1500).Draw(r, "batch"))
			for _, d := range both {
				if err := d.Apply(t.Context(), facts[at:to]); err != nil {
					r.Fatal(err)
				}
			}
			if at <= drop && drop < to {
				dropBoth(t, r, both, facts[drop].Time.Time)
			}
			at = to
		}
		for range 15 {
			askBoth(t, r, both, facts)
		}
		_ = here.pool.exec(t.Context(), "drop", "DROP DATABASE "+here.database+" SYNC")
	})
}

func dropBoth(t *testing.T, r *rapid.T, both []audit.Dataset, at time.Time) {
	var dropped [2]int64
	for i, d := range both {
		n, err := d.DropAccessesBefore(t.Context(), at)
		if err != nil {
			r.Fatal(err)
		}
		dropped[i] = n
	}
	if dropped[0] != dropped[1] {
		r.Fatalf("dropped %d here and %d there", dropped[0], dropped[1])
	}
}

type rowsOf[T any] struct {
	rows []T
	err  error
}

func all[T any](rows func(func(T, error) bool)) (out rowsOf[T]) {
	rows(func(row T, err error) bool {
		if out.err = err; err == nil {
			out.rows = append(out.rows, row)
		}
		return err == nil
	})
	return out
}

func askBoth(t *testing.T, r *rapid.T, both []audit.Dataset, facts []projections.Fact) {
	ctx := t.Context()
	x := rapid.SampledFrom(facts).Draw(r, "fact")
	span := func(name string) (s audit.Span) {
		if rapid.Bool().Draw(r, name+" from") {
			s.From = rapid.SampledFrom(facts).Draw(r, name).Time.Add(time.Duration(rapid.IntRange(-2000, 2000).Draw(r, "ns")))
		}
		if rapid.Bool().Draw(r, name+" to") {
			s.To = rapid.SampledFrom(facts).Draw(r, name).Time.Add(time.Duration(rapid.IntRange(-2000, 2000).Draw(r, "ns")))
		}
		return s
	}
	maybe := func(name string) bool { return rapid.IntRange(0, 3).Draw(r, name) == 0 }
	var f audit.Filter
	var a audit.AccessFilter
	if maybe("type") {
		f.Type = x.Type
	}
	if maybe("subject") {
		f.Subject = x.Subject
	}
	if maybe("account") {
		f.Account = x.Actor
	}
	if maybe("source") {
		f.Source = x.Source
	}
	if maybe("purpose") {
		f.Purpose = rapid.SampledFrom([]string{"prospecting", "customer_service", "it's \\ odd\t"}).Draw(r, "p")
	}
	if x.Type == event.AccessRecorded && maybe("access") {
		a.Reason, a.Action = x.Codes.String("reason"), x.Codes.String("action")
	}
	if maybe("times") {
		f.Time, f.Recorded = span("time"), span("recorded")
	}
	if maybe("page") {
		f.Cursor, f.Limit = domain.Position(rapid.IntRange(0, len(facts)+5).Draw(r, "cursor")), rapid.IntRange(0, 50).Draw(r, "limit")
	}
	a.Subject, a.Account, a.Source, a.Time, a.Recorded, a.Cursor, a.Limit = f.Subject, f.Account, f.Source, f.Time, f.Recorded, f.Cursor, f.Limit
	if e, g := all(both[0].Events(ctx, f)), all(both[1].Events(ctx, f)); !reflect.DeepEqual(e, g) {
		r.Fatalf("events of %+v:\nClickHouse %+v\nSQLite     %+v", f, e, g)
	}
	if e, g := all(both[0].Accesses(ctx, a)), all(both[1].Accesses(ctx, a)); !reflect.DeepEqual(e, g) {
		r.Fatalf("accesses of %+v:\nClickHouse %+v\nSQLite     %+v", a, e, g)
	}
	here, err := both[0].Summary(ctx, f.Time)
	there, err2 := both[1].Summary(ctx, f.Time)
	if err != nil || err2 != nil || !reflect.DeepEqual(here, there) {
		r.Fatalf("summary of %+v:\nClickHouse %+v %v\nSQLite     %+v %v", f.Time, here, err, there, err2)
	}
}
