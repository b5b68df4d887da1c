package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/eventstore/vault"
)

func TestOpenIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openAt(t, path)
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "vault ü?#%.db"))
	if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, want the vault, its log, its index and its lock: %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", f.Name(), info.Mode(), err)
		}
	}
}

// TestSettings demands what durability and erasure rest on of the connections
// as they are opened.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "vault.db"))
	for pragma, want := range map[string]int64{
		"synchronous": 2, "secure_delete": 1, "temp_store": 2, "wal_autocheckpoint": 0, "busy_timeout": 5000,
		"user_version": Format, "application_id": applicationID, "auto_vacuum": 0,
	} {
		if got, err := s.w.one("PRAGMA " + pragma); got != want || err != nil {
			t.Errorf("%s is %d, want %d: %v", pragma, got, want, err)
		}
	}
	var mode string
	err := s.w.query("PRAGMA journal_mode", func(row []driver.Value) error {
		mode = fmt.Sprint(row[0])
		return nil
	})
	if err != nil || mode != "wal" {
		t.Errorf("journal mode is %q: %v", mode, err)
	}
	r := <-s.readers
	defer func() { s.readers <- r }()
	if _, err := r.exec("DELETE FROM chunk"); err == nil {
		t.Error("a reading connection writes")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, sql string) string {
		path := filepath.Join(t.TempDir(), "vault.db")
		c, err := newConn(openDriver, "file:"+path, nil)
		if err == nil {
			err = errors.Join(c.script(sql), c.close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := write(t, fmt.Sprintf("CREATE TABLE x (y); PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, Format+1))
	if _, err := Open(t.Context(), newer); !errors.Is(err, vault.ErrNewer) {
		t.Errorf("newer: %v", err)
	}
	other := write(t, "CREATE TABLE x (y); PRAGMA user_version=1")
	if _, err := Open(t.Context(), other); err == nil || !strings.Contains(err.Error(), "not a vault") {
		t.Errorf("another program's file: %v", err)
	}
	text := filepath.Join(t.TempDir(), "vault.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), text); err == nil {
		t.Error("a text file was opened")
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "absent", "vault.db")); err == nil {
		t.Error("a directory that is not there was made")
	}
	for _, path := range []string{newer, other, text} { // a refusal releases the lock
		if f, err := lockFile(path + ".lock"); err != nil {
			t.Error(err)
		} else if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDamage edits stored bytes and demands an error, and no wrong answer.
func TestDamage(t *testing.T) {
	t.Parallel()
	edits := map[string]string{
		"row cut":         "UPDATE chunk SET data=substr(data,1,length(data)-1)",
		"row length":      "UPDATE chunk SET data=x'ffffffff'||substr(data,5)",
		"row's event":     "UPDATE chunk SET data=substr(data,1,4)||x'09'||substr(data,6)",
		"row gone":        "DELETE FROM chunk",
		"key cell gone":   "DELETE FROM keycell",
		"key cell cut":    "UPDATE keycell SET data=substr(data,1,20)",
		"key's revision":  "UPDATE keycell SET data=substr(data,1,15)||x'07'||substr(data,17)",
		"facts cut":       "UPDATE fact SET data=substr(data,1,length(data)-1)",
		"journal cut":     "UPDATE journal SET data=substr(data,1,length(data)-1)",
		"journal's count": "UPDATE journal SET data=x'ffffffff'||substr(data,5)",
	}
	for name, sql := range edits {
		path := filepath.Join(t.TempDir(), "vault.db")
		s := openAt(t, path)
		b := oneRow(1)
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.w.script(sql), s.Close()); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err == nil {
			_, err1 := s.Intake(t.Context(), []domain.ID{{1}})
			keys, err2 := s.Keys(t.Context(), ownersOf(&b.Rows[0], nil))
			if err2 == nil && strings.HasPrefix(name, "key") && len(keys) > 0 && keys[0].Rev > 0 && keys[0].Wrapped == nil {
				err2 = errMoved // it opens nothing
			}
			err3 := s.Pending(t.Context(), func(vault.Pending) error { return nil })
			err = errors.Join(err1, err2, err3)
			if e := s.Close(); e != nil {
				t.Error(e)
			}
		}
		if !errors.Is(err, errDamaged) && !errors.Is(err, errMoved) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestLogIsBounded writes far more than the write-ahead log may hold.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openAt(t, path)
	s.walLimit = walSoft
	for i := range byte(40) {
		b := oneRow(i)
		b.Rows[0].Tokens = make([]byte, 1<<20)
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil || info.Size() > walSoft+2<<20 {
			t.Fatalf("after %d MiB the log has %d bytes: %v", i+1, info.Size(), err)
		}
	}
}

// TestJournalIsSwept demands that journals do not pile up and that a store
// opened in the middle of a sweep finds everything.
func TestJournalIsSwept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openAt(t, path)
	for k := range 200 {
		s.frozenAt = 100
		if _, err := s.Prepare(t.Context(), nth(k)); err != nil {
			t.Fatal(err)
		}
		if k%50 == 33 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, path)
		}
	}
	for k := range 200 {
		if !wholeOrAbsent(t, s, k) {
			t.Errorf("batch %d is absent", k)
		}
	}
	journals, err := s.w.one("SELECT count(*) FROM journal")
	if err != nil || journals > 60 {
		t.Errorf("%d journals are left: %v", journals, err)
	}
	swept, err := s.w.one("SELECT count(*) FROM intake")
	if err != nil || swept < 1000 {
		t.Errorf("only %d events are in the tree: %v", swept, err)
	}
}
