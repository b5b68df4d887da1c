package ingest_test

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkMap is cutting and mapping alone, on one core: records a second of
// the shipped samples.
func BenchmarkMap(b *testing.B) {
	for _, file := range []string{"brevo/batch.json", "dialer-csv/night.csv", "salesforce/create.json"} {
		b.Run(filepath.Dir(file), func(b *testing.B) {
			m := mapping(b, filepath.Dir(file))
			body, err := os.ReadFile(filepath.Join(samples, file))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				n += len(mapAll(b, m, body, ""))
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
