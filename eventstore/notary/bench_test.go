package notary

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/memory"
)

// made is a log of facts of 400 bytes that are made when they are read.
type made struct {
	eventstore.Log
	size domain.Position
}

func madeFact(b []byte, p domain.Position) { binary.BigEndian.PutUint64(b, uint64(p)) }

func (l *made) Head(context.Context) (domain.Position, error) { return l.size, nil }

func (l *made) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	if after < l.size {
		return l.size, nil
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func (l *made) Read(_ context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	b := make([]byte, 400)
	for p := from; p < to; p++ {
		madeFact(b, p)
		if err := fn(p, b); err != nil {
			return err
		}
	}
	return nil
}

func followed(b *testing.B, size domain.Position) (*Notary, time.Duration) {
	w := newWorld(b, &made{size: size}, memory.New())
	n := w.open(b)
	began := time.Now()
	running(b, n)
	if _, err := n.Covering(bg(), uint64(size)); err != nil {
		b.Fatal(err)
	}
	return n, time.Since(began)
}

// BenchmarkInclusion10M: a path from a random leaf of ten million to the head, checked.
func BenchmarkInclusion10M(b *testing.B) {
	const size = 10_000_000
	n, took := followed(b, size)
	s, _ := n.Latest()
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	leaf := make([]byte, 400)
	var worst time.Duration
	b.ReportAllocs()
	for b.Loop() {
		i := rand.Uint64N(size)
		began := time.Now()
		path, err := n.Inclusion(bg(), i, size)
		worst = max(worst, time.Since(began))
		madeFact(leaf, domain.Position(i))
		if err == nil {
			err = proof.CheckInclusion(path, i, size, proof.LeafHash(leaf), s.Root)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
	b.ReportMetric(size/took.Seconds(), "leaves/s")
	b.ReportMetric(float64(memory.HeapInuse)/(1<<20), "heap-MiB")
}

// BenchmarkFollow: facts of 400 bytes to a signed head, tiles written.
func BenchmarkFollow(b *testing.B) {
	const size = 500_000
	var took time.Duration
	for b.Loop() {
		_, d := followed(b, size)
		took += d
	}
	b.ReportMetric(size*float64(b.N)/took.Seconds(), "leaves/s")
}
