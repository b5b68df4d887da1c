// Package pgtest starts throw-away PostgreSQL clusters for tests, from the
// binaries that Debian's packages install: a directory of its own, a free port on
// loopback, passwords (SCRAM), TLS if asked for, killed when the test ends.
//
// It promises a server that is set as the vault demands (wal_recycle=off, fsync
// on), and on which the role of URL has no more than the vault needs. It assumes
// Linux. PostgreSQL refuses to run as root: then it runs as the user postgres, or
// nobody. A crash of the test leaves a directory; the server is told to end when
// its parent does.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "root"
	role      = "greffe"
	patience  = 60 * time.Second // for a start or a stop, on a busy machine
	poll      = 20 * time.Millisecond
)

// Cluster is one server and its data.
type Cluster struct {
	dir, bin  string
	port      int
	password  string
	owner     *syscall.Credential
	tls       bool
	segment   int
	settings  map[string]string
	databases atomic.Int64

	mu  sync.Mutex
	cmd *exec.Cmd
	end chan struct{} // closed when the server's process ended
}

// Option changes a cluster before its first start.
type Option func(*Cluster)

// WithTLS has the server speak TLS only, under a certificate for 127.0.0.1.
func WithTLS() Option { return func(c *Cluster) { c.tls = true } }

// WithLogFiles sets the size of write-ahead log files, 1 MiB otherwise (16 is usual).
func WithLogFiles(mib int) Option { return func(c *Cluster) { c.segment = mib } }

// With sets a parameter of the server.
func With(name, value string) Option { return func(c *Cluster) { c.settings[name] = value } }

// Start makes and starts a cluster that goes when the test ends.
func Start(t testing.TB, options ...Option) *Cluster {
	t.Helper()
	c, err := New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log ends:\n%s", c.logEnd())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// New is Start without a test, for a TestMain; Close ends it.
func New(options ...Option) (_ *Cluster, err error) {
	c := &Cluster{password: rand.Text(), segment: 1, settings: map[string]string{
		"listen_addresses": "'127.0.0.1'", "unix_socket_directories": "''", "wal_recycle": "off",
		"shared_buffers": "'64MB'", "logging_collector": "off", "max_prepared_transactions": "5",
	}}
	for _, o := range options {
		o(c)
	}
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	if err := errors.Join(c.chooseOwner(), os.Chmod(c.dir, 0o755)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.initialise(); err != nil {
		return nil, errors.Join(fmt.Errorf("pgtest: make a cluster: %w", err), c.Close())
	}
	for try := 0; ; try++ {
		if err = c.choosePort(); err == nil {
			err = c.Restart()
		}
		if err == nil {
			break
		}
		if try == 4 {
			return nil, errors.Join(fmt.Errorf("pgtest: start: %w\n%s", err, c.logEnd()), c.Close())
		}
	}
	if err := c.makeRole(); err != nil {
		return nil, errors.Join(fmt.Errorf("pgtest: make a role: %w", err), c.Close())
	}
	return c, nil
}

// binaries finds the newest PostgreSQL of Debian's packages.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(errors.New("pgtest: PostgreSQL is not installed; get it with deploy/real/fetch.sh postgres"), err)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0: not a version
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// Dir is where every file of the server lies, its log too.
func (c *Cluster) Dir() string { return c.dir }

// Address is where the server listens.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

// LogFile is what the server wrote about itself.
func (c *Cluster) LogFile() string { return filepath.Join(c.dir, "server.log") }

// Password is the one of every URL.
func (c *Cluster) Password() string { return c.password }

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// URL makes a fresh database, owned by a role that may do what the vault needs,
// and says how to reach it.
func (c *Cluster) URL(t testing.TB) string {
	t.Helper()
	u, err := c.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Database is URL without a test.
func (c *Cluster) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("vault%d", c.databases.Add(1))
	if err := c.Exec(ctx, "postgres", "CREATE DATABASE "+name+" OWNER "+role); err != nil {
		return "", err
	}
	err := c.Exec(ctx, name, "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "+role)
	return c.url(role, name), err
}

// Superuser is the URL of a database for somebody who may do everything.
func (c *Cluster) Superuser(database string) string { return c.url(superuser, database) }

func (c *Cluster) url(user, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, c.password), Host: c.Address(), Path: "/" + database}
	q := url.Values{"sslmode": {"disable"}}
	if c.tls {
		q = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {filepath.Join(c.dir, "server.crt")}}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Exec runs a statement as the superuser.
func (c *Cluster) Exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, c.Superuser(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func (c *Cluster) makeRole() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.Exec(ctx, "postgres", "CREATE ROLE "+role+" LOGIN PASSWORD '"+c.password+"'; GRANT pg_checkpoint, pg_monitor TO "+role)
}

// Close kills the server and removes its directory.
func (c *Cluster) Close() error {
	return errors.Join(c.kill(), os.RemoveAll(c.dir))
}

func (c *Cluster) logEnd() string {
	b, err := os.ReadFile(c.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
