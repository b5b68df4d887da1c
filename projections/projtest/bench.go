package projtest

import (
	"syscall"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore/memory"
	"greffe/projections"
)

// Bench measures how long open's projections, followed together, take to catch
// up with n facts about people persons; it reports µs of time, and of
// processor time, per fact.
func Bench(b *testing.B, n, people int, opens ...Open) {
	w := NewWorld(1, people)
	log := memory.New()
	for at := 0; at < n; at += 1000 {
		if err := log.Append(b.Context(), domain.Position(at), w.Bytes(1000)); err != nil {
			b.Fatal(err)
		}
	}
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		ps := make([]projections.Projection, len(opens))
		for i, open := range opens {
			p, err := open(b.TempDir(), w, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = p.Close() })
			ps[i] = p
		}
		b.StartTimer()
		before := cpu(b)
		follow(b, log, ps, domain.Position(n))
		spent += cpu(b) - before
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N)/float64(n), "cpu-µs/fact")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/fact")
	b.ReportMetric(0, "ns/op")
}

// cpu is the processor time this process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
