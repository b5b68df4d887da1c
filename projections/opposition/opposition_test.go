package opposition_test

import (
	"context"
	"path/filepath"
	"testing"

	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/opposition"
	"greffe/projections/projtest"
)

var peppers = token.Derive([32]byte{1, 2, 3})

// emptyParts opens parts that name no address.
type emptyParts struct{}

func (emptyParts) Opposition(_ context.Context, facts []*event.Fact) ([]opposition.Opened, error) {
	return make([]opposition.Opened, len(facts)), nil
}

func open(dir string, w *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return opposition.Open(filepath.Join(dir, "opposition.db"), w, emptyParts{}, peppers, sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }

// BenchmarkByAddress asks for addresses of a list of 100,000, one in two of which
// is on it, 1,000 at a time.
func BenchmarkByAddress(b *testing.B) {
	const listed, size = 100_000, 1000
	w := newTown()
	for from := 0; from < listed; from += size {
		numbers := make([]int, size)
		for i := range numbers {
			numbers[i] = from + i
		}
		w.list("clear", numbers...)
	}
	l := openTown(b, w, filepath.Join(b.TempDir(), "opposition.db"))
	defer l.Close()
	w.apply(b, l, 0, len(w.facts))
	asked := make([][]token.Token, size)
	for i := range asked {
		asked[i] = tokens(i*2*listed/size, "")
	}
	for b.Loop() {
		got, err := l.ByAddress(b.Context(), asked)
		if err != nil || len(got[0].Entries) != 1 || len(got[size-1].Entries) != 0 {
			b.Fatalf("%v", err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/size, "µs/address")
}
