package decisions

import (
	"path/filepath"
	"testing"

	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func openTest(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return Open(filepath.Join(dir, "decisions.db"), Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, openTest)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, openTest) }
