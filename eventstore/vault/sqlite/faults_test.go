package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// coded is an error as SQLite gives them.
type coded int

func (e coded) Error() string { return "planted" }
func (e coded) Code() int     { return int(e) }

// plan says which statements fail: those that begin with sql, after skip of them,
// one and as many more; kept ones run first.
type plan struct {
	sql  string
	skip int
	more int
	kept bool
	lost bool // they succeed and do nothing
	err  error
}

func (p *plan) hits(sql string) bool {
	if p.err == nil && !p.lost || !strings.HasPrefix(sql, p.sql) {
		return false
	}
	p.skip--
	return p.skip < 0 && p.skip >= -1-p.more
}

// faultyConn is a driver's connection whose statements fail as planned.
type faultyConn struct {
	driver.Conn
	plan *plan
}

type faultyStmt struct {
	driver.Stmt
	sql  string
	plan *plan
}

func (c faultyConn) ExecContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, sql, args)
}

func (c faultyConn) Prepare(sql string) (driver.Stmt, error) {
	s, err := c.Conn.Prepare(sql)
	return faultyStmt{s, sql, c.plan}, err
}

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if !s.plan.hits(s.sql) {
		return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	}
	if s.plan.lost {
		return driver.RowsAffected(1), nil
	}
	if s.plan.kept {
		if _, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args); err != nil {
			return nil, err
		}
	}
	return nil, s.plan.err
}

func (s faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.plan.hits(s.sql) {
		return nil, s.plan.err
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func openFaulty(t *testing.T, path string, p *plan) *Store {
	t.Helper()
	s, err := open(path, func(dsn string) (driver.Conn, error) {
		c, err := openDriver(dsn)
		return faultyConn{c, p}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a failed store's error is the test's subject
	return s
}

func oneRow(i byte) *vault.Batch {
	o := part.SubjectOwner(domain.ID{i})
	return &vault.Batch{
		Rows: []vault.Row{{Event: domain.ID{i}, Fact: []byte{i}, Owner: o, BodyMAC: []byte{i}}},
		Keys: []vault.KeyWrite{{Owner: o, Wrapped: []byte{i}}},
	}
}

func found(t *testing.T, s *Store, i byte) bool {
	t.Helper()
	in, err := s.Intake(t.Context(), []domain.ID{{i}})
	if err != nil {
		t.Fatal(err)
	}
	return in[0].Found
}

// TestFailedCommitStops shows the pair: a commit that failed, kept or not, is of
// unknown outcome; the store takes no more writes, still reads, and tells after
// a restart what happened.
func TestFailedCommitStops(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		kept, failure := i%2 == 1, []error{coded(sqlite3.SQLITE_IOERR_FSYNC), errors.New("another")}[i/2]
		path := filepath.Join(t.TempDir(), "vault.db")
		p := &plan{}
		s := openFaulty(t, path, p)
		if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
			t.Fatal(err)
		}
		*p = plan{sql: "COMMIT", kept: kept, err: failure}
		_, err := s.Prepare(t.Context(), oneRow(2))
		if !errors.Is(err, vault.ErrFailed) || strings.Contains(err.Error(), "not committed") {
			t.Errorf("kept %v: error is %v", kept, err)
		}
		*p = plan{}
		if _, err := s.Prepare(t.Context(), oneRow(3)); !errors.Is(err, vault.ErrFailed) || !strings.Contains(err.Error(), "restart") {
			t.Errorf("kept %v: the next write's error is %v", kept, err)
		}
		if err := s.Destroy(t.Context(), vault.Whole(part.Owner{Kind: part.Subject})); !errors.Is(err, vault.ErrFailed) {
			t.Errorf("kept %v: destroy after a failure: %v", kept, err)
		}
		if !found(t, s, 1) {
			t.Error("a stopped store does not read")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		again := openAt(t, path)
		if got := found(t, again, 2); got != kept || !found(t, again, 1) || found(t, again, 3) {
			t.Errorf("kept %v: after a restart the batch is there: %v", kept, got)
		}
		if _, err := again.Prepare(t.Context(), oneRow(3)); err != nil {
			t.Error(err)
		}
	}
}

// TestFailedStatements makes the k-th statement of a Prepare fail for every k,
// as a failed read or write of the file, as damage, as a full disk and as
// something else, and demands that nothing of the batch is left.
func TestFailedStatements(t *testing.T) {
	t.Parallel()
	for code, want := range map[coded]error{
		sqlite3.SQLITE_IOERR_WRITE: vault.ErrFailed, sqlite3.SQLITE_IOERR_READ: vault.ErrFailed, sqlite3.SQLITE_CORRUPT: vault.ErrFailed,
		sqlite3.SQLITE_FULL: vault.ErrFull, sqlite3.SQLITE_NOMEM: nil,
	} {
		hits := 0
		for k := 0; ; k++ {
			path := filepath.Join(t.TempDir(), "vault.db")
			p := &plan{}
			s := openFaulty(t, path, p)
			s.frozenAt = 1
			if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
				t.Fatal(err)
			}
			*p = plan{skip: k, err: code}
			_, err := s.Prepare(t.Context(), oneRow(2))
			if err == nil {
				break
			}
			*p = plan{}
			hits++
			if want != nil && !errors.Is(err, want) {
				t.Errorf("code %d, statement %d: error is %v", code, k, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			again := openAt(t, path)
			if found(t, again, 2) || !found(t, again, 1) {
				t.Errorf("code %d, statement %d: something of the batch is left", code, k)
			}
			if _, err := again.Prepare(t.Context(), oneRow(2)); err != nil {
				t.Errorf("code %d, statement %d: again: %v", code, k, err)
			}
		}
		if hits < 8 { // or the plan strikes nothing
			t.Errorf("code %d struck only %d statements", code, hits)
		}
	}
}

// TestFull fills a real file to its limit: not committed, and when there is room
// again the store goes on without a restart.
func TestFull(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "vault.db"))
	if _, err := s.w.one("PRAGMA max_page_count=60"); err != nil {
		t.Fatal(err)
	}
	big := oneRow(1)
	big.Rows[0].Fact = make([]byte, 500_000)
	if _, err := s.Prepare(t.Context(), big); !errors.Is(err, vault.ErrFull) || !strings.Contains(err.Error(), "not committed") {
		t.Fatalf("error is %v", err)
	}
	if found(t, s, 1) {
		t.Error("something of the batch is left")
	}
	if _, err := s.Prepare(t.Context(), oneRow(2)); err != nil {
		t.Errorf("a batch for which there is room: %v", err)
	}
	if _, err := s.w.one("PRAGMA max_page_count=100000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prepare(t.Context(), big); err != nil {
		t.Error(err)
	}
}

// TestCheckpointFailureStops shows that a checkpoint that fails after a commit
// does not deny the commit, and stops what comes next.
func TestCheckpointFailureStops(t *testing.T) {
	t.Parallel()
	p := &plan{}
	s := openFaulty(t, filepath.Join(t.TempDir(), "vault.db"), p)
	big := oneRow(1)
	big.Rows[0].Fact = make([]byte, walSoft)
	*p = plan{sql: "PRAGMA wal_checkpoint", err: coded(sqlite3.SQLITE_IOERR_WRITE)}
	if _, err := s.Prepare(t.Context(), big); err != nil {
		t.Errorf("a durable batch is denied: %v", err)
	}
	if _, err := s.Prepare(t.Context(), oneRow(2)); !errors.Is(err, vault.ErrFailed) {
		t.Errorf("the next write's error is %v", err)
	}
	*p = plan{}
}

// TestDestroyLooks shows that writes which got lost without an error are found by
// the look at the result, and that the next call makes up for them.
func TestDestroyLooks(t *testing.T) {
	t.Parallel()
	for sql, redact := range map[string]bool{"UPDATE chunk": false, "UPDATE chunk ": true, "UPDATE keycell": false} {
		p := &plan{}
		s := openFaulty(t, filepath.Join(t.TempDir(), "vault.db"), p)
		b := oneRow(1)
		b.Rows[0].Parts = []vault.Part{{Key: part.KeyID{Owner: b.Rows[0].Owner, Class: "notes", Epoch: "2026"}, Bytes: []byte("notes")}}
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		do := func() error { return s.Destroy(t.Context(), vault.Whole(b.Rows[0].Owner)) }
		if redact {
			do = func() error { return s.Redact(t.Context(), []vault.PartID{{Event: domain.ID{1}, Class: "notes"}}) }
		}
		*p = plan{sql: strings.TrimSpace(sql), lost: true}
		if err := do(); !errors.Is(err, errLeft) {
			t.Errorf("%s was lost: error is %v", sql, err)
		}
		*p = plan{}
		if err := do(); err != nil {
			t.Errorf("%s: the second call: %v", sql, err)
		}
	}
}

// TestDestroyStops makes every statement of a Destroy fail in turn: each error
// says so, and after a restart the same call finishes.
func TestDestroyStops(t *testing.T) {
	t.Parallel()
	for k := 0; ; k++ {
		path := filepath.Join(t.TempDir(), "vault.db")
		p := &plan{}
		s := openFaulty(t, path, p)
		if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
			t.Fatal(err)
		}
		*p = plan{skip: k, err: coded(sqlite3.SQLITE_IOERR_WRITE)}
		owner := []part.Owner{part.SubjectOwner(domain.ID{1})}
		err := s.Destroy(t.Context(), vault.Whole(owner...))
		*p = plan{}
		if err == nil {
			if k < 10 {
				t.Errorf("only %d statements struck", k)
			}
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		again := openAt(t, path)
		if err := again.Destroy(t.Context(), vault.Whole(owner...)); err != nil {
			t.Errorf("statement %d: finishing: %v", k, err)
		}
		in, err := again.Intake(t.Context(), []domain.ID{{1}})
		if err != nil || in[0].BodyMAC != nil {
			t.Errorf("statement %d: the body MAC is left: %v", k, err)
		}
	}
}
