package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// boundStore opens a dataset with many sheaves.
func boundStore(t *testing.T, path string) *Store {
	t.Helper()
	w := projtest.NewWorld(8, 40)
	s, err := OpenSmall(path, w, sqlfile.Options{}, 8, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Apply(t.Context(), projtest.Decode(t, 0, w.Bytes(900))); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSheafEdits: an edit of any column of a sheaf, one that is taken away or added, is
// seen in the dump, or the dump fails.
func TestSheafEdits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := boundStore(t, filepath.Join(dir, "audit.db"))
	var want strings.Builder
	if err := errors.Join(s.Dump(t.Context(), &want), s.Close()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	const middle = " WHERE id=(SELECT id FROM sheaf ORDER BY n DESC,id LIMIT 1)"
	edits := []string{"DELETE FROM sheaf" + middle, "UPDATE sheaf SET id=id+100000" + middle, "UPDATE sheaf SET id=-id-1" + middle,
		"INSERT INTO sheaf SELECT id+100000,account,source,categories,n,unnamed,time_min,time_max,rows,persons FROM sheaf" + middle}
	for _, c := range []string{"account", "source", "categories", "n", "unnamed", "time_min", "time_max"} {
		edits = append(edits, "UPDATE sheaf SET "+c+"="+c+"+1"+middle, "UPDATE sheaf SET "+c+"="+c+"-1"+middle)
	}
	for at := 1; at < 30; at++ {
		for _, c := range []string{"rows", "persons"} {
			edits = append(edits, fmt.Sprintf("UPDATE sheaf SET %[1]s=CAST(substr(%[1]s,1,%[2]d)||x'01'||substr(%[1]s,%[3]d) AS BLOB)%[4]s", c, at-1, at+1, middle))
		}
	}
	for i, edit := range edits {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if n := execute(t, path, edit); n != 1 {
			t.Fatalf("%s: %d rows", edit, n)
		}
		if same(t, path, edit) {
			continue
		}
		x, err := OpenSmall(path, projtest.NewWorld(8, 40), sqlfile.Options{}, 8, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := x.Dump(t.Context(), &got); err == nil && got.String() == want.String() {
			t.Errorf("%s: not seen", edit)
		}
		_ = x.Close()
	}
}

func execute(t *testing.T, path, statement string) int64 {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.Exec(statement)
	if err != nil {
		t.Fatal(statement, err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// same reports an edit of a byte that was the same before.
func same(t *testing.T, path, edit string) bool {
	if !strings.Contains(edit, "substr") {
		return false
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	original := filepath.Join(filepath.Dir(path), "audit.db")
	if _, err := db.Exec("ATTACH ? AS o", original); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("SELECT count(*) FROM sheaf a JOIN o.sheaf b ON a.id=b.id WHERE a.rows<>b.rows OR a.persons<>b.persons").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n == 0
}

func someSheaf() *sheaf {
	s := &sheaf{sheafKey: sheafKey{1, 2, 3}}
	for i := range int64(20) {
		s.add(70+2*i, 1e15+i*i*1000-i%3*900_000, i%4, bytes.Repeat([]byte{byte(i)}, int(16*(i%3))))
	}
	return s
}

// TestSheafDamage: a sheaf cut anywhere, or with a byte more, is an error.
func TestSheafDamage(t *testing.T) {
	t.Parallel()
	good := someSheaf()
	if err := good.check(sheafBits); err != nil {
		t.Fatal(err)
	}
	for i := range good.rows {
		bad := *good
		if bad.rows = good.rows[:i]; !errors.Is(bad.check(sheafBits), errSheaf) {
			t.Errorf("rows cut at %d", i)
		}
	}
	for i := range good.persons {
		bad := *good
		if bad.persons = good.persons[:i]; !errors.Is(bad.check(sheafBits), errSheaf) {
			t.Errorf("persons cut at %d", i)
		}
	}
	for _, x := range []struct{ rows, persons int }{{1, 0}, {0, 1}, {0, 16}} {
		bad := *good
		bad.rows, bad.persons = append(bytes.Clone(good.rows), make([]byte, x.rows)...), append(bytes.Clone(good.persons), make([]byte, x.persons)...)
		if !errors.Is(bad.check(sheafBits), errSheaf) {
			t.Errorf("%d bytes of rows and %d of persons too many", x.rows, x.persons)
		}
	}
	if err := good.check(5); !errors.Is(err, errSheaf) {
		t.Errorf("a sheaf over the end of its run: %v", err)
	}
}

// FuzzSheaf: no bytes make the reader panic, and what it reads is written the same.
func FuzzSheaf(f *testing.F) {
	good := someSheaf()
	f.Add(good.rows, good.persons)
	f.Add(good.rows[:9], good.persons[:16])
	f.Add([]byte{sheafVersion}, []byte{})
	f.Fuzz(func(t *testing.T, rows, persons []byte) {
		s := &sheaf{rows: rows, persons: persons}
		once, err := s.since(-1 << 63)
		if err != nil || once.n == 0 {
			return
		}
		again, err := once.since(-1 << 63)
		if err != nil || !bytes.Equal(once.rows, again.rows) || !bytes.Equal(once.persons, again.persons) || !bytes.Equal(once.persons, persons) {
			t.Fatalf("read back otherwise: %v", err)
		}
	})
}

// TestDamagedSheafIsNoAnswer: a question that needs the rows of a damaged sheaf fails,
// and so does dropping from it.
func TestDamagedSheafIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := boundStore(t, filepath.Join(t.TempDir(), "audit.db"))
	err := s.file.Update(t.Context(), func(tx *sqlfile.Tx) error {
		_, err := tx.Exec("UPDATE sheaf SET rows=x'00'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	if err := s.file.Row(t.Context(), "SELECT max(time_max) FROM sheaf WHERE time_min<time_max", nil, &last); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seen(t.Context(), audit.SeenFilter{Before: 900}); err != nil {
		t.Errorf("sums suffice: %v", err)
	}
	cut := audit.SeenFilter{Before: 900, Time: audit.Span{From: time.UnixMicro(last)}}
	if _, err := s.Seen(t.Context(), cut); !errors.Is(err, errSheaf) {
		t.Errorf("seen: %v", err)
	}
	if _, err := s.SeenAfter(t.Context(), cut, domain.ID{}, 9); !errors.Is(err, errSheaf) {
		t.Errorf("persons: %v", err)
	}
	if _, err := s.DropAccessesBefore(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, errSheaf) {
		t.Errorf("drop: %v", err)
	}
	if err := s.Dump(t.Context(), io.Discard); !errors.Is(err, errSheaf) {
		t.Errorf("dump: %v", err)
	}
}

// TestHorizonHoldsAtOnce: what is before the horizon is in no answer, though a crash
// kept it from being taken out, nor bound later; calling again takes it out.
func TestHorizonHoldsAtOnce(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(8, 40)
	s, err := OpenSmall(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{}, 9, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	facts := projtest.Decode(t, 0, w.Bytes(1100))
	if err := s.Apply(t.Context(), facts[:880]); err != nil { // in the middle of a run
		t.Fatal(err)
	}
	horizon := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	all, f := audit.SeenFilter{Before: 880}, audit.SeenFilter{Before: 880, Time: audit.Span{From: horizon}}
	whole, err := s.Seen(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Seen(t.Context(), f)
	if err != nil || want.Accesses == whole.Accesses {
		t.Fatal("nothing is before the horizon", err)
	}
	err = s.file.Update(t.Context(), func(tx *sqlfile.Tx) error {
		_, err := tx.Exec(putHorizon, horizon.UnixMicro())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Seen(t.Context(), all); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	if err := s.Apply(t.Context(), facts[880:]); err != nil {
		t.Fatal(err)
	}
	old := "SELECT count(*) FROM sheaf WHERE id>=? AND time_min<?"
	var n int
	if err := s.file.Row(t.Context(), old, []any{512, horizon.UnixMicro()}, &n); err != nil || n > 0 {
		t.Errorf("%d sheaves hold what was before the horizon when they were bound, %v", n, err)
	}
	if _, err := s.DropAccessesBefore(t.Context(), horizon); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Row(t.Context(), old, []any{0, horizon.UnixMicro()}, &n); err != nil || n > 0 {
		t.Errorf("%d sheaves hold what is before the horizon, %v", n, err)
	}
	if got, err := s.Seen(t.Context(), all); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}
