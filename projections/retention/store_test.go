package retention_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"greffe/deploy"
	"greffe/domain/policy"
	due "greffe/domain/retention"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
	"greffe/projections/retention"
)

// shipped gives the rules of the shipped policy for every version.
func shipped(tb testing.TB) retention.Rules {
	tb.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		tb.Fatal(err)
	}
	r := due.New(p)
	return func(int64) (*due.Rules, error) { return r, nil }
}

func opener(tb testing.TB) projtest.Open {
	rules := shipped(tb)
	return func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		return retention.Open(filepath.Join(dir, "retention.db"), rules, sqlfile.Options{Hook: hook})
	}
}

// TestConformanceOfRows: whatever the journal holds when it is written to the rows, what
// comes of it is the same.
func TestConformanceOfRows(t *testing.T) {
	t.Parallel()
	rules := shipped(t)
	for _, most := range []int{1, 70} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			projtest.Run(t, func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
				s, err := retention.Open(filepath.Join(dir, "retention.db"), rules, sqlfile.Options{Hook: hook})
				if err == nil {
					s.Hasten(most)
				}
				return s, err
			})
		})
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, opener(t))
}
