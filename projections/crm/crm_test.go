package crm_test

import (
	"path/filepath"
	"testing"

	"greffe/projections/crm"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func open(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return crm.Open(filepath.Join(dir, "crm.db"), w, nil, sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }
