package completeness

import (
	"cmp"
	"slices"
)

const (
	// MaxGaps is how many ranges of missing numbers are told apart for one source.
	MaxGaps = 4000
	// Window is how far below the lowest number another may be and still be of the
	// same run.
	Window = 10_000
	// restartSeen numbers that were there already, within restartSpan of each
	// other, are the beginning of a new run.
	restartSeen = 3
	restartSpan = 16
)

// Gap is a range of numbers that did not come, both ends included. Run counts from
// 1; a source that began to number anew has several.
type Gap struct{ Run, From, To int64 }

// Size is how many numbers are missing.
func (g Gap) Size() int64 { return g.To - g.From + 1 }

// Change is what one number did: ranges opened and closed (one that is split opens
// one), numbers that turned out missing, and missing ones that came.
type Change struct{ Opened, Closed, Missing, Recovered int64 }

func (c *Change) add(d Change) {
	c.Opened += d.Opened
	c.Closed += d.Closed
	c.Missing += d.Missing
	c.Recovered += d.Recovered
}

// Numbering is what is known of a source's own numbers. The zero Numbering is that
// of a source which does not number.
//
// A number may come late into the present run or the one before it. Numbers that
// were there already are repeats and do not count; three of them close together,
// or one far below the lowest, say that the source began anew: a run of its own,
// without a gap to the one before.
type Numbering struct {
	Count   int64 // distinct numbers, of all runs
	Late    int64 // of them, those that came after a higher one
	Repeats int64 // numbers that were there, or are too far back to tell

	UnlistedGaps    int64 // ranges beyond MaxGaps, the oldest
	UnlistedNumbers int64 // numbers in them

	runs    []run // the present one last; at most two take numbers
	past    []Gap // of runs before these
	before  int64 // runs that ended
	seen    []int64
	missing int64
}

// run is one stretch of a source's numbering.
type run struct {
	first, last int64
	gaps        []Gap // by number
}

// Counts tells that the source numbers.
func (n *Numbering) Counts() bool { return len(n.runs) > 0 }

// Runs is how many times the source began to number.
func (n *Numbering) Runs() int64 { return n.before + int64(len(n.runs)) }

// First and Last are the ends of the present run.
func (n *Numbering) First() int64 { return n.runs[len(n.runs)-1].first }

// Last is the highest number of the present run.
func (n *Numbering) Last() int64 { return n.runs[len(n.runs)-1].last }

// Missing is how many numbers are missing, unlisted ones included.
func (n *Numbering) Missing() int64 { return n.missing }

// Open is how many ranges are missing, unlisted ones included.
func (n *Numbering) Open() int64 { return int64(n.listed()) + n.UnlistedGaps }

// Gaps lists at most limit ranges that are missing, the newest.
func (n *Numbering) Gaps(limit int) []Gap {
	out := slices.Clone(n.past)
	for i := range n.runs {
		out = append(out, n.runs[i].gaps...)
	}
	return out[max(len(out)-limit, 0):]
}

func (n *Numbering) listed() int {
	all := len(n.past)
	for i := range n.runs {
		all += len(n.runs[i].gaps)
	}
	return all
}

// Add takes in the number of the next event of the source; it is at least 0.
func (n *Numbering) Add(v int64) (c Change) {
	if len(n.runs) == 0 {
		n.begin(v)
		return c
	}
	for i := len(n.runs) - 1; i >= 0; i-- {
		if d, ok := n.runs[i].take(n.before+int64(i)+1, v); ok {
			return n.took(d, v < n.runs[i].last)
		}
	}
	now := &n.runs[len(n.runs)-1]
	number := n.Runs()
	switch {
	case v > now.last:
		c = now.open(number, now.last+1, v-1)
		now.last = v
		return n.took(c, false)
	case v < now.first && n.known(v):
		return n.repeated(v)
	case v < now.first && now.first-v <= Window:
		c = now.open(number, v+1, now.first-1)
		now.first = v
		return n.took(c, true)
	case v < now.first:
		n.begin(v)
		return c
	}
	return n.repeated(v)
}

// known tells that a run before the present one has v.
func (n *Numbering) known(v int64) bool {
	return len(n.runs) > 1 && v >= n.runs[0].first && v <= n.runs[0].last
}

// took counts a number that was not there yet.
func (n *Numbering) took(c Change, late bool) Change {
	n.Count++
	if late {
		n.Late++
	}
	n.missing += c.Missing - c.Recovered
	for n.listed() > MaxGaps {
		n.unlist()
	}
	return c
}

// unlist lets go of the oldest range; its numbers stay counted as missing.
func (n *Numbering) unlist() {
	n.UnlistedGaps++
	if len(n.past) > 0 {
		n.UnlistedNumbers += n.past[0].Size()
		n.past = slices.Delete(n.past, 0, 1)
		return
	}
	for i := range n.runs {
		if r := &n.runs[i]; len(r.gaps) > 0 {
			n.UnlistedNumbers += r.gaps[0].Size()
			r.gaps = slices.Delete(r.gaps, 0, 1)
			return
		}
	}
}

// repeated notes a number that was there, and sees when the source began anew.
func (n *Numbering) repeated(v int64) (c Change) {
	n.Repeats++
	if slices.Contains(n.seen, v) {
		return c
	}
	if n.seen = append(n.seen, v); len(n.seen) > restartSeen {
		n.seen = slices.Delete(n.seen, 0, 1)
	}
	if len(n.seen) < restartSeen || slices.Max(n.seen)-slices.Min(n.seen) > restartSpan {
		return c
	}
	seen := slices.Sorted(slices.Values(n.seen))
	n.Repeats -= int64(len(seen))
	n.begin(seen[0])
	for _, v := range seen[1:] {
		c.add(n.Add(v))
	}
	return c
}

// begin opens a new run with v. Of the two before it the older takes no more.
func (n *Numbering) begin(v int64) {
	if len(n.runs) == 2 {
		n.past = append(n.past, n.runs[0].gaps...)
		n.runs = slices.Delete(n.runs, 0, 1)
		n.before++
	}
	n.runs = append(n.runs, run{first: v, last: v})
	n.seen = nil
	n.Count++
}

// take puts v where it fits without a doubt: into a gap, or at an end.
func (r *run) take(number, v int64) (c Change, ok bool) {
	switch {
	case v == r.last+1:
		r.last = v
		return c, true
	case v == r.first-1:
		r.first = v
		return c, true
	case v < r.first, v > r.last:
		return c, false
	}
	i, at := slices.BinarySearchFunc(r.gaps, v, func(g Gap, v int64) int { return cmp.Compare(g.From, v) })
	if !at {
		i--
	}
	if i < 0 || r.gaps[i].To < v {
		return c, false
	}
	g := r.gaps[i]
	c.Recovered = 1
	switch {
	case g.From == g.To:
		r.gaps = slices.Delete(r.gaps, i, i+1)
		c.Closed = 1
	case g.From == v:
		r.gaps[i].From++
	case g.To == v:
		r.gaps[i].To--
	default:
		r.gaps[i].To = v - 1
		r.gaps = slices.Insert(r.gaps, i+1, Gap{number, v + 1, g.To})
		c.Opened = 1
	}
	return c, true
}

// open notes a range that is missing.
func (r *run) open(number, from, to int64) Change {
	g := Gap{number, from, to}
	i, _ := slices.BinarySearchFunc(r.gaps, from, func(g Gap, v int64) int { return cmp.Compare(g.From, v) })
	r.gaps = slices.Insert(r.gaps, i, g)
	return Change{Opened: 1, Missing: g.Size()}
}
