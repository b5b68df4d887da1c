package peek

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is committed in a log that was left behind is seen, what is not is not, and
// neither the files nor the directory change.
func TestReadsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	live := filepath.Join(t.TempDir(), "live.db")
	db, err := sql.Open("sqlite", "file:"+live+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)&_pragma=user_version(3)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	do := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE TABLE x(n INTEGER, pad TEXT)")
	do("INSERT INTO x WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM g WHERE n<200) SELECT n, hex(randomblob(600)) FROM g")
	do("PRAGMA wal_checkpoint(TRUNCATE)")
	do("INSERT INTO x WITH RECURSIVE g(n) AS (SELECT 201 UNION ALL SELECT n+1 FROM g WHERE n<500) SELECT n, hex(randomblob(600)) FROM g")
	do("PRAGMA user_version=7")
	for _, torn := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "left.db")
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(live + end)
			if err != nil {
				t.Fatal(err)
			}
			if torn && end != "" { // the last transaction, of one page, is not whole
				b = b[:len(b)-1]
			}
			if err := os.WriteFile(path+end, b, 0o400); err != nil {
				t.Fatal(err)
			}
		}
		before := state(t, dir)
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		version, err1 := d.Int(t.Context(), "PRAGMA user_version")
		n, err2 := d.Int(t.Context(), "SELECT count(*) FROM x")
		_, err3 := d.ExecContext(t.Context(), "DELETE FROM x")
		if err := errors.Join(err1, err2, d.Close()); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int64{false: 7, true: 3}[torn]; version != want || n != 500 || err3 == nil {
			t.Errorf("torn %t: version %d, %d rows, writing: %v", torn, version, n, err3)
		}
		if after := state(t, dir); after != before {
			t.Errorf("the directory is %s, was %s", after, before)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func state(t *testing.T, dir string) (s string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		s += fmt.Sprintln(e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return s
}
