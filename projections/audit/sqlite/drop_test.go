package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// seen opens accesses of which it knows who was seen.
type seen map[domain.ID][]domain.ID

func (s seen) Subjects(_ context.Context, f *event.Fact) (domain.ID, []domain.ID, error) {
	return domain.ID{1}, s[f.ID], nil
}

func randomID(rng *rand.Rand) domain.ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], rng.Uint64())
	return domain.DeriveID(b[:])
}

// leftIn bounds the traces that page moves leave: one for so many persons.
const leftIn = 400

// TestDrop: who was seen in an access that is dropped is in no row and not in the
// write-ahead log any more, among many accesses in random order; what copies page
// moves leave is bounded, whether they are in sheaves or not.
func TestDrop(t *testing.T) {
	t.Parallel()
	for _, bits := range []uint{sheafBits, 11, 7} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) { t.Parallel(); dropping(t, bits) })
	}
}

func dropping(t *testing.T, bits uint) {
	path := filepath.Join(t.TempDir(), "audit.db")
	opener := seen{}
	s, err := OpenSmall(path, opener, sqlfile.Options{}, bits, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rng := rand.New(rand.NewPCG(4, 2))
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var facts []projections.Fact
	apply := func() {
		t.Helper()
		if err := s.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
		facts = nil
	}
	months := map[domain.ID]time.Time{} // when each was seen
	at := domain.Position(0)
	for month := range 12 {
		for range 1500 {
			when := start.AddDate(0, month, rng.IntN(40)-12)
			f := &event.Fact{ID: randomID(rng), Type: event.AccessRecorded, Time: domain.NewTime(when), Recorded: domain.NewTime(when),
				Codes: event.Codes{}.With("action", "read").With("reason", "audit").With("count", int64(1))}
			for range 1 + rng.IntN(3) {
				p := randomID(rng)
				opener[f.ID] = append(opener[f.ID], p)
				months[p] = when
			}
			facts = append(facts, projections.Fact{Position: at, Fact: f})
			if at++; len(facts) == 100+rng.IntN(200) {
				apply()
			}
		}
		apply()
		if month%4 != 3 {
			continue
		}
		horizon := start.AddDate(0, month-2, 0)
		if _, err := s.DropAccessesBefore(t.Context(), horizon.AddDate(0, 0, 3)); err != nil {
			t.Fatal(err)
		}
		gone, left := map[uint64]bool{}, map[uint64]bool{}
		for p, when := range months {
			if when.Before(horizon) {
				gone[binary.BigEndian.Uint64(p[8:])] = true
			} else {
				left[binary.BigEndian.Uint64(p[8:])] = true
			}
		}
		if n := tracesOf(t, path, gone); n > len(gone)/leftIn {
			t.Errorf("month %d: %d traces of %d people whose accesses were dropped", month, n, len(gone))
		}
		if n := tracesOf(t, path, left); n < len(left) {
			t.Errorf("month %d: only %d traces of %d people", month, n, len(left))
		}
	}
}

// tracesOf counts the windows of eight bytes that are in any file.
func tracesOf(t *testing.T, path string, seek map[uint64]bool) (n int) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var at uint64
		for _, x := range b {
			if at = at<<8 | uint64(x); seek[at] {
				n++
			}
		}
	}
	return n
}
