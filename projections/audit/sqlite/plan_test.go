package sqlite

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// TestPlans asks SQLite how it answers every combination of filters: never by
// reading a whole table or index, never by sorting. Of events it also checks that
// no block is read but those that hold the value which is walked.
func TestPlans(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(5, 900)
	s, err := Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.page = 3
	facts := projtest.Decode(t, 0, w.Bytes(6000))
	for at := 0; at < len(facts); at += 300 {
		if err := s.Apply(t.Context(), facts[at:at+300]); err != nil {
			t.Fatal(err)
		}
	}
	var with = facts[0]
	for _, f := range facts {
		if !f.Actor.IsZero() && !f.Subject.IsZero() && !f.Source.IsZero() {
			with = f
		}
	}
	err = s.file.Update(t.Context(), func(tx *sqlfile.Tx) error { // accesses of this world name no source
		_, _, err := s.agents.Bytes(tx, with.Source[:], true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	span := audit.Span{From: time.Unix(0, 0)}
	for bits := range 1 << 8 {
		on := func(i int) bool { return bits>>i&1 == 1 }
		var f audit.Filter
		var a audit.AccessFilter
		set(on(0), &f.Subject, with.Subject)
		set(on(1), &f.Account, with.Actor)
		set(on(2), &f.Source, with.Source)
		set(on(3), &f.Type, event.ContactMerged)
		set(on(4), &f.Purpose, "prospecting")
		set(on(5), &f.Time, span)
		set(on(6), &f.Recorded, audit.Span{From: facts[1000].Recorded.Time, To: facts[5000].Recorded.Time})
		f.Newest, a.Newest = on(7), on(7)
		checkVisited(t, s, facts, f)
		a.Subject, a.Account, a.Source, a.Time, a.Recorded = f.Subject, f.Account, f.Source, f.Time, f.Recorded
		set(on(3), &a.Reason, "audit")
		set(on(4), &a.Action, "read")
		q, err := s.accesses(t.Context(), a)
		checkPlan(t, s, q, err, accessColumns, bits&31 != 0)
	}
	for _, q := range []string{blocksQuery, lastBlocksQuery, groupBounds, lastBlock, firstAccess, lastAccess, oneQuery, rangeQuery, lastRangeQuery, expired, "SELECT month,dim,key,n FROM tally WHERE month>=? AND month<?"} {
		noScan(t, s, q, make([]any, strings.Count(q, "?")))
	}
}

// checkVisited compares the blocks that f has read with those that hold the value
// f walks and whose times of recording touch what f asks.
func checkVisited(t *testing.T, s *Store, facts []projections.Fact, f audit.Filter) {
	t.Helper()
	var want, got []int64
	for n := range int64(len(facts)+255) >> blockBits {
		in := facts[n<<blockBits : min((n+1)<<blockBits, int64(len(facts)))]
		lo, hi := in[0].Recorded, in[len(in)-1].Recorded
		if f.Recorded != (audit.Span{}) && (hi.Before(f.Recorded.From) || !lo.Before(f.Recorded.To)) {
			continue
		}
		if slices.ContainsFunc(in, func(x projections.Fact) bool {
			switch {
			case !f.Subject.IsZero():
				return x.Subject == f.Subject
			case !f.Account.IsZero():
				return x.Actor == f.Account
			case f.Purpose != "":
				return slices.Contains(audit.Purposes(x.Fact), f.Purpose)
			case f.Type != "":
				return x.Type == f.Type
			}
			return f.Source.IsZero() || x.Source == f.Source
		}) {
			want = append(want, n)
		}
	}
	err := s.visit(t.Context(), f, func(b *block) (bool, error) { got = append(got, b.n); return true, nil })
	if f.Newest {
		slices.Reverse(want)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v: blocks %v are read, want %v, %v", f, got, want, err)
	}
	if !f.Subject.IsZero() && f.Recorded == (audit.Span{}) && (len(want) == 0 || len(want) > 20) {
		t.Errorf("a subject stands in %d blocks: the check says nothing", len(want))
	}
}

func set[T any](on bool, into *T, v T) {
	if on {
		*into = v
	}
}

func checkPlan(t *testing.T, s *Store, q *selection, err error, columns string, narrow bool) {
	t.Helper()
	if err != nil || q.empty {
		t.Fatalf("selection: %v, empty %v", err, q.empty)
	}
	plan := noScan(t, s, q.sql(columns), append(append([]any{0, 1 << 40}, q.args...), 10))
	if narrow && strings.Contains(plan, "INTEGER PRIMARY KEY (rowid>") {
		t.Errorf("%s\nreads every row of its positions: %s", q.sql(columns), plan)
	}
}

func noScan(t *testing.T, s *Store, query string, args []any) (plan string) {
	t.Helper()
	rows, err := s.file.Reads().QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	defer rows.Close()
	steps := 0
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps++
		plan += detail + "\n"
		if strings.Contains(detail, "SCAN") && !strings.Contains(detail, "SCALAR") || strings.Contains(detail, "TEMP B-TREE") {
			t.Errorf("%s\n%s", query, detail)
		}
	}
	if err := rows.Err(); err != nil || steps == 0 {
		t.Fatalf("explain %s: %d steps, %v", query, steps, err)
	}
	return plan
}

// TestNothingLeft: dropped accesses leave no row that names anybody.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(8, 30)
	s, err := OpenSmall(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{}, 5, 600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Apply(t.Context(), projtest.Decode(t, 0, w.Bytes(800))); err != nil {
		t.Fatal(err)
	}
	if n, err := s.DropAccessesBefore(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || n < 10 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	for _, q := range []string{"access", "access_subject", "sheaf", "tally WHERE dim LIKE 'access%'"} {
		var n int
		if err := s.file.Reads().QueryRowContext(t.Context(), "SELECT count(*) FROM "+q).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left in %s, %v", n, q, err)
		}
	}
}

// TestBlocks checks that a span far from a block's times never reads its rows.
func TestBlocks(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(6, 30)
	s, err := Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	facts := projtest.Decode(t, 0, w.Bytes(3000))
	if err := s.Apply(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	tx, err := s.file.Reads().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	q := &selection{rec: audit.Span{From: facts[1500].Recorded.Time, To: facts[1600].Recorded.Time}}
	const end = 3000
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 0, end); err != nil || lo != 1280 || hi != 1792 {
		t.Errorf("range [%d, %d), %v; want two blocks", lo, hi, err)
	}
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 1700, end); err != nil || lo != 1700 || hi != 1792 {
		t.Errorf("range [%d, %d), %v; want what is left of the block", lo, hi, err)
	}
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 1792, end); err != nil || lo != hi {
		t.Errorf("range [%d, %d), %v; want none", lo, hi, err)
	}
	q.newest = true
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 0, end); err != nil || lo != 1280 || hi != 1792 {
		t.Errorf("the last range [%d, %d), %v; want two blocks", lo, hi, err)
	}
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 1300, 1400); err != nil || lo != 1300 || hi != 1400 {
		t.Errorf("the last range [%d, %d), %v; want what is left of a block", lo, hi, err)
	}
	if lo, hi, err := s.nextRange(t.Context(), tx, q, 0, 1280); err != nil || lo != hi {
		t.Errorf("the last range [%d, %d), %v; want none", lo, hi, err)
	}
	if _, hi, err := s.nextRange(t.Context(), tx, &selection{}, 7, 1<<40); err != nil || hi < 1<<40 {
		t.Errorf("without a span the range ends at %d, %v", hi, err)
	}
}
