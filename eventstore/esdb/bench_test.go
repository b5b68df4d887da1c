package esdb

import (
	"testing"

	"greffe/domain"
	"greffe/eventstore/esdb/esdbtest"
)

const benchFacts = 500 // an append of the ledger's

func benchLog(b *testing.B, n int) *Log {
	l := mustOpen(b, Config{URL: esdbtest.Start(b, esdbtest.Options{}).URL(), Stream: newStream()})
	fact := make([]byte, 400)
	batch := make([][]byte, benchFacts)
	for i := range batch {
		batch[i] = fact
	}
	for i := range n {
		mustAppend(b, l, i*benchFacts, batch)
	}
	return l
}

// BenchmarkAppend is appends of 500 facts of 400 bytes, server and client in
// one process; ns/op is of one fact.
func BenchmarkAppend(b *testing.B) {
	l := benchLog(b, 0)
	fact := make([]byte, 400)
	batch := make([][]byte, benchFacts)
	for i := range batch {
		batch[i] = fact
	}
	next := 0
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += benchFacts {
		mustAppend(b, l, next, batch)
		next += benchFacts
	}
}

// BenchmarkRead reads facts of 400 bytes; ns/op is of one fact.
func BenchmarkRead(b *testing.B) {
	const n = 40
	l := benchLog(b, n)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += n * benchFacts {
		to := min(n*benchFacts, b.N-done)
		err := l.Read(bg(), 0, domain.Position(to), func(domain.Position, []byte) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHead(b *testing.B) {
	l := benchLog(b, 1)
	for b.Loop() {
		if _, err := l.Head(bg()); err != nil {
			b.Fatal(err)
		}
	}
}
