//go:build real

package deploy_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"greffe/eventstore/vault/postgres"
	"greffe/eventstore/vault/postgres/pgtest"
)

// composeServer starts PostgreSQL with the settings of compose.yaml, but for those
// of but, and makes it ready by compose/postgres-init.sh. It returns the URL and the
// password that Greffe comes with.
func composeServer(t *testing.T, but map[string]string) (at, password string) {
	t.Helper()
	options := []pgtest.Option{pgtest.With("wal_recycle", "on"), pgtest.With("wal_keep_size", "64")} // unless compose says more
	for _, arg := range list(compose(t), "services", "postgres", "command") {
		if name, value, ok := strings.Cut(arg.(string), "="); ok {
			options = append(options, pgtest.With(name, value))
		}
	}
	for name, value := range but {
		options = append(options, pgtest.With(name, value))
	}
	c := pgtest.Start(t, options...)
	if err := c.Exec(t.Context(), "postgres", "DROP OWNED BY greffe; DROP ROLE greffe"); err != nil { // the harness's own
		t.Fatal(err)
	}
	admin, err := url.Parse(c.Superuser("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	password = "it's a \"secret\" with \\ and $HOME in it"
	file := filepath.Join(t.TempDir(), "vault_password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, _ := admin.User.Password()
	init := exec.Command("bash", "compose/postgres-init.sh")
	init.Env = append(os.Environ(), "PGHOST="+admin.Hostname(), "PGPORT="+admin.Port(), "PGPASSWORD="+secret,
		"POSTGRES_USER="+admin.User.Username(), "VAULT_PASSWORD_FILE="+file)
	if out, err := init.CombinedOutput(); err != nil || strings.Contains(string(out), "secret") {
		t.Fatalf("%v: %s", err, out)
	}
	u := url.URL{Scheme: "postgres", User: url.User("greffe"), Host: net.JoinHostPort(admin.Hostname(), admin.Port()), Path: "greffe", RawQuery: "sslmode=disable"}
	return u.String(), password
}

// TestComposePostgres: the vault takes a server that is as compose.yaml and
// postgres-init.sh make it, and works on it with the rights it has there.
func TestComposePostgres(t *testing.T) {
	t.Parallel()
	at, password := composeServer(t, nil)
	v, err := postgres.Open(t.Context(), postgres.Config{URL: at, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.SetMeta(t.Context(), "probe", []byte("x")), v.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: at, Password: "another"}); err == nil {
		t.Error("another password is taken too")
	}
}

// TestComposePostgresMatters: without one of the settings the vault refuses the server.
func TestComposePostgresMatters(t *testing.T) {
	t.Parallel()
	at, password := composeServer(t, map[string]string{"wal_recycle": "on"})
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: at, Password: password}); !errors.Is(err, postgres.ErrServer) {
		t.Errorf("a server that recycles its log files: %v", err)
	}
}
