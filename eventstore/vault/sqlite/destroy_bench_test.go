package sqlite

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/domain/part"
	"greffe/eventstore/vault"
)

var benchRows = flag.Int("vault.rows", 50_000, "rows of the vault that BenchmarkDestroy and BenchmarkBackup fill; a night is 1,000,000")

// fill opens a vault with n rows of n/10 owners, each row some random owner's.
func fill(b *testing.B, n int) (*Store, *load, []part.Owner) {
	b.Helper()
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "vault.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() }) // a failed store says so before
	l := newLoad()
	owners := make([]part.Owner, n/10)
	for i := range owners {
		owners[i] = part.SubjectOwner([16]byte(l.bytes(16)))
	}
	var last int64
	for done := 0; done < n; done += 1000 {
		batch := &vault.Batch{Done: []vault.Settled{{Number: last}}}
		for i := range 100 {
			batch.Keys = append(batch.Keys, vault.KeyWrite{Owner: owners[done/10+i], Wrapped: l.bytes(400)})
		}
		for range 1000 {
			batch.Rows = append(batch.Rows, l.row(owners[l.pick.IntN(len(owners))]))
		}
		if last, err = s.Prepare(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	l.pick.Shuffle(len(owners), func(i, j int) { owners[i], owners[j] = owners[j], owners[i] })
	return s, l, owners
}

// beside prepares batches of 100 rows, 20 a second, until stop, and returns how
// long each took, in order of length. With no stop it prepares 20.
func beside(b *testing.B, s *Store, stop <-chan struct{}) []time.Duration {
	l := newLoad()
	l.random = rand.NewChaCha8([32]byte{byte(time.Now().UnixNano()), 2})
	var took []time.Duration
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		batch := l.batch(100, 0)
		from := time.Now()
		if _, err := s.Prepare(context.Background(), batch); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(from))
		select {
		case <-stop:
			slices.Sort(took)
			return took
		case <-tick.C:
		}
	}
}

// BenchmarkDestroy reports how long one owner takes, how many owners go in a
// second when a thousand are given at once, and how long Prepare takes beside.
func BenchmarkDestroy(b *testing.B) {
	s, _, owners := fill(b, *benchRows)
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("owners=%d", n), func(b *testing.B) {
			stop := make(chan struct{})
			var took []time.Duration
			var wg sync.WaitGroup
			if n > 1 {
				wg.Go(func() { took = beside(b, s, stop) })
			}
			gone := 0
			for b.Loop() {
				some := owners[:min(n, len(owners))]
				owners = owners[len(some):]
				gone += len(some)
				if err := s.Destroy(context.Background(), vault.Whole(some...)); err != nil {
					b.Fatal(err)
				}
			}
			close(stop)
			wg.Wait()
			b.ReportMetric(float64(gone)/b.Elapsed().Seconds(), "owners/s")
			if len(took) > 0 {
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/prepare-median")
				b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/prepare-max")
			}
		})
	}
}

// alonePasses is how many batches are measured without a copy: enough for the
// index to be swept as it is beside one.
const alonePasses = 800

// BenchmarkBackup reports how fast batches of 200 rows are prepared without and
// beside a copy, how long the copy takes, and the longest Prepare beside it.
func BenchmarkBackup(b *testing.B) {
	s, l, _ := fill(b, *benchRows)
	prepare := func() time.Duration {
		batch := l.batch(200, 0)
		from := time.Now()
		if _, err := s.Prepare(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		return time.Since(from)
	}
	rate := func(n int, took time.Duration) float64 { return float64(200*n) / took.Seconds() }
	for b.Loop() {
		var alone, with, longest time.Duration
		for range alonePasses {
			alone += prepare()
		}
		copied := make(chan error, 1)
		from := time.Now()
		var size int64
		go func() {
			copied <- s.Backup(context.Background(), filepath.Join(b.TempDir(), "copy.db"), nil, func(_, total int64) { size = total })
		}()
		n := 0
		for done := false; !done; n++ {
			select {
			case err := <-copied:
				if done = true; err != nil {
					b.Fatal(err)
				}
			default:
			}
			took := prepare()
			with += took
			longest = max(longest, took)
		}
		b.ReportMetric(rate(alonePasses, alone), "rows/s-alone")
		b.ReportMetric(rate(n, with), "rows/s-beside")
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms/prepare-max")
		b.ReportMetric(float64(size>>20)/time.Since(from).Seconds(), "MiB/s")
	}
}
