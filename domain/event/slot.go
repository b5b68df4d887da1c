package event

import (
	"strconv"
	"strings"
)

// Slot is hours of the week at which a person expressly consented to be called
// (C. conso. D223-9): from From to before To, minutes of the day on the person's
// clock, on the days First to Last, 1 being Monday and 7 Sunday.
type Slot struct{ First, Last, From, To int }

const endOfDay = 24 * 60

// ParseSlot reads "1-5/18:00-21:00", or "6/10:00-12:00" for one day. 24:00 ends a
// day. ok is false for anything else, an empty or a backward range included.
func ParseSlot(s string) (slot Slot, ok bool) {
	days, times, ok := strings.Cut(s, "/")
	if !ok {
		return Slot{}, false
	}
	first, last, ranged := strings.Cut(days, "-")
	if !ranged {
		last = first
	}
	from, to, ok := strings.Cut(times, "-")
	if !ok {
		return Slot{}, false
	}
	if slot.First, ok = digits(first, 1, 7); !ok {
		return Slot{}, false
	}
	if slot.Last, ok = digits(last, slot.First, 7); !ok {
		return Slot{}, false
	}
	if slot.From, ok = clockTime(from); !ok {
		return Slot{}, false
	}
	if slot.To, ok = clockTime(to); !ok || slot.To <= slot.From {
		return Slot{}, false
	}
	return slot, true
}

// clockTime reads HH:MM as minutes of the day.
func clockTime(s string) (int, bool) {
	hour, minute, ok := strings.Cut(s, ":")
	if !ok || len(hour) != 2 || len(minute) != 2 {
		return 0, false
	}
	h, okH := digits(hour, 0, 24)
	m, okM := digits(minute, 0, 59)
	return 60*h + m, okH && okM && 60*h+m <= endOfDay
}

func digits(s string, least, most int) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= least && n <= most
}
