package contactability

import (
	"math"
	"time"

	"greffe/domain/holidays"
)

// maxEdges bounds the search for the next change of the slots: more than two
// months for one zone. Beyond it ValidUntil is only a lower bound.
const maxEdges = 400

const daySeconds = 24 * 60 * 60

// slot judges the hour: it must be in a slot in every zone of the person. ends
// is when that changes.
func (d *deciding) slot(agreed []Slot) (rule RuleID, ends time.Time) {
	if d.places.unknown || d.places.n == 0 {
		return SlotZone, time.Time{}
	}
	h := hours{legal: d.r.Slots, agreed: agreed, n: d.places.n}
	for i, z := range d.places.zones[:h.n] {
		h.clocks[i].zone = z
	}
	t := d.q.At.Unix()
	rule = h.judge(t)
	for range maxEdges {
		t = h.nextEdge(t)
		if (h.judge(t) == "") != (rule == "") {
			break
		}
	}
	return rule, time.Unix(t, 0).UTC()
}

// hours are the slots in force, on every clock of the person.
type hours struct {
	legal, agreed []Slot
	clocks        [maxZones]clock
	n             int
}

// judge is "" in a slot on every clock, else the rule of the first that denies.
func (h *hours) judge(t int64) RuleID {
	for i := range h.n {
		c := &h.clocks[i]
		c.set(t)
		minute := c.second / 60
		switch {
		case c.in(h.legal, minute) || c.in(h.agreed, minute):
		case c.holiday:
			return SlotHoliday
		case c.weekday == time.Saturday || c.weekday == time.Sunday:
			return SlotWeekend
		default:
			return SlotHours
		}
	}
	return ""
}

// nextEdge is the next instant after t at which a slot begins or ends, a day
// begins, or a clock is changed, in any of the zones.
func (h *hours) nextEdge(t int64) int64 {
	next := int64(math.MaxInt64)
	for i := range h.n {
		c := &h.clocks[i]
		c.set(t)
		edge := daySeconds
		for _, slots := range [2][]Slot{h.legal, h.agreed} {
			for k := range slots {
				s := &slots[k]
				if !c.open(s) {
					continue
				}
				if from := s.From * 60; from > c.second && from < edge {
					edge = from
				}
				if to := s.To * 60; to > c.second && to < edge {
					edge = to
				}
			}
		}
		next = min(next, t+int64(edge-c.second), c.until)
	}
	return next
}

// clock is the time of day in one zone, read without allocating.
type clock struct {
	zone
	since, until, offset int64 // one law of time, Unix seconds

	day     int64 // since 1970, local
	weekday time.Weekday
	second  int // of the day
	holiday bool
	known   bool // holiday is that of day
}

// set turns the clock to t, in Unix seconds.
func (c *clock) set(t int64) {
	if t < c.since || t >= c.until {
		local := time.Unix(t, 0).In(c.loc)
		_, offset := local.Zone()
		from, to := local.ZoneBounds()
		c.offset, c.since, c.until = int64(offset), math.MinInt64, math.MaxInt64
		if !from.IsZero() {
			c.since = from.Unix()
		}
		if !to.IsZero() {
			c.until = to.Unix()
		}
	}
	local := t + c.offset
	day := local / daySeconds
	if local%daySeconds < 0 {
		day--
	}
	c.second = int(local - day*daySeconds)
	if day == c.day && c.known {
		return
	}
	date := time.Unix(day*daySeconds, 0).UTC()
	c.day, c.weekday, c.known = day, date.Weekday(), true
	c.holiday = holidays.Holiday(holidays.Of(date), c.region)
}

// open reports whether the slot is one of the day's.
func (c *clock) open(s *Slot) bool { return s.Days.Has(c.weekday) && (!c.holiday || s.Holidays) }

func (c *clock) in(slots []Slot, minute int) bool {
	for i := range slots {
		if s := &slots[i]; s.From <= minute && minute < s.To && c.open(s) {
			return true
		}
	}
	return false
}
