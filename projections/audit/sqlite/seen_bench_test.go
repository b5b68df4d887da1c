package sqlite

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"greffe/domain"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// benchAccesses is a year of a large company: a million persons, a hundred accounts, of
// which the first reads a twentieth.
const (
	benchAccesses = 10_000_000
	benchPersons  = 1_000_000
	benchAccounts = 100
)

var benchStart = time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)

func benchID(kind byte, n int) (id domain.ID) {
	id[0], id[6], id[8] = kind, 0x80, 0x80
	binary.BigEndian.PutUint32(id[10:], uint32(n))
	binary.BigEndian.PutUint32(id[1:], uint32(n)*2654435761)
	return id
}

// BenchmarkSeen measures the scope of a breach over ten million accesses. On two cores
// shared with a load of 20, processor time and time: one account over a year 24 ms and
// 49 ms, the busiest 105 and 243, three over a month 20 and 23, all over a week 89 and
// 231, over a month 280 and 1,150, over a year one category 295 and 610, everything
// 1,250 and 2,600.
func BenchmarkSeen(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "audit.db"), projtest.NewWorld(1, 1), sqlfile.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	bound := fillAccesses(b, s)
	week := audit.Span{From: benchStart.AddDate(0, 6, 0), To: benchStart.AddDate(0, 6, 7)}
	for name, f := range map[string]audit.SeenFilter{
		"one account, a year":         {Accounts: []domain.ID{benchID(1, 40)}},
		"the busiest account, a year": {Accounts: []domain.ID{benchID(1, 0)}},
		"three accounts, a month":     {Accounts: []domain.ID{benchID(1, 1), benchID(1, 2), benchID(1, 0)}, Time: audit.Span{From: week.From, To: week.From.AddDate(0, 1, 0)}},
		"all accounts, a week":        {Time: week},
		"all accounts, a month":       {Time: audit.Span{From: week.From, To: week.From.AddDate(0, 1, 0)}},
		"all accounts, a year, notes": {Categories: []string{"notes"}},
		"all accounts, a year":        {},
	} {
		f.Before = benchAccesses
		b.Run(name, func(b *testing.B) {
			var got *audit.Seen
			before := processor(b)
			for b.Loop() {
				if got, err = s.Seen(b.Context(), f); err != nil || got.Accesses == 0 {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processor(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
			b.ReportMetric(bound, "bind-cpu-µs/access")
			b.ReportMetric(float64(got.Accesses), "accesses")
			b.ReportMetric(float64(got.Persons), "persons")
		})
	}
}

// fillAccesses writes the rows without the facts that they would come from, and binds
// them; the indexes that this question does not use are left out. It returns what
// binding cost, in µs of processor an access.
func fillAccesses(b *testing.B, s *Store) (bound float64) {
	r := rand.New(rand.NewPCG(1, 2))
	lists := []string{"identity", "identity,contact_details", "contract", "notes"}
	run := 1 << s.sheafBits
	var spent time.Duration
	for from := 0; from < benchAccesses; from += run {
		err := s.file.Update(b.Context(), func(tx *sqlfile.Tx) error {
			for p := from; p < min(from+run, benchAccesses); p++ {
				if p == 0 {
					if err := dropIndexes(tx); err != nil {
						return err
					}
				}
				if err := fillAccess(s, tx, r, p, lists[max(0, r.IntN(20)-16)]); err != nil {
					return err
				}
			}
			if from+run > benchAccesses {
				_, err := tx.Exec("UPDATE checkpoint SET position=?", int64(benchAccesses))
				return err
			}
			before := processor(b)
			err := s.bind(tx, int64(from/run), math.MinInt64)
			spent += processor(b) - before
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(spent.Nanoseconds()) / 1000 / benchAccesses
}

func dropIndexes(tx *sqlfile.Tx) error {
	for _, index := range []string{"account", "reason", "source", "time", "flow", "caseless", "many"} {
		if _, err := tx.Exec("DROP INDEX access_" + index); err != nil {
			return err
		}
	}
	return nil
}

// processor is the processor time this process has used.
func processor(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fillAccess(s *Store, tx *sqlfile.Tx, r *rand.Rand, p int, list string) error {
	account := r.IntN(benchAccounts)
	if r.IntN(25) == 0 {
		account = 0
	}
	who, _, err := s.agents.Bytes(tx, func() []byte { id := benchID(1, account); return id[:] }(), false)
	if err != nil {
		return err
	}
	ref, err := s.codes.Text(tx, list)
	if err != nil {
		return err
	}
	subject, id := benchID(2, r.IntN(benchPersons)), benchID(3, p)
	at := benchStart.Add(time.Duration(p) * (365 * 24 * time.Hour / benchAccesses)).UnixMicro()
	_, err = tx.Exec(putAccess, int64(p), id[:], nil, who, subject[:], ref, ref, ref, int64(1), int64(1), at, at)
	return err
}
