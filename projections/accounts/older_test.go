package accounts

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"greffe/domain/event"
	"greffe/projections"
)

// TestOlderFileIsFoldedAnew: a file that the program before wrote is emptied, its columns
// included, so that an upgrade needs no hand.
func TestOlderFileIsFoldedAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `
		CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
		INSERT INTO checkpoint VALUES (1, 1, 40);
		CREATE TABLE account (id BLOB PRIMARY KEY, roles TEXT NOT NULL, bootstrap INTEGER NOT NULL, disabled INTEGER NOT NULL, created INTEGER NOT NULL, label BLOB NOT NULL) STRICT;
		INSERT INTO account VALUES (x'01', 'admin', 0, 0, 0, x'');`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if next, err := s.Checkpoint(t.Context()); err != nil || next != 0 || len(s.List()) != 0 {
		t.Errorf("it goes on at %d with %d tokens: %v", next, len(s.List()), err)
	}
	if err := s.Apply(t.Context(), []projections.Fact{fact(0, event.AccountCreated, event.Codes{}.With("account", id(1, 1).String()).With("roles", []string{"admin"}))}); err != nil {
		t.Error(err)
	}
}
