package embedded

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"greffe/domain"
)

const factBytes = 400

func benchFacts(n int) [][]byte {
	facts := make([][]byte, n)
	for i := range facts {
		facts[i] = make([]byte, factBytes)
		for j := range facts[i] {
			facts[i][j] = byte(rand.Uint32())
		}
	}
	return facts
}

// BenchmarkAppend is one writer, durable, batches of 400-byte facts.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l := mustOpen(b, b.TempDir(), Options{})
			defer l.Close()
			facts := benchFacts(n)
			next := domain.Position(0)
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Append(bg(), next, facts); err != nil {
					b.Fatal(err)
				}
				next += domain.Position(n)
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFsync is the limit beside it: write and fdatasync of the same bytes,
// extending a file.
func BenchmarkFsync(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			raw, err := os.Create(filepath.Join(b.TempDir(), "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer raw.Close()
			f, buf, off := osFile{raw}, make([]byte, n*factBytes), int64(0)
			for b.Loop() {
				if _, err := f.WriteAt(buf, off); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
				off += int64(len(buf))
			}
			b.ReportMetric(float64(off/factBytes)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkRead is 100,000 facts in frames of 1,000: all in order, and one by
// one at random.
func BenchmarkRead(b *testing.B) {
	const total = 100_000
	l := mustOpen(b, b.TempDir(), Options{})
	defer l.Close()
	facts := benchFacts(1000)
	for p := domain.Position(0); p < total; p += 1000 {
		if err := l.Append(bg(), p, facts); err != nil {
			b.Fatal(err)
		}
	}
	read := func(from, to domain.Position) {
		if err := l.Read(bg(), from, to, ignore); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			read(0, total)
		}
		b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := domain.Position(rand.Uint64N(total))
			read(p, p+1)
		}
	})
}
