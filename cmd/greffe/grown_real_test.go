//go:build real

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"greffe/eventstore"
	"greffe/eventstore/esdb"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/postgres"
	"greffe/eventstore/vault/postgres/pgtest"
	"greffe/projections/audit/clickhouse/chtest"
)

// With GREFFE_TEST_STORES=grown the tests of this package run on grown-up stores:
// the ledger DIR/data of each has a PostgreSQL, a ClickHouse engine and an
// EventStoreDB protocol server of its own, all with their files apart, so that a
// search through every byte finds them. Other data directories, as those made by
// a restore, are embedded ledgers still.

// servers are behind one ledger.
type servers struct {
	grownStores
	pg  *pgtest.Cluster
	log *esdbtest.Process
	ch  *chtest.Server
	env []string

	vaultURL string
}

// grown are the servers by data directory.
var grown = struct {
	mu sync.Mutex
	of map[string]*servers
}{of: map[string]*servers{}}

func grownOf(data string) *grownStores {
	grown.mu.Lock()
	defer grown.mu.Unlock()
	if s := grown.of[data]; s != nil {
		return &s.grownStores
	}
	return nil
}

// storeEnv tells a command where the stores of its ledger are, and starts them.
func storeEnv(t testing.TB, dir string, args []string) []string {
	t.Helper()
	data := argument(args, "--data")
	if !filepath.IsAbs(data) {
		data = filepath.Join(dir, data)
	}
	grown.mu.Lock()
	defer grown.mu.Unlock()
	if s := grown.of[data]; s != nil {
		return s.env
	}
	if os.Getenv("GREFFE_TEST_STORES") != "grown" || filepath.Base(data) != "data" || args[0] == "restore" {
		return nil
	}
	s := startServers(t, data)
	grown.of[data] = s
	return s.env
}

// argument is the value of a flag.
func argument(args []string, flag string) string {
	for i, a := range args {
		if a == flag && i+1 < len(args) {
			return args[i+1]
		}
		if v, ok := strings.CutPrefix(a, flag+"="); ok {
			return v
		}
	}
	return ""
}

func startServers(t testing.TB, data string) *servers {
	t.Helper()
	dir := t.TempDir()
	s := &servers{pg: pgtest.Start(t), ch: chtest.Start(t, chtest.Options{}), log: esdbtest.StartProcess(t, esdbtest.Options{Data: filepath.Join(dir, "journal")})}
	database := s.pg.URL(t)
	s.vaultURL = database
	s.files = []string{s.pg.Dir(), s.ch.Dir, dir}
	s.holds(data, database, "greffe")
	makeKey(t, data)
	return s
}

// holds has the ledger of a data directory in these databases of the servers.
func (s *servers) holds(data, database, audit string) {
	s.env = []string{"GREFFE_LOG_STORE=" + s.log.URL(), "GREFFE_VAULT_STORE=" + database,
		"GREFFE_AUDIT_STORE=clickhouse://default@" + s.ch.Addr + "/" + audit}
	s.grownStores.vault = func(t testing.TB) vault.Store {
		return must1(t)(postgres.Open(context.Background(), postgres.Config{URL: database}))
	}
	s.grownStores.log = func(t testing.TB) eventstore.Log {
		t.Helper()
		id, err := os.ReadFile(filepath.Join(data, "views", "ledger"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := esdb.Open(context.Background(), esdb.Config{URL: s.log.URL(), Stream: "greffe-" + string(id)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func must1(t testing.TB) func(*postgres.Store, error) *postgres.Store {
	t.Helper()
	return func(s *postgres.Store, err error) *postgres.Store {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// makeKey gives the first node its key file, as an operator does by greffe keys create.
func makeKey(t testing.TB, data string) {
	t.Helper()
	if err := kek.Create(data+".kek", "k1", rand.Reader); err != nil && !errors.Is(err, kek.ErrExists) {
		t.Fatal(err)
	}
}

// alsoNode says that another data directory is another node of the same ledger.
func alsoNode(data, other string) {
	grown.mu.Lock()
	defer grown.mu.Unlock()
	s := *grown.of[data]
	s.env = append(slices.Clone(s.env), "GREFFE_KEK="+data+".kek")
	grown.of[other] = &s
}
