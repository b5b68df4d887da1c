package sqlfile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/projections"
)

func openRuns(t testing.TB) *File {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "runs.db"), Schema{Name: "runs", Version: 1, DDL: RunsDDL("r")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

var errInjected = errors.New("injected")

// TestRunsModel holds Runs to a sorted list: whatever the sizes of the adds, the
// repeated entries, the adds that are rolled back and the restarts.
func TestRunsModel(t *testing.T) {
	t.Parallel()
	f := openRuns(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := f.Reset(t.Context()); err != nil {
			rt.Fatal(err)
		}
		r, model := NewRuns("r"), []Entry{}
		keys := rapid.Int64Range(1, rapid.SampledFrom([]int64{3, 500, math.MaxInt64}).Draw(rt, "most")).Draw(rt, "keys")
		value := int64(0)
		for range rapid.IntRange(1, 40).Draw(rt, "adds") {
			seed := rapid.Int64Range(0, math.MaxInt32).Draw(rt, "seed")
			var entries []Entry
			for i := range rapid.SampledFrom([]int64{0, 1, 2, 5, 255, 256, 257, 700}).Draw(rt, "size") {
				value += i & 1
				entries = append(entries, Entry{(seed + i*i*7919) % keys, value})
			}
			fail := error(nil)
			if rapid.IntRange(0, 5).Draw(rt, "fate") == 0 {
				fail = errInjected
			}
			err := f.Update(t.Context(), func(tx *Tx) error { return errors.Join(r.Add(tx, slices.Clone(entries)), fail) })
			if !errors.Is(err, fail) {
				rt.Fatal(err)
			}
			if fail != nil {
				r.Forget()
				continue
			}
			if rapid.Bool().Draw(rt, "restart") {
				r = NewRuns("r")
			}
			model = append(model, entries...)
		}
		slices.SortFunc(model, compareEntries)
		checkRuns(rt, t, f, r, slices.Compact(model))
	})
}

func checkRuns(rt *rapid.T, t *testing.T, f *File, r *Runs, model []Entry) {
	var want, got bytes.Buffer
	fmt.Fprint(&want, "# checkpoint\tposition\n0\n# entries\tkey\tvalue\n")
	for _, e := range model {
		fmt.Fprintf(&want, "%d\t%d\n", e.Key, e.Value)
	}
	if err := f.Dump(t.Context(), &got, r.Section("entries", "key", "value")); err != nil || got.String() != want.String() {
		rt.Fatalf("dump of %d bytes, want %d, %v", got.Len(), want.Len(), err)
	}
	for range 8 {
		e := Entry{rapid.Int64Range(0, 600).Draw(rt, "key"), rapid.Int64Range(0, 3000).Draw(rt, "from")}
		if len(model) > 0 && rapid.Bool().Draw(rt, "known") {
			e = rapid.SampledFrom(model).Draw(rt, "entry")
		}
		to := rapid.SampledFrom([]int64{e.Value, e.Value + 1, e.Value + 50, math.MaxInt64}).Draw(rt, "to")
		limit := rapid.SampledFrom([]int{0, 1, 3, math.MaxInt}).Draw(rt, "limit")
		var want []int64
		for _, m := range model {
			if m.Key == e.Key && m.Value >= e.Value && m.Value < to && len(want) < limit {
				want = append(want, m.Value)
			}
		}
		got, err := r.Values(t.Context(), f.Rows, e.Key, e.Value, to, limit)
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("values under %d in [%d, %d): %v, want %v, %v", e.Key, e.Value, to, got, want, err)
		}
		want = nil
		for _, m := range slices.Backward(model) {
			if m.Key == e.Key && m.Value >= e.Value && m.Value < to && len(want) < limit {
				want = append(want, m.Value)
			}
		}
		got, err = r.Latest(t.Context(), f.Rows, e.Key, e.Value, to, limit)
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("latest under %d in [%d, %d): %v, want %v, %v", e.Key, e.Value, to, got, want, err)
		}
	}
}

// TestRunsStayFew: merging keeps the runs few, leaves no chunk behind, and a
// look-up walks no table but the list of runs.
func TestRunsStayFew(t *testing.T) {
	t.Parallel()
	f, r := openRuns(t), NewRuns("r")
	for i := range 3000 {
		size := 1 + 400*(i%100/99)
		err := f.Update(t.Context(), func(tx *Tx) error {
			var e []Entry
			for n := range size {
				e = append(e, Entry{int64(n*7919+i) % 1000, int64(i)})
			}
			return r.Add(tx, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.runs) > 40 {
			t.Fatalf("%d runs after %d adds", len(r.runs), i)
		}
	}
	for _, q := range []string{"SELECT count(*) FROM r_chunk WHERE run NOT IN (SELECT run FROM r_run) OR run<>id>>24",
		"SELECT count(*) FROM r_chunk WHERE length(data)>4096", "SELECT sum(length(data))/16-(SELECT sum(entries) FROM r_run) FROM r_chunk"} {
		n := int64(-1)
		if err := f.Row(t.Context(), q, nil, &n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", q, n, err)
		}
	}
	for _, text := range []string{r.values, r.latest} {
		looksUp(t, f, text)
	}
}

// looksUp checks that a look-up walks no table but the list of runs, and sorts nothing.
func looksUp(t *testing.T, f *File, text string) {
	t.Helper()
	rows, err := f.Rows(t.Context(), "EXPLAIN QUERY PLAN "+text, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(detail, "SCAN") && detail != "SCAN r" || strings.Contains(detail, "TEMP B-TREE") {
			t.Errorf("a look-up does: %s", detail)
		}
		if strings.Contains(detail, "r_chunk") && !strings.Contains(detail, "run=? AND") {
			t.Errorf("a look-up walks a run: %s", detail)
		}
	}
}

// TestRunsDamage: a chunk that is cut is an error, not an answer.
func TestRunsDamage(t *testing.T) {
	t.Parallel()
	f, r := openRuns(t), NewRuns("r")
	err := f.Update(t.Context(), func(tx *Tx) error {
		if err := r.Add(tx, []Entry{{1, 2}, {1, 3}}); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE r_chunk SET data=substr(data,1,20)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Values(t.Context(), f.Rows, 1, 0, 9, 9); !errors.Is(err, errChunk) {
		t.Errorf("values: %v", err)
	}
	if err := f.Dump(t.Context(), new(bytes.Buffer), r.Section("entries", "key", "value")); !errors.Is(err, errChunk) {
		t.Errorf("dump: %v", err)
	}
}

// TestOlderTables: nothing of an older schema is left, whatever it had.
func TestOlderTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	f := openTest(t, path, 1)
	if err := f.Apply(t.Context(), facts(0, 3), func(tx *Tx, _ []projections.Fact) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Schema{Name: "test", Version: 2, DDL: RunsDDL("r")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	n := -1
	if err := f.Row(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('name','row')", nil, &n); err != nil || n != 0 {
		t.Fatalf("%d old tables left, %v", n, err)
	}
	if at, err := f.Checkpoint(t.Context()); at != 0 || err != nil {
		t.Fatalf("checkpoint %d, %v", at, err)
	}
}
