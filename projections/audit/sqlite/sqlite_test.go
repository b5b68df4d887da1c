package sqlite_test

import (
	"path/filepath"
	"testing"

	"greffe/projections/audit"
	"greffe/projections/audit/audittest"
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

// small binds sheaves often, so that a few hundred facts fill several.
func small(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return sqlite.OpenSmall(filepath.Join(dir, "audit.db"), w, sqlfile.Options{Hook: hook}, 5, 400)
}

func TestConformanceOfSheaves(t *testing.T) {
	t.Parallel()
	projtest.Run(t, small)
}

func TestContractOfSheaves(t *testing.T) {
	t.Parallel()
	audittest.Run(t, func(t *testing.T, o audit.Opener) audit.Dataset {
		s, err := sqlite.OpenSmall(filepath.Join(t.TempDir(), "audit.db"), o, sqlfile.Options{}, 7, 1000)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func TestContract(t *testing.T) {
	t.Parallel()
	audittest.Run(t, func(t *testing.T, o audit.Opener) audit.Dataset {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "audit.db"), o, sqlfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }
