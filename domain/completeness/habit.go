package completeness

import (
	"math/bits"
	"time"

	"greffe/domain/holidays"
)

// The rule of habit, in hours of the week (UTC; the hours beside it make up for
// summer time).
const (
	habitHours = 8 * 7 * 24 // how far back the habit reaches
	weekHours  = 7 * 24
	habitDays  = 6          // days with arrivals, below which there is no habit
	habitSpan  = 3 * 7 * 24 // hours between the first and the last, below which there is none
	habitSeen  = 3          // silences that an hour of the week must have begun, to speak for itself
	floor      = 2          // hours a source may always be later than it ever was, or
	margin     = 8          // the eighth part of its longest silence
)

// State says how a source stands against its habit.
type State string

// The states.
const (
	Unknown State = "unknown"      // not enough history to have a habit
	Within  State = "within_habit" // no more silent than it was before
	Silent  State = "silent"       // beyond its habit
)

// Silence is how a source stands at an instant.
type Silence struct {
	State    State
	Since    time.Time // its last arrival
	Expected time.Time // by when another may be expected; zero if the habit is unknown
}

// Habit is what a source's arrivals of the last eight weeks say of when its next
// one may be expected. The zero Habit is that of a source without arrivals.
//
// The rule: an hour is active if something arrived in it. After an arrival the
// source may be silent for as long as the longest silence of eight weeks that began
// in the same hour of the week or one beside it (of at least three such; else the
// longest of all), and an eighth of that, or two hours, more. Public holidays do
// not count as silence. What may be expected after one arrival is not taken back by
// another. With arrivals on fewer than six days, or over less than three weeks,
// there is no habit.
type Habit struct {
	last     int64 // µs of the last arrival
	hour     int64 // its hour since 1970; 0: none yet
	expected int64 // second since 1970; 0: never known
	known    bool
	// active has a bit for each of the last eight weeks' hours, the present one
	// lowest.
	active [habitHours / 64]uint64
}

// Arrive takes in an arrival. Times do not fall; one that does is taken for the
// last one's.
func (h *Habit) Arrive(at time.Time) {
	micros := max(at.UnixMicro(), h.last)
	h.last = micros
	hour := micros / 3_600_000_000
	if hour <= h.hour {
		return
	}
	h.shift(hour)
	if h.known = h.enough(); h.known {
		h.expected = max(h.expected, after(hour+1, h.allowance()))
	}
}

// Silence is how the source stands now.
func (h *Habit) Silence(now time.Time) Silence {
	if h.hour == 0 {
		return Silence{State: Unknown}
	}
	s := Silence{State: Unknown, Since: time.UnixMicro(h.last).UTC()}
	if !h.known {
		return s
	}
	s.State, s.Expected = Within, time.Unix(h.expected, 0).UTC()
	if now.After(s.Expected) {
		s.State = Silent
	}
	return s
}

// shift makes hour the present one, and active.
func (h *Habit) shift(hour int64) {
	by := hour - h.hour
	if h.hour == 0 || by >= habitHours {
		h.active, by = [len(h.active)]uint64{}, 0
	}
	words, n := int(by/64), uint(by%64)
	for i := len(h.active) - 1; i >= 0; i-- {
		var w uint64
		if i >= words {
			w = h.active[i-words] << n
		}
		if i > words {
			w |= h.active[i-words-1] >> (64 - n)
		}
		h.active[i] = w
	}
	h.active[0] |= 1
	h.hour = hour
}

// ago calls fn with the active hours, as hours before the present one, the newest
// first.
func (h *Habit) ago(fn func(n int64)) {
	for i, w := range h.active {
		for ; w != 0; w &= w - 1 {
			fn(int64(i*64 + bits.TrailingZeros64(w)))
		}
	}
}

func (h *Habit) enough() bool {
	days, day, span := 0, int64(-1), int64(0)
	h.ago(func(n int64) {
		span = n
		if d := (h.hour - n) / 24; d != day {
			day, days = d, days+1
		}
	})
	return days >= habitDays && span >= habitSpan
}

// allowance is how many hours the source may be silent from now on.
func (h *Habit) allowance() int64 {
	var longest, here, seen int64
	later := int64(0)
	week := h.hour % weekHours
	free := freeHours(h.hour)
	h.ago(func(n int64) {
		if n == 0 {
			return
		}
		silence := n - later - free(h.hour-n, h.hour-later)
		later = n
		longest = max(longest, silence)
		if d := (week - (h.hour-n)%weekHours + weekHours) % weekHours; d <= 1 || d == weekHours-1 {
			seen++
			here = max(here, silence)
		}
	})
	if seen < habitSeen {
		here = longest
	}
	return here + max(floor, here/margin)
}

// freeHours counts the hours of public holidays in [from, to), for hours of the
// eight weeks up to now.
func freeHours(now int64) func(from, to int64) int64 {
	var free [habitHours/24 + 2]bool
	first := (now - habitHours) / 24
	for i := range free {
		free[i] = holiday(first + int64(i))
	}
	return func(from, to int64) (n int64) {
		for day := from / 24; day*24 < to; day++ {
			if free[day-first] {
				n += min(to, (day+1)*24) - max(from, day*24)
			}
		}
		return n
	}
}

func holiday(day int64) bool {
	return holidays.Holiday(holidays.Of(time.Unix(day*86_400, 0).UTC()), holidays.Common)
}

// after is the second at which so many hours, without those of holidays, have
// passed since the beginning of an hour.
func after(hour, hours int64) int64 {
	for {
		ends := (hour/24 + 1) * 24
		switch {
		case holiday(hour / 24):
		case ends-hour >= hours:
			return (hour + hours) * 3600
		default:
			hours -= ends - hour
		}
		hour = ends
	}
}
