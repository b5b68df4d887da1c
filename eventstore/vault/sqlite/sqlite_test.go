package sqlite

import (
	"path/filepath"
	"testing"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/vaulttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vaulttest.Opener {
		path := filepath.Join(t.TempDir(), "vault.db")
		return func() (vault.Store, error) { return Open(t.Context(), path) }
	})
}

// TestConformanceSwept is the same with an index that is moved into the trees
// after every few entries.
func TestConformanceSwept(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vaulttest.Opener {
		path := filepath.Join(t.TempDir(), "vault.db")
		return func() (vault.Store, error) {
			s, err := open(path, openDriver)
			if err != nil {
				return nil, err
			}
			s.frozenAt, s.walLimit = 4, 1
			s.limits = retokenLimits{sort: 5, some: 2, chunks: 1, sweep: 3}
			return s, nil
		}
	})
}
