package completeness_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/completeness"
)

func numbering(vs ...int64) (*completeness.Numbering, completeness.Change) {
	n, sum := new(completeness.Numbering), completeness.Change{}
	for _, v := range vs {
		c := n.Add(v)
		sum.Opened += c.Opened
		sum.Closed += c.Closed
		sum.Missing += c.Missing
		sum.Recovered += c.Recovered
	}
	return n, sum
}

// span is lo, lo+1, … hi.
func span(lo, hi int64) (out []int64) {
	for v := lo; v <= hi; v++ {
		out = append(out, v)
	}
	return out
}

func TestNumbering(t *testing.T) {
	t.Parallel()
	type gaps = []completeness.Gap
	for name, c := range map[string]struct {
		sent                       []int64
		first, last                int64
		count, late, repeats, runs int64
		gaps                       gaps
	}{
		"one":                        {[]int64{7}, 7, 7, 1, 0, 0, 1, nil},
		"in order":                   {span(1, 50), 1, 50, 50, 0, 0, 1, nil},
		"a gap":                      {[]int64{1, 2, 6}, 1, 6, 3, 0, 0, 1, gaps{{1, 3, 5}}},
		"a gap that is closed late":  {[]int64{1, 2, 6, 4, 5, 3}, 1, 6, 6, 3, 0, 1, nil},
		"a gap that is split":        {[]int64{1, 9, 5}, 1, 9, 3, 1, 0, 1, gaps{{1, 2, 4}, {1, 6, 8}}},
		"late at the beginning":      {[]int64{5, 3, 4, 6}, 3, 6, 4, 2, 0, 1, nil},
		"repeats do not count":       {[]int64{1, 2, 2, 2, 3, 1}, 1, 3, 3, 0, 3, 1, nil},
		"two repeats are no restart": {append(span(1, 20), 1, 2, 21), 1, 21, 21, 0, 2, 1, nil},
		"numbers from one again":     {append(span(1, 20), 1, 2, 3, 4, 6), 1, 6, 25, 0, 0, 2, gaps{{2, 5, 5}}},
		"anew, out of order":         {append(span(1, 20), 3, 1, 2, 5, 4), 1, 5, 25, 1, 0, 2, nil},
		"anew, far below":            {append(span(50_000, 50_005), 1, 2, 3), 1, 3, 9, 0, 0, 2, nil},
		"anew, late ones of before": {append(append(span(1, 17), 19, 20), 1, 2, 3, 18, 4), 1, 4, 24, 1, 0, 2,
			nil},
		"anew, beyond the end of before": {append(span(1, 20), span(1, 25)...), 1, 25, 45, 0, 0, 2, nil},
		"anew twice": {slices.Concat([]int64{1, 3}, span(4, 9), span(4, 6), []int64{8}, span(4, 6)), 4, 6, 15, 0, 0, 3,
			gaps{{1, 2, 2}, {2, 7, 7}}},
		"a batch sent again under other ids": {slices.Concat(span(1, 100), span(50, 60), span(101, 110)), 50, 60, 121, 0, 0, 2, nil},
	} {
		n, _ := numbering(c.sent...)
		got := []int64{n.First(), n.Last(), n.Count, n.Late, n.Repeats, n.Runs()}
		if diff := cmp.Diff([]int64{c.first, c.last, c.count, c.late, c.repeats, c.runs}, got); diff != "" {
			t.Errorf("%s: first, last, count, late, repeats, runs (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]completeness.Gap(c.gaps), n.Gaps(1000)); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", name, diff)
		}
	}
}

// TestOrderDoesNotMatter: of distinct numbers the set alone counts, and it is what a
// look at the set says.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, 1<<52).Draw(t, "base")
		sent := rapid.SliceOfNDistinct(rapid.Int64Range(0, 200), 1, 120, rapid.ID[int64]).Draw(t, "numbers")
		for i := range sent {
			sent[i] += base
		}
		n, c := numbering(sent...)
		sorted := slices.Sorted(slices.Values(sent))
		var want []completeness.Gap
		missing := int64(0)
		for i, v := range sorted[1:] {
			if before := sorted[i]; v > before+1 {
				want = append(want, completeness.Gap{Run: 1, From: before + 1, To: v - 1})
				missing += v - before - 1
			}
		}
		if diff := cmp.Diff(want, n.Gaps(1000)); diff != "" {
			t.Fatalf("gaps (-want +got):\n%s", diff)
		}
		if n.First() != sorted[0] || n.Last() != sorted[len(sorted)-1] || n.Count != int64(len(sent)) || n.Repeats != 0 || n.Runs() != 1 {
			t.Fatalf("%+v of %v", n, sorted)
		}
		if n.Missing() != missing || n.Open() != int64(len(want)) || c.Missing-c.Recovered != missing || c.Opened-c.Closed != n.Open() {
			t.Fatalf("missing %d, open %d, %+v: want %d in %d", n.Missing(), n.Open(), c, missing, len(want))
		}
	})
}

// TestNumberingBalances: whatever is sent, what was opened and not closed is open,
// what is missing is the sum of the gaps, and states survive being kept.
func TestNumberingBalances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, sum := new(completeness.Numbering), completeness.Change{}
		sent := rapid.SliceOfN(rapid.Int64Range(0, 60), 1, 300).Draw(t, "numbers")
		far := rapid.SliceOfN(rapid.Int64Range(0, 1<<53-1), 0, 10).Draw(t, "far")
		for i, v := range slices.Concat(sent, far, sent) {
			c := n.Add(v)
			sum.Opened += c.Opened
			sum.Closed += c.Closed
			sum.Missing += c.Missing
			sum.Recovered += c.Recovered
			size := int64(0)
			for _, g := range n.Gaps(completeness.MaxGaps) {
				if g.From > g.To || g.Run < 1 || g.Run > n.Runs() {
					t.Fatalf("gap %+v", g)
				}
				size += g.Size()
			}
			if sum.Opened-sum.Closed != n.Open() || sum.Missing-sum.Recovered != n.Missing() || size != n.Missing() || n.Count+n.Repeats != int64(i+1) {
				t.Fatalf("after %d numbers: %+v, %d open, %d missing of %d, %d counted, %d repeats", i+1, sum, n.Open(), n.Missing(), size, n.Count, n.Repeats)
			}
			b := completeness.AppendState(nil, n, new(completeness.Habit))
			kept, _, err := completeness.ParseState(b)
			if err != nil || !slices.Equal(completeness.AppendState(nil, kept, new(completeness.Habit)), b) {
				t.Fatalf("kept: %v", err)
			}
		}
	})
}

// TestGapsWithoutEnd: a source that sends every other number for ever costs no more
// than MaxGaps ranges, and nothing is forgotten but where the oldest lie.
func TestGapsWithoutEnd(t *testing.T) {
	t.Parallel()
	n := new(completeness.Numbering)
	const sent = 100_000
	for i := range int64(sent) {
		n.Add(2 * i)
	}
	if n.Missing() != sent-1 || n.Open() != sent-1 || n.UnlistedGaps != sent-1-completeness.MaxGaps || n.UnlistedNumbers != n.UnlistedGaps {
		t.Fatalf("%d missing, %d open, %d unlisted", n.Missing(), n.Open(), n.UnlistedGaps)
	}
	if got := n.Gaps(10); len(got) != 10 || got[9] != (completeness.Gap{Run: 1, From: 2*sent - 3, To: 2*sent - 3}) {
		t.Fatalf("the newest gaps are %v", got)
	}
	if b := completeness.AppendState(nil, n, new(completeness.Habit)); len(b) > 32<<10 {
		t.Errorf("its state has %d bytes", len(b))
	}
	n.Add(1) // too far back to tell
	if n.Missing() != sent-1 || n.Repeats != 1 {
		t.Errorf("%d missing, %d repeats", n.Missing(), n.Repeats)
	}
	late := n.Gaps(1)[0].From
	if c := n.Add(late); c.Closed != 1 || n.Missing() != sent-2 {
		t.Errorf("a late number did %+v", c)
	}
}

// TestManyRuns: a source that begins anew for ever costs no more either.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	n := new(completeness.Numbering)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		for _, v := range []int64{1, 2, 3, 5, 6 + rng.Int64N(3)} {
			n.Add(v)
		}
	}
	if n.Runs() < 4990 || n.Open() < 5000 || len(n.Gaps(1<<20)) > completeness.MaxGaps {
		t.Fatalf("%d runs, %d open, %d listed", n.Runs(), n.Open(), len(n.Gaps(1<<20)))
	}
}

func FuzzParseState(f *testing.F) {
	n, _ := numbering(1, 2, 6, 4, 90_000, 1, 2, 3, 7)
	f.Add(completeness.AppendState(nil, n, new(completeness.Habit)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, h, err := completeness.ParseState(b)
		if err == nil && !slices.Equal(completeness.AppendState(nil, n, h), b) {
			t.Fatal("a state of another form was read")
		}
	})
}
