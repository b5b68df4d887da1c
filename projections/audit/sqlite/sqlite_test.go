package sqlite_test

import (
	"path/filepath"
	"testing"

	"greffe/projections/audit/sqlite"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func open(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return sqlite.Open(filepath.Join(dir, "audit.db"), w, sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }
