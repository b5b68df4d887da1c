package projections_test

import (
	"path/filepath"
	"testing"

	"greffe/projections/audit/sqlite"
	"greffe/projections/crm"
	"greffe/projections/index"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// BenchmarkCatchUp follows the log with the index, the contacts and the audit
// dataset together, as a service does.
func BenchmarkCatchUp(b *testing.B) {
	projtest.Bench(b, 100_000, 20_000,
		func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
			return index.Open(filepath.Join(dir, "index.db"), sqlfile.Options{Hook: hook})
		},
		func(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
			return crm.Open(filepath.Join(dir, "crm.db"), w, nil, sqlfile.Options{Hook: hook})
		},
		func(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
			return sqlite.Open(filepath.Join(dir, "audit.db"), w, sqlfile.Options{Hook: hook})
		})
}
