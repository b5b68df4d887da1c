package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/projtest"
)

const deployed = "../../../deploy/clickhouse/"

// TestConfig: what a URL says is taken over; what does not fit is refused without
// saying a value again.
func TestConfig(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := (&Config{URL: "clickhouse://greffe@a:9440,b:9440/audit_1?secure=true&server_name=ch.example&replicated=true", PasswordFile: file}).server()
	if err != nil {
		t.Fatal(err)
	}
	o := s.options
	if o.Protocol != ch.Native || len(o.Addr) != 2 || o.Auth.Username != "greffe" || o.Auth.Password != "s3cret" || s.database != "audit_1" ||
		!s.replicated || o.TLS == nil || o.TLS.ServerName != "ch.example" || o.TLS.InsecureSkipVerify {
		t.Errorf("%+v", s)
	}
	for url, tls := range map[string]bool{"http://u@h:8123/d": false, "https://u@h:8443/d": true} {
		s, err := (&Config{URL: url}).server()
		if err != nil || s.options.Protocol != ch.HTTP || (s.options.TLS != nil) != tls {
			t.Errorf("%s: %+v %v", url, s, err)
		}
	}
	for _, url := range []string{"", "clickhouse:///d", "mysql://h/d", "clickhouse://h", "clickhouse://h/a`b", "clickhouse://h/" + strings.Repeat("d", 65),
		"clickhouse://u:hunter2@h/d", "clickhouse://h/d?compress=hunter2", "clickhouse://h/d?secure=true&ca=/no/file", "clickhouse://h/d?secure=true&cert=/no/file"} {
		_, err := (&Config{URL: url}).server()
		if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := Open(Config{URL: "clickhouse://h/d"}); !errors.Is(err, ErrConfig) {
		t.Errorf("no ledger: %v", err)
	}
}

// TestNobodyThere: without a server nothing hangs, and everything says so.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	w := projtest.NewWorld(1, 10)
	facts := projtest.Decode(t, 0, w.Bytes(3))
	for _, addr := range []string{silent.Addr().String(), closed.Addr().String()} {
		for _, scheme := range []string{"clickhouse", "http"} {
			d, err := Open(Config{URL: scheme + "://u@" + addr + "/d", Ledger: domain.ID{1}, Opener: w, Timeout: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, c := d.Checkpoint(t.Context())
			_, s := d.Summary(t.Context(), audit.Span{})
			for name, err := range map[string]error{"checkpoint": c, "summary": s, "apply": d.Apply(t.Context(), facts), "reset": d.Reset(t.Context())} {
				if !errors.Is(err, projections.ErrUnavailable) {
					t.Errorf("%s %s: %v", scheme, name, err)
				}
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("%s: %v", scheme, took)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := d.Checkpoint(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want the caller's error", scheme, err)
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Error(err)
			}
			if _, err := d.Checkpoint(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		}
	}
}

// TestErrors: what may pass is ErrUnavailable, what does not is not, and no message
// of a server is repeated.
func TestErrors(t *testing.T) {
	t.Parallel()
	exception := func(code int32) error {
		return fmt.Errorf("driver: %w", &ch.Exception{Code: code, Message: "canary"})
	}
	for _, c := range []struct {
		err  error
		want error
	}{
		{exception(202), projections.ErrUnavailable}, {exception(codeUnknownTable), projections.ErrUnavailable},
		{exception(codeNoRoom), projections.ErrNoRoom}, {net.ErrClosed, projections.ErrUnavailable},
		{context.Canceled, context.Canceled}, {&ownError{audit.ErrExpired}, audit.ErrExpired},
	} {
		if got := wrap("op", c.err); !errors.Is(got, c.want) || strings.Contains(got.Error(), "canary") {
			t.Errorf("%v became %v, want %v", c.err, got, c.want)
		}
	}
	var s *ServerError
	if err := wrap("op", exception(497)); errors.Is(err, projections.ErrUnavailable) || !errors.As(err, &s) || s.Code != 497 {
		t.Errorf("a lasting exception became %v", err)
	}
	if wrap("op", nil) != nil {
		t.Error("no error became one")
	}
}

// TestSchema: each view fills a table with the columns that a rebuild names, and
// no statement inserts or reads without a list of columns.
func TestSchema(t *testing.T) {
	t.Parallel()
	queries, err := views()
	if err != nil {
		t.Fatal(err)
	}
	if len(queries) != len(derived) {
		t.Errorf("%d views and %d derived tables", len(queries), len(derived))
	}
	for _, d := range derived {
		q := queries[d.name]
		if !strings.HasPrefix(q, "SELECT ") || final(q, d.from, "") == q {
			t.Errorf("%s: no view, or not of %s", d.name, d.from)
		}
		list, _, _ := strings.Cut(strings.TrimPrefix(q, "SELECT "), "\nFROM ")
		for _, column := range strings.Split(d.columns, ", ") {
			if !strings.Contains(strings.ReplaceAll(list, "\n", " ")+",", column+",") {
				t.Errorf("%s: the view does not give %s", d.name, column)
			}
		}
	}
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if int(m.version) != i+1 || len(m.statements) == 0 {
			t.Errorf("migration %d has version %d and %d statements", i+1, m.version, len(m.statements))
		}
		for _, s := range m.statements {
			again := strings.Contains(s, "IF NOT EXISTS") && (strings.HasPrefix(s, "CREATE ") || strings.HasPrefix(s, "ALTER TABLE ~.accesses ADD COLUMN ")) ||
				strings.HasPrefix(s, "CREATE OR REPLACE VIEW ")
			if !again || strings.Contains(s, "SELECT *") {
				t.Errorf("a statement cannot be run again, or selects everything: %s", s)
			}
		}
	}
}

// TestRows: the columns of a batch have one value a row.
func TestRows(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(3, 50)
	facts := projtest.Decode(t, 10, w.Bytes(2000))
	d := &Dataset{opener: w}
	b, err := d.batch(t.Context(), &session{term: 7, horizon: facts[1500].Time.UnixMicro(), left: 500}, facts)
	if err != nil {
		t.Fatal(err)
	}
	listed, replaced := 0, 0
	for i, l := range *b.events.listed {
		if l && (facts[i].Type != event.AccessRecorded || facts[i].Time.Before(facts[1500].Time.Time)) {
			t.Fatalf("fact %d is listed", i)
		}
		if l {
			listed++
		}
	}
	for _, gone := range *b.accesses.gone {
		replaced += int(gone)
	}
	if b.first != 10 || b.next != 2010 || b.events.rows != 2000 || listed == 0 || replaced == 0 || b.accesses.rows != listed+replaced || !b.replaced {
		t.Errorf("[%d, %d): %d events, %d listed, %d accesses, %d replaced", b.first, b.next, b.events.rows, listed, b.accesses.rows, replaced)
	}
	for _, table := range []*table{&b.events.table, &b.accesses.table} {
		for _, c := range table.columns {
			func() {
				defer func() {
					if recover() != nil {
						t.Errorf("%s.%s has fewer than %d values", table.name, c.name, table.rows)
					}
				}()
				c.at(table.rows - 1)
			}()
		}
	}
}

// TestAccessFiles: users.xml and access.sql grant the same and filter the same.
func TestAccessFiles(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile(deployed + "access.sql")
	if err != nil {
		t.Fatal(err)
	}
	xml, err := os.ReadFile(deployed + "users.xml")
	if err != nil {
		t.Fatal(err)
	}
	grants, filters := 0, 0
	for _, line := range strings.Split(string(xml), "\n") {
		if _, grant, ok := strings.Cut(line, "<query>"); ok {
			grant, _, _ = strings.Cut(grant, "<")
			grants++
			if !strings.Contains(string(sql), grant+" TO greffe_") {
				t.Errorf("access.sql does not %s", grant)
			}
		}
		if _, filter, ok := strings.Cut(line, "<filter>"); ok {
			filter, _, _ = strings.Cut(filter, "<")
			filters++
			if !strings.Contains(string(sql), "USING "+strings.NewReplacer("&gt;", ">", "&lt;", "<").Replace(filter)+" AS") {
				t.Errorf("access.sql has no policy with %s", filter)
			}
		}
	}
	if got := strings.Count(string(sql), "GRANT ") - strings.Count(string(sql), "GRANT greffe_"); got != grants || filters != 6 {
		t.Errorf("%d grants in access.sql and %d in users.xml, %d filters", got, grants, filters)
	}
}
