package audit

import (
	"bytes"
	"context"
	"iter"
	"time"

	"greffe/domain"
)

// FlowFilter selects accesses at which an account had read more than Over persons
// within the Window that ends there, among the accesses of the Time span, with the
// Reason, by the Account if it is given. They come by account, then time, then
// position, from after After on.
type FlowFilter struct {
	Account domain.ID
	Reason  string
	Time    Span
	Over    int64
	Window  time.Duration // more than 0
	After   FlowCursor
}

// FlowCursor is a place in the order of a flow; zero is before all.
type FlowCursor struct {
	Account  domain.ID
	Time     domain.Time
	Position domain.Position
}

// Flow is one such access: how many persons were read within the window, counted
// again at each read.
type Flow struct {
	FlowCursor
	Persons int64
}

// Read is one access in a flow: how many persons were read.
type Read struct {
	FlowCursor
	Count int64
}

// FlowOf finds the accesses of a filter by walking the same reads twice, in the order
// of a flow: at what comes into the window, and at what leaves it. Memory holds the
// reads of one instant. more is false when the caller has enough.
func FlowOf(reads func() iter.Seq2[Read, error], f FlowFilter, fn func(Flow) bool) (more bool, err error) {
	coming, leaving := newWalk(reads()), newWalk(reads())
	defer coming.stop()
	defer leaving.stop()
	persons, window := int64(0), f.Window
	for coming.next(); coming.ok; {
		if coming.err != nil {
			break
		}
		now := coming.at.FlowCursor
		var at []domain.Position // of one instant
		for ; coming.ok && coming.err == nil && coming.at.Account == now.Account && coming.at.Time.Equal(now.Time.Time); coming.next() {
			persons, at = persons+coming.at.Count, append(at, coming.at.Position)
		}
		if coming.err != nil {
			return false, coming.err
		}
		if !leaving.begun {
			leaving.next()
		}
		for ; leaving.ok && leaving.err == nil && (leaving.at.Account != now.Account || now.Time.Sub(leaving.at.Time.Time) >= window); leaving.next() {
			persons -= leaving.at.Count
		}
		if leaving.err != nil {
			return false, leaving.err
		}
		for _, p := range at {
			x := Flow{FlowCursor{now.Account, now.Time, p}, persons}
			if persons > f.Over && x.beyond(f.After) && !fn(x) {
				return false, nil
			}
		}
	}
	return true, coming.err
}

// beyond reports whether a place comes after another.
func (c FlowCursor) beyond(after FlowCursor) bool {
	if by := bytes.Compare(c.Account[:], after.Account[:]); by != 0 || after == (FlowCursor{}) {
		return by >= 0
	}
	if by := c.Time.Compare(after.Time.Time); by != 0 {
		return by > 0
	}
	return c.Position > after.Position
}

// walk is a way through reads.
type walk struct {
	pull  func() (Read, error, bool)
	stop  func()
	at    Read
	err   error
	ok    bool
	begun bool
}

func newWalk(reads iter.Seq2[Read, error]) *walk {
	w := &walk{}
	w.pull, w.stop = iter.Pull2(reads)
	return w
}

func (w *walk) next() {
	w.begun = true
	w.at, w.err, w.ok = w.pull()
}

// Burst is a time during which an account read more than it should: from the first
// access at which too many had been read within the window, to the last one that
// follows another such within a window's time.
type Burst struct {
	Account     domain.ID
	From, To    domain.Time
	First, Last domain.Position
	Accesses    int64 // at which too many had been read
	Most        int64 // persons within one window
}

// After is where to go on after the burst.
func (b *Burst) After() FlowCursor { return FlowCursor{b.Account, b.To, b.Last} }

// Bursts streams the bursts that a filter finds, by account and time, at most limit,
// 0 for all.
func Bursts(ctx context.Context, d Dataset, f FlowFilter, limit int) iter.Seq2[Burst, error] {
	return func(yield func(Burst, error) bool) {
		var b Burst
		n := 0
		for x, err := range d.Flow(ctx, f) {
			if err != nil {
				yield(Burst{}, err)
				return
			}
			if b.Accesses > 0 && (x.Account != b.Account || x.Time.Sub(b.To.Time) >= f.Window) {
				if n++; !yield(b, nil) || n == limit {
					return
				}
				b = Burst{}
			}
			if b.Accesses == 0 {
				b = Burst{Account: x.Account, From: x.Time, First: x.Position}
			}
			b.To, b.Last = x.Time, x.Position
			b.Accesses++
			b.Most = max(b.Most, x.Persons)
		}
		if b.Accesses > 0 {
			yield(b, nil)
		}
	}
}
