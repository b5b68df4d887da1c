package contactability

import (
	"time"

	"greffe/domain/holidays"
)

// maxEdges bounds the search for the next change of the slots: some two months
// for one zone. Beyond it ValidUntil is only a lower bound.
const maxEdges = 400

// slot judges the hour: it must be in a slot in every zone of the person. ends
// is when that changes.
func (d *deciding) slot(agreed []Slot) (rule RuleID, ends time.Time) {
	if d.places.unknown || len(d.places.zones) == 0 {
		return SlotZone, time.Time{}
	}
	rule, ends = d.slotAt(d.q.At, agreed), d.q.At
	for range maxEdges {
		ends = d.nextEdge(ends, agreed)
		if (d.slotAt(ends, agreed) == "") != (rule == "") {
			break
		}
	}
	return rule, ends
}

// slotAt is "" in a slot everywhere, else the rule of the first zone that
// denies.
func (d *deciding) slotAt(t time.Time, agreed []Slot) RuleID {
	for _, z := range d.places.zones {
		local := t.In(z.loc)
		minute, day := local.Hour()*60+local.Minute(), local.Weekday()
		holiday := holidays.Holiday(holidays.Of(local), z.region)
		switch {
		case open(d.r.Slots, day, minute, holiday) || open(agreed, day, minute, holiday):
		case holiday:
			return SlotHoliday
		case day == time.Saturday || day == time.Sunday:
			return SlotWeekend
		default:
			return SlotHours
		}
	}
	return ""
}

func open(slots []Slot, day time.Weekday, minute int, holiday bool) bool {
	for i := range slots {
		s := &slots[i]
		if s.Days.Has(day) && s.From <= minute && minute < s.To && (!holiday || s.Holidays) {
			return true
		}
	}
	return false
}

// nextEdge is the next instant after t at which a slot begins or ends, a day
// begins, or a clock is changed, in any of the zones.
func (d *deciding) nextEdge(t time.Time, agreed []Slot) (next time.Time) {
	for _, z := range d.places.zones {
		local := t.In(z.loc)
		seconds := local.Hour()*3600 + local.Minute()*60 + local.Second()
		minute := 24 * 60
		for _, slots := range [2][]Slot{d.r.Slots, agreed} {
			for i := range slots {
				for _, edge := range [2]int{slots[i].From, slots[i].To} {
					if edge*60 > seconds && edge < minute {
						minute = edge
					}
				}
			}
		}
		whole := local.Add(-time.Duration(local.Nanosecond()))
		next = sooner(next, whole.Add(time.Duration(minute*60-seconds)*time.Second))
		if _, change := local.ZoneBounds(); !change.IsZero() {
			next = sooner(next, change)
		}
	}
	return next.UTC()
}
