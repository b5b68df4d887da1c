package sqlfile

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testSchema(version int64) Schema {
	return Schema{Name: "test", Version: version, DDL: InternDDL("name", "TEXT") + "CREATE TABLE row(n INTEGER PRIMARY KEY, v);"}
}

func openTest(t *testing.T, path string, version int64) *File {
	t.Helper()
	f, err := Open(path, testSchema(version), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func facts(from, to int) []projections.Fact {
	var out []projections.Fact
	for i := from; i < to; i++ {
		out = append(out, projections.Fact{Position: domain.Position(i), Fact: new(event.Fact)})
	}
	return out
}

func insert(n int64, v any) func(*Tx, []projections.Fact) error {
	return func(tx *Tx, _ []projections.Fact) error {
		_, err := tx.Exec("INSERT INTO row VALUES(?,?)", n, v)
		return err
	}
}

// TestVersions: an older file is emptied, a newer one refused and left alone.
func TestVersions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "with space ?&#%.db")
	f := openTest(t, path, 3)
	if err := f.Apply(t.Context(), facts(0, 2), insert(1, "x")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the file is elsewhere: %v", err)
	}
	if _, err := Open(path, testSchema(2), Options{}); !errors.Is(err, ErrNewer) {
		t.Fatalf("newer file: %v", err)
	}
	f = openTest(t, path, 3)
	if at, err := f.Checkpoint(t.Context()); at != 2 || err != nil {
		t.Fatalf("checkpoint %d, %v", at, err)
	}
	_ = f.Close()
	f = openTest(t, path, 4)
	if at, err := f.Checkpoint(t.Context()); at != 0 || err != nil {
		t.Fatalf("checkpoint %d, %v of an emptied file", at, err)
	}
	var n int
	if err := f.Reads().QueryRowContext(t.Context(), "SELECT count(*) FROM row").Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

// TestRollback: an error, a panic or an ended context leaves nothing, and the
// next transaction works.
func TestRollback(t *testing.T) {
	t.Parallel()
	f := openTest(t, filepath.Join(t.TempDir(), "x.db"), 1)
	broken := errors.New("injected")
	err := f.Apply(t.Context(), facts(0, 1), func(tx *Tx, fs []projections.Fact) error {
		return errors.Join(insert(1, nil)(tx, fs), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = f.Apply(t.Context(), facts(0, 1), func(tx *Tx, fs []projections.Fact) error {
			_ = insert(1, nil)(tx, fs)
			panic("injected")
		})
	}()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Apply(ended, facts(0, 1), insert(1, nil)); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended context: %v", err)
	}
	if err := f.Update(t.Context(), func(tx *Tx) error { return errors.Join(insert(1, nil)(tx, nil), broken) }); !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	if err := f.Apply(t.Context(), facts(0, 1), insert(1, []byte{7})); err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(t.Context(), facts(0, 2), insert(1, nil)); err == nil {
		t.Fatal("the same row twice")
	}
	if at, err := f.Checkpoint(t.Context()); at != 1 || err != nil {
		t.Fatalf("checkpoint %d, %v", at, err)
	}
}

func TestDump(t *testing.T) {
	t.Parallel()
	f := openTest(t, filepath.Join(t.TempDir(), "x.db"), 1)
	for i, v := range []any{nil, int64(-7), []byte{0xAB}, "tab\t"} {
		if err := f.Apply(t.Context(), facts(i, i+1), insert(int64(i), v)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Dump(t.Context(), &b, Section{Name: "rows", Query: "SELECT n,v FROM row ORDER BY n"}); err != nil {
		t.Fatal(err)
	}
	const want = "# checkpoint\tposition\n4\n# rows\tn\tv\n0\t-\n1\t-7\n2\tab\n3\t\"tab\\t\"\n"
	if b.String() != want {
		t.Fatalf("dump %q, want %q", b.String(), want)
	}
	if err := f.Dump(t.Context(), &b, Section{Name: "bad", Query: "SELECT nothing"}); err == nil {
		t.Fatal("a bad query was dumped")
	}
}

func TestInterner(t *testing.T) {
	t.Parallel()
	f := openTest(t, filepath.Join(t.TempDir(), "x.db"), 1)
	n := NewInterner("name")
	broken := errors.New("injected")
	get := func(fail error, want int64, v string) {
		t.Helper()
		err := f.Update(t.Context(), func(tx *Tx) error {
			got, err := n.Text(tx, v)
			if err != nil || got != want {
				t.Errorf("%q is %d, want %d; %v", v, got, want, err)
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	get(nil, 1, "a")
	get(nil, 2, "b")
	get(broken, 3, "c")
	n.Forget()
	get(nil, 3, "d")
	get(nil, 4, "c")
	get(nil, 1, "a")
	n = NewInterner("name")
	get(nil, 5, "e")
	get(nil, 2, "b")
	for _, fresh := range []bool{true, false, true} { // a wrong guess costs time only
		n.Forget()
		err := f.Update(t.Context(), func(tx *Tx) error {
			a, madeA, err := n.resolve(tx, "a", "a", fresh)
			if a != 1 || madeA || err != nil {
				t.Errorf("a is %d, made %v, %v", a, madeA, err)
			}
			x, madeX, err := n.resolve(tx, "x", "x", fresh)
			if x != 6 || !madeX || err != nil {
				t.Errorf("x is %d, made %v, %v", x, madeX, err)
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
}

func TestTx(t *testing.T) {
	t.Parallel()
	f := openTest(t, filepath.Join(t.TempDir(), "x.db"), 1)
	stop := errors.New("enough")
	err := f.Update(t.Context(), func(tx *Tx) error {
		for i := range int64(3) {
			if n, err := tx.Exec("INSERT INTO row VALUES(?,?)", i, i*i); n != 1 || err != nil {
				t.Errorf("insert: %d, %v", n, err)
			}
		}
		if _, ok, err := tx.Int("SELECT v FROM row WHERE n=?", int64(9)); ok || err != nil {
			t.Errorf("no row: %v, %v", ok, err)
		}
		if _, err := tx.Exec("INSERT INTO nowhere VALUES(1)"); err == nil {
			t.Error("a bad statement was run")
		}
		seen := 0
		return tx.Query("SELECT v FROM row ORDER BY n", func(row []driver.Value) error {
			if seen++; seen == 2 {
				return stop
			}
			return nil
		})
	})
	if !errors.Is(err, stop) {
		t.Fatalf("%v, want the callback's error", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Reset(t.Context()), f.Update(t.Context(), nil)); !errors.Is(err, ErrClosed) {
		t.Fatalf("closed file: %v", err)
	}
}
