package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"greffe/cmd/greffe/internal/app"
)

// BenchmarkRecordedReads reads persons from 64 goroutines, each access durable
// before its answer.
func BenchmarkRecordedReads(b *testing.B) {
	dir := b.TempDir()
	a, err := app.Open(b.Context(), app.Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek")})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Bootstrap(b.Context(), testToken); err != nil {
		b.Fatal(err)
	}
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = sampleEvent(0, i)
	}
	res, err := a.Record(b.Context(), batch)
	if err != nil {
		b.Fatal(err)
	}
	if err := a.CaughtUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			if status, err := get(b.Context(), a.API, testToken, "/v1/subjects/"+res[n%len(res)].Subject.String()); err != nil || status != http.StatusOK {
				b.Errorf("%d %v", status, err)
				return
			}
		}
	})
}
