//go:build real

package pgtest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // some servers are gone by then
	return conn
}

func number(t *testing.T, conn *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLife takes a cluster through everything that a test may do to it: what was
// committed is there after a kill and a stop, on the same address.
func TestLife(t *testing.T) {
	t.Parallel()
	c := Start(t)
	url := c.URL(t)
	if other := c.URL(t); other == url {
		t.Error("two databases have one name")
	}
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(); err == nil {
		t.Error("a server that runs was started")
	}
	address := c.Address()
	for _, end := range []func(testing.TB){c.Kill, c.Stop} {
		end(t)
		if _, err := pgx.Connect(t.Context(), url); err == nil {
			t.Fatal("a server that ended answers")
		}
		c.StartAgain(t)
		if n := number(t, connect(t, url), "SELECT n FROM kept"); n != 7 || c.Address() != address {
			t.Errorf("after a restart: %d at %s", n, c.Address())
		}
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	c := Start(t)
	conn := connect(t, c.URL(t))
	c.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := conn.Ping(ctx); err == nil {
		t.Error("a paused server answers")
	}
	c.Resume(t)
	if n := number(t, connect(t, c.URL(t)), "SELECT 1"); n != 1 {
		t.Error(n)
	}
}

func TestTLSAndRights(t *testing.T) {
	t.Parallel()
	c := Start(t, WithTLS(), With("work_mem", "'5MB'"))
	url := c.URL(t)
	if _, err := pgx.Connect(t.Context(), strings.Replace(url, "verify-full", "disable", 1)); err == nil {
		t.Error("the server speaks without TLS")
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(url, c.Password(), "wrong", 1)); err == nil {
		t.Error("another password is good enough")
	}
	conn := connect(t, url)
	if n := number(t, conn, "SELECT count(*) FROM pg_roles WHERE rolname=current_user AND NOT rolsuper AND current_setting('work_mem')='5MB'"); n != 1 {
		t.Error("the role is a superuser, or a setting was lost")
	}
	if n := number(t, conn, "SELECT count(*) FROM pg_stat_ssl WHERE pid=pg_backend_pid() AND ssl"); n != 1 {
		t.Error("the connection is in clear")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Error("Close leaves the directory")
	}
}
