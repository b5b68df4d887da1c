//go:build real

package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres/pgtest"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/vaulttest"
)

// cluster is the server of the tests that do it no harm.
var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	var err error
	if cluster, err = pgtest.New(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	if err := cluster.Close(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

func openAt(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vaulttest.Opener {
		c := Config{URL: cluster.URL(t), Buckets: 3}
		return func() (vault.Store, error) { return Open(t.Context(), c) }
	})
}

func movable(t *testing.T) vaulttest.MovableOpener {
	c := Config{URL: cluster.URL(t), Buckets: 3}
	return func() (vaulttest.Movable, error) { return Open(t.Context(), c) }
}

func embedded(t *testing.T) vaulttest.MovableOpener {
	path := filepath.Join(t.TempDir(), "vault.db")
	return func() (vaulttest.Movable, error) { return sqlite.Open(t.Context(), path) }
}

// TestTransfer copies vaults from the embedded store and back, and between two of this.
func TestTransfer(t *testing.T) {
	t.Parallel()
	t.Run("from the embedded", func(t *testing.T) { t.Parallel(); vaulttest.RunTransfer(t, embedded, movable) })
	t.Run("to the embedded", func(t *testing.T) { t.Parallel(); vaulttest.RunTransfer(t, movable, embedded) })
	t.Run("from server to server", func(t *testing.T) { t.Parallel(); vaulttest.RunTransfer(t, movable, movable) })
}
