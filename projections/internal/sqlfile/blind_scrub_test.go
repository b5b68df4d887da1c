package sqlfile

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"greffe/projections"
)

// TestScrub: once for all that ask at once, with readers waited for.
func TestScrub(t *testing.T) {
	t.Parallel()
	f, b, path := openBlind(t)
	m := newModel(11)
	entries := m.some(50)
	apply := func(at int, fn func(tx *Tx) error) {
		t.Helper()
		if err := f.Apply(t.Context(), facts(at, at+1), func(tx *Tx, _ []projections.Fact) error { return fn(tx) }); err != nil {
			t.Fatal(err)
		}
	}
	apply(0, func(tx *Tx) error { return b.Add(tx, entries) })
	apply(1, func(tx *Tx) error {
		_, err := b.Wipe(tx, entries[7].Cell)
		return err
	})
	if err := f.Scrub(t.Context(), 3); err == nil || errors.Is(err, ErrPinned) {
		t.Fatalf("scrubbed what is not applied: %v", err)
	}
	reader, err := f.Reads().Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT count(*) FROM b_at").Scan(&n); err != nil || n != 49 {
		t.Fatal(n, err)
	}
	apply(2, func(tx *Tx) error { return b.Add(tx, m.some(1)) })
	if err := f.scrub(2); !errors.Is(err, ErrPinned) || traces(t, path, entries[7].Token[:]) == 0 {
		t.Fatalf("scrubbed under a reader: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Scrub(t.Context(), 2) }()
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := traces(t, path, entries[7].Token[:]); n != 0 {
		t.Errorf("%d traces", n)
	}
	apply(3, func(tx *Tx) error { return b.Add(tx, m.some(1)) })
	if err := f.Scrub(t.Context(), 2); err != nil || walSize(t, path) == 0 {
		t.Errorf("scrubbed again for facts that were scrubbed: %v", err)
	}
	if err := f.Scrub(t.Context(), 4); err != nil || walSize(t, path) != 0 {
		t.Errorf("not scrubbed for a later fact: %v", err)
	}
	update(t, f, func(tx *Tx) error { return b.Add(tx, m.some(1)) })
	if err := f.Scrub(t.Context(), 4); err != nil || walSize(t, path) != 0 {
		t.Errorf("not scrubbed after a change beside the facts: %v", err)
	}
}

func walSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// BenchmarkBlind measures batches of 1,500 with 300 wiped, as a busy hour has.
func BenchmarkBlind(b *testing.B) {
	f, blind, _ := openBlind(b)
	m := newModel(1)
	var spent time.Duration
	n := 0
	for b.Loop() {
		fresh := make([]BlindEntry, 1500)
		for i := range fresh {
			fresh[i] = BlindEntry{Tag: 1, Ref: int64(i)}
			binary.BigEndian.PutUint64(fresh[i].Token[:], m.rng.Uint64())
		}
		start := time.Now()
		update(b, f, func(tx *Tx) error {
			if err := blind.Add(tx, fresh); err != nil {
				return err
			}
			for _, e := range fresh {
				if _, err := blind.Shared(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		spent += time.Since(start)
		n += len(fresh)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/token")
	b.ReportMetric(0, "ns/op")
}
