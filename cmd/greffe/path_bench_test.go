package main

import (
	"path/filepath"
	"testing"

	"greffe/cmd/greffe/internal/app"
)

// BenchmarkWholePath takes events from bytes to durable and projected, 1,000 at
// a time.
func BenchmarkWholePath(b *testing.B) {
	dir := b.TempDir()
	a, err := app.Open(b.Context(), app.Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek")})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	n := 0
	for b.Loop() {
		batch := make([][]byte, 1000)
		for i := range batch {
			batch[i] = sampleEvent(0, n)
			n++
		}
		if _, err := a.Record(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := a.CaughtUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
