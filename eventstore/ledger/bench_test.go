package ledger_test

import (
	"fmt"
	"testing"
)

// BenchmarkRecord measures the record path alone: decode to durable answer.
func BenchmarkRecord(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			w := newWorld(b)
			n := 0
			for b.Loop() {
				raws := make([][]byte, size)
				for i := range raws {
					raws[i] = fmt.Appendf(nil, "%s", created(fmt.Sprint("e", n), fmt.Sprint("C-", n/3), fmt.Sprint("p", n/3, "@example.org")))
					n++
				}
				if _, err := w.Record(b.Context(), raws); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
