package notices_test

import (
	"path/filepath"
	"testing"

	"greffe/projections/internal/sqlfile"
	"greffe/projections/notices"
	"greffe/projections/projtest"
)

func open(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return notices.Open(filepath.Join(dir, "notices.db"), sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }
