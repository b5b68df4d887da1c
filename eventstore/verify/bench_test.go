package verify_test

import (
	"crypto/rand"
	"fmt"
	"syscall"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/eventstore/ledger"
	"greffe/eventstore/seal"
	"greffe/eventstore/verify"
)

// BenchmarkRun verifies a ledger of 20,000 contacts on real files.
func BenchmarkRun(b *testing.B) {
	w := &world{t: b, dir: b.TempDir()}
	log, v := w.open()
	defer log.Close()
	defer v.Close()
	l, err := ledger.Open(b.Context(), ledger.Config{Log: log, Vault: v, KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		b.Fatal(err)
	}
	for n := range 20 {
		raws := make([][]byte, 1000)
		for i := range raws {
			raws[i] = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d-%d","source":"s","type":"contact.created","subject":"C-%d-%d","time":"2026-03-02T09:14:07Z","data":{"kind":"client","person":{"given_name":"Anne","emails":["a%d@example.fr"]},"notes":"n"}}`, n, i, n, i, i)
		}
		if _, err := l.Record(b.Context(), raws); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	keys, err := seal.OpenKeyring(b.Context(), v, plainKEK{}, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	facts := int64(0)
	before := used(b)
	for b.Loop() {
		sum, err := verify.Run(b.Context(), verify.Input{Log: log, Vault: v, Keys: keys, MACs: l.MACs(), Report: func(f verify.Finding) { b.Fatalf("%+v", f) }})
		if err != nil {
			b.Fatal(err)
		}
		facts += sum.Facts
	}
	b.ReportMetric(float64((used(b)-before).Microseconds())/float64(facts), "cpu-µs/fact")
	b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "facts/s")
}

// used is the time of processors that this process took: on a machine that others use
// as well it says more than a clock.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
