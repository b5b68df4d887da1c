package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// TestSpansFindAll compares what is found within spans with every row held against them,
// while the dataset grows beyond what was kept of its groups, and after it was emptied.
func TestSpansFindAll(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(21, 200)
	s, err := Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.groups.bits = 1
	facts := projtest.Decode(t, 0, w.Bytes(7000))
	d := rand.New(rand.NewPCG(1, 9))
	rows := 0
	for _, upTo := range []int{600, 2100, 2800, 7000, 0, 3000} {
		if upTo == 0 {
			if err := s.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		at, err := s.Checkpoint(t.Context())
		if err == nil {
			err = s.Apply(t.Context(), facts[at:upTo])
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			rows += heldAgainst(t, s, facts[:upTo], d)
		}
	}
	if rows < 20_000 {
		t.Errorf("only %d rows were compared", rows)
	}
}

// heldAgainst asks for events and accesses within some spans, and says how many there were.
func heldAgainst(t *testing.T, s *Store, facts []projections.Fact, d *rand.Rand) int {
	t.Helper()
	instant := func(recorded bool) time.Time {
		f := facts[d.IntN(len(facts))]
		if recorded {
			return f.Recorded.Time
		}
		return f.Time.Time
	}
	var spans [2]audit.Span
	for i := range spans {
		if d.IntN(4) > 0 {
			set(d.IntN(3) > 0, &spans[i].From, instant(i == 1))
			set(d.IntN(3) > 0, &spans[i].To, instant(i == 1))
		}
	}
	within := func(at, recorded domain.Time) bool {
		for i, x := range []time.Time{at.Time, recorded.Time} {
			if !spans[i].From.IsZero() && x.Before(spans[i].From) || !spans[i].To.IsZero() && !x.Before(spans[i].To) {
				return false
			}
		}
		return true
	}
	from, before := domain.Position(d.IntN(len(facts))), domain.Position(0)
	set(d.IntN(2) == 0, &before, domain.Position(d.IntN(len(facts))))
	beyond := func(p domain.Position) bool { return p < from || before > 0 && p >= before }
	var want, got []string
	for e, err := range s.Events(t.Context(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if within(e.Time, e.Recorded) && !beyond(e.Position) {
			want = append(want, fmt.Sprint("event ", e.Position))
		}
	}
	for a, err := range s.Accesses(t.Context(), audit.AccessFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if within(a.Time, a.Recorded) && !beyond(a.Position) {
			want = append(want, fmt.Sprint("access ", a.Position))
		}
	}
	newest := d.IntN(2) == 0
	if newest { // accesses come after events in either order
		slices.Reverse(want)
		first := slices.IndexFunc(want, func(s string) bool { return strings.HasPrefix(s, "event") })
		want = append(want[max(first, 0):], want[:max(first, 0)]...)
	}
	for e, err := range s.Events(t.Context(), audit.Filter{Time: spans[0], Recorded: spans[1], Cursor: from, Before: before, Newest: newest}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint("event ", e.Position))
	}
	for a, err := range s.Accesses(t.Context(), audit.AccessFilter{Time: spans[0], Recorded: spans[1], Cursor: from, Before: before, Newest: newest}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint("access ", a.Position))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("within %v from %d before %d: %d rows, want %d", spans, from, before, len(got), len(want))
	}
	return len(want)
}
