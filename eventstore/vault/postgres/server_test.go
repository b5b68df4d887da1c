//go:build real

package postgres

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres/pgtest"
	"greffe/eventstore/vault/transfer"
)

// TestServerIsLookedAt: a server that cannot keep the promises is refused, with what to
// change on it, and taken when that is done.
func TestServerIsLookedAt(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.With("wal_recycle", "on"), pgtest.With("log_statement", "'mod'"), pgtest.With("fsync", "off"), pgtest.With("archive_mode", "on"))
	u := c.URL(t)
	sql := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if err := c.Exec(t.Context(), "vault1", s); err != nil {
				t.Fatal(err)
			}
		}
	}
	sql("REVOKE EXECUTE ON FUNCTION pg_switch_wal() FROM greffe", "REVOKE pg_monitor FROM greffe")
	_, err := Open(t.Context(), Config{URL: u})
	if !errors.Is(err, ErrServer) {
		t.Fatal(err)
	}
	for _, what := range []string{"wal_recycle = off", "fsync = on", "log_parameter_max_length = 0", "pg_monitor", "pg_switch_wal()"} {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("the error does not name %s: %v", what, err)
		}
	}
	sql("ALTER SYSTEM SET wal_recycle = off", "ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET log_parameter_max_length = 0",
		"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO greffe", "GRANT pg_monitor TO greffe")
	c.Stop(t)
	c.StartAgain(t)
	s := openAt(t, Config{URL: u, Buckets: 2})
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "archive_mode") {
		t.Errorf("warnings: %v", w)
	}
}

// TestLogIsHeld: while the server keeps old log files for somebody, a destruction says
// that traces may be left; the same call finishes it when they may go.
func TestLogIsHeld(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2)
	live := c.owners(6)
	c.record(30, live)
	c.settle("SELECT pg_create_physical_replication_slot('slow', true)")
	dead := live[:3]
	for range 2 {
		if err := c.s.Destroy(t.Context(), vault.Whole(dead...)); !errors.Is(err, vault.ErrUnavailable) || !strings.Contains(err.Error(), "traces") {
			t.Fatalf("destroyed in spite of a log that is held: %v", err)
		}
	}
	if found := c.traces(dead); found["data/pg_wal"] == 0 || len(found) > 1 {
		t.Fatalf("traces are in %v", found)
	}
	c.settle("SELECT pg_drop_replication_slot('slow')")
	if err := c.s.Destroy(t.Context(), vault.Whole(dead...)); err != nil {
		t.Fatal(err)
	}
	c.none("when the log may go", c.traces(dead))
	c.intact(live[3:])
}

// TestLockedBucket: whoever reads a bucket for long has a destruction fail in time, with
// the keys gone already, and nobody else wait; the same call finishes it.
func TestLockedBucket(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1)
	s := openAt(t, Config{URL: c.url, Limit: 500 * time.Millisecond})
	live := c.owners(4)
	c.record(20, live)
	conn, err := pgx.Connect(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE greffe.cell_0 IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(t.Context(), vault.Whole(live[0])); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("a bucket that is read: %v", err)
	}
	rows, err := c.s.Keys(t.Context(), live[:1])
	if err != nil || !rows[0].Destroyed {
		t.Error(rows, err)
	}
	c.record(5, live[1:])
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(t.Context(), vault.Whole(live[0])); err != nil {
		t.Fatal(err)
	}
	c.none("when nobody reads", c.traces(live[:1]))
	c.intact(live[1:])
}

func TestVersions(t *testing.T) {
	t.Parallel()
	u := cluster.URL(t)
	s := openAt(t, Config{URL: u, Buckets: 2})
	if _, err := s.Prepare(t.Context(), newLoad().fresh(3)); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, Config{URL: u, Buckets: 9})
	if len(again.buckets) != 2 {
		t.Errorf("%d buckets of a vault that was made with 2", len(again.buckets))
	}
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "UPDATE greffe.vault SET version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{URL: u}); !errors.Is(err, vault.ErrNewer) {
		t.Errorf("a newer vault: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "UPDATE greffe.vault SET version = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{URL: u}); err == nil {
		t.Error("a schema that is no vault's was opened")
	}
}

// TestAnotherNodeImports: a node that had the vault open before an import shows nothing
// while it lasts and all of it afterwards.
func TestAnotherNodeImports(t *testing.T) {
	t.Parallel()
	from, to := openAt(t, Config{URL: cluster.URL(t), Buckets: 2}), twoNodes(t, 2)
	b := newLoad().fresh(5)
	if _, err := from.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for _, s := range to { // so that they know the tables by heart
		if n := found(t, s, b.Rows); n != 0 {
			t.Fatal(n)
		}
	}
	w, err := to[0].Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to[1].Import(t.Context()); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("a second import beside the first: %v", err)
	}
	if _, err := to[1].Prepare(t.Context(), b); !errors.Is(err, transfer.ErrPartial) {
		t.Errorf("prepare during an import: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { // the server ends the first one's connection in its own time
		_, err := transfer.Copy(t.Context(), from, to[0], nil)
		return err
	})
	for _, s := range to {
		if n := found(t, s, b.Rows); n != 5 {
			t.Errorf("%d of 5 rows after the import", n)
		}
	}
	if _, err := to[1].Prepare(t.Context(), &vault.Batch{Rows: b.Rows[:1]}); !errors.Is(err, vault.ErrExists) {
		t.Errorf("an event that was imported: %v", err)
	}
}

// TestServerLogSaysNothing: refusals and failures leave no value in the server's log.
func TestServerLogSaysNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2)
	live := c.owners(5)
	c.record(10, live)
	b := &vault.Batch{Rows: c.rows[:2], Keys: []vault.KeyWrite{{Owner: live[0], Rev: 77, Wrapped: c.secret(live[0], 60)}}}
	if _, err := c.s.Prepare(t.Context(), b); !errors.Is(err, vault.ErrStale) { // key rows are asked first
		t.Fatal(err)
	}
	if _, err := c.s.Prepare(t.Context(), &vault.Batch{Rows: b.Rows}); !errors.Is(err, vault.ErrExists) {
		t.Fatal(err)
	}
	if err := c.s.RewriteKeys(t.Context(), b.Keys); !errors.Is(err, vault.ErrStale) {
		t.Fatal(err)
	}
	log, err := os.ReadFile(c.cluster.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte("greffe: refused")) {
		t.Error("the log does not tell of the refusals that this test is about")
	}
	for _, o := range live {
		for _, s := range append(c.secrets[o], o.ID[:]) {
			for _, seen := range [][]byte{s[:8], []byte(hexOf(s[:8]))} {
				if bytes.Contains(log, seen) {
					t.Error("the log holds a value")
				}
			}
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, x := range b {
		out.WriteByte(digits[x>>4])
		out.WriteByte(digits[x&15])
	}
	return out.String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.WithTLS())
	s := openAt(t, Config{URL: strings.Replace(c.URL(t), c.Password(), "wrong", 1), Password: c.Password(), Buckets: 1})
	b := newLoad().fresh(2)
	if _, err := s.Prepare(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if n := found(t, s, b.Rows); n != 2 {
		t.Errorf("%d of 2 rows", n)
	}
}
