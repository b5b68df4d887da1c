package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// TestClassify: what each kind of error is in the port's terms, what it says of the
// outcome, and that nothing of the server's words is passed on.
func TestClassify(t *testing.T) {
	t.Parallel()
	server := func(code string) error {
		return fmt.Errorf("step: %w", &pgconn.PgError{
			Code: code, Message: "SECRET", Detail: "Key (token)=(SECRET) already exists.", Hint: "SECRET", Where: "SECRET", InternalQuery: "SECRET", ConstraintName: "SECRET",
		})
	}
	const committed, unknown = "not committed", "outcome unknown"
	for name, c := range map[string]struct {
		err         error
		want        error
		says        string
		again, lost bool
	}{
		"exists":               {server(codeExists), vault.ErrExists, committed, false, false},
		"stale":                {server(codeStale), vault.ErrStale, committed, false, false},
		"retoken":              {server(codeRetoken), vault.ErrRetoken, committed, false, false},
		"fenced":               {server(codeFenced), vault.ErrFenced, committed, false, false},
		"generation":           {server(codeGeneration), vault.ErrGeneration, committed, false, false},
		"tokens":               {server(codeTokens), vault.ErrTokens, committed, false, false},
		"serialization":        {server("40001"), vault.ErrUnavailable, committed, true, false},
		"deadlock":             {server("40P01"), vault.ErrUnavailable, committed, true, false},
		"lock timeout":         {server("55P03"), vault.ErrUnavailable, committed, true, false},
		"disk full":            {server("53100"), vault.ErrFull, committed, false, false},
		"too many connections": {server("53300"), vault.ErrUnavailable, committed, false, true},
		"statement timeout":    {server("57014"), vault.ErrUnavailable, committed, false, false},
		"shutdown":             {server("57P01"), vault.ErrUnavailable, unknown, false, true},
		"crash":                {server("57P02"), vault.ErrUnavailable, unknown, false, true},
		"starting":             {server("57P03"), vault.ErrUnavailable, committed, false, true},
		"idle in transaction":  {server("25P03"), vault.ErrUnavailable, committed, false, true},
		"a standby":            {server("25006"), vault.ErrUnavailable, committed, true, true},
		"password":             {server("28P01"), vault.ErrUnavailable, committed, false, true},
		"connection":           {server("08006"), vault.ErrUnavailable, unknown, false, true},
		"no table":             {server("42P01"), transfer.ErrPartial, committed, false, false},
		"no function":          {server("42883"), transfer.ErrPartial, committed, false, false},
		"privilege":            {server("42501"), nil, committed, false, false},
		"a unique key":         {server("23505"), nil, committed, false, false},
		"damage":               {server("XX001"), vault.ErrFailed, "", false, false},
		"end of file":          {fmt.Errorf("SECRET: %w", io.ErrUnexpectedEOF), vault.ErrUnavailable, unknown, false, true},
		"reset":                {&net.OpError{Op: "SECRET", Err: syscall.ECONNRESET}, vault.ErrUnavailable, unknown, false, true},
		"a scan":               {pgx.ScanArgError{FieldName: "SECRET", Err: errors.New("SECRET")}, errDamaged.error, "", false, false},
		"our own":              {fmt.Errorf("SECRET: %w", own{vault.ErrNewer}), vault.ErrNewer, "", false, false},
	} {
		f := classify(c.err)
		if c.want != nil && !errors.Is(f.err, c.want) || f.again != c.again || f.lost != c.lost || !strings.Contains(f.err.Error(), c.says) {
			t.Errorf("%s: %v, again %v, lost %v", name, f.err, f.again, f.lost)
		}
		var pg *pgconn.PgError
		if strings.Contains(f.err.Error(), "SECRET") || errors.As(f.err, &pg) {
			t.Errorf("%s: the error passes on what it must not: %v", name, f.err)
		}
	}
}

// TestConnectErrors: what pgx says of a failed connection names user, host and database.
func TestConnectErrors(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pgconn.Connect(ctx, "postgres://someuser:somepassword@somehost.invalid/somedatabase")
	f := classify(err)
	if !errors.Is(f.err, vault.ErrUnavailable) || !f.lost || !strings.Contains(f.err.Error(), "not committed") {
		t.Errorf("the error is %v", f.err)
	}
	for _, word := range []string{"someuser", "somepassword", "somehost", "somedatabase"} {
		if strings.Contains(f.err.Error(), word) {
			t.Errorf("the error names %s", word)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no URL":            {},
		"too many buckets":  {URL: "postgres://h/d", Buckets: 257},
		"negative buckets":  {URL: "postgres://h/d", Buckets: -1},
		"one connection":    {URL: "postgres://h/d", Connections: 1},
		"a negative limit":  {URL: "postgres://h/d", Limit: -1},
		"a URL that is not": {URL: "postgres://somebody:somepassword@h:port/d"},
	} {
		_, err := Open(t.Context(), c)
		if !errors.Is(err, errConfig) || strings.Contains(err.Error(), "some") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Config{URL: "postgres://u:p@h/d?synchronous_commit=off&search_path=x", Password: "other", Schema: `a"b`}.complete()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.poolConfig()
	if err != nil {
		t.Fatal(err)
	}
	if p.ConnConfig.Password != "other" || p.ConnConfig.RuntimeParams["search_path"] != `"a""b"` || p.MaxConns != defaultConnections ||
		p.ConnConfig.RuntimeParams["statement_timeout"] != "10000" || p.ConnConfig.ValidateConnect == nil {
		t.Errorf("the pool is configured otherwise: %v", p.ConnConfig.RuntimeParams)
	}
}

func TestServerSettings(t *testing.T) {
	t.Parallel()
	good := settings{
		walRecycle: "off", fsync: "on", pageWrites: "on", archive: "off", walKeep: "0", logStatement: "none",
		logDuration: -1, logSample: -1, logBytes: -1, onError: 0, switches: true, lists: true, checkpoints: true,
	}
	if w := append(good.wrong(), good.weak()...); len(w) > 0 {
		t.Errorf("a good server is complained of: %v", w)
	}
	for what, harm := range map[string]func(s *settings){
		"wal_recycle":   func(s *settings) { s.walRecycle = "on" },
		"fsync":         func(s *settings) { s.fsync = "off" },
		"wal_keep_size": func(s *settings) { s.walKeep = "64MB" },
		"log_parameter_max_length = 0": func(s *settings) {
			s.logStatement = "mod"
		},
		"with their parameters":             func(s *settings) { s.logDuration = 100 },
		"statements are logged":             func(s *settings) { s.logSample = 5 },
		"log_parameter_max_length_on_error": func(s *settings) { s.onError = -1 },
		"pg_checkpoint":                     func(s *settings) { s.checkpoints = false },
		"pg_monitor":                        func(s *settings) { s.lists = false },
		"pg_switch_wal":                     func(s *settings) { s.switches = false },
	} {
		s := good
		harm(&s)
		if w := s.wrong(); len(w) != 1 || !strings.Contains(w[0], what) {
			t.Errorf("%s: %v", what, w)
		}
	}
	s := good
	s.logStatement, s.logBytes = "all", 0
	if w := s.wrong(); len(w) > 0 {
		t.Errorf("statements without parameters are complained of: %v", w)
	}
	s.archive, s.pageWrites = "always", "off"
	if w := s.weak(); len(w) != 2 || len(s.wrong()) > 0 {
		t.Errorf("warnings: %v", w)
	}
}
