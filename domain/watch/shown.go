package watch

import (
	"time"

	"greffe/domain"
)

// hoursShown are the clock hours that persons shown are kept for: a day, and the present one.
const hoursShown = 25

// shown counts by hour since 1970, the hour n at n modulo hoursShown.
type shown [hoursShown]struct{ hour, persons int64 }

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// Show counts persons whom an account was shown, each time.
func (s *State) Show(account domain.ID, at time.Time, persons int64) {
	h := s.shown[account]
	if h == nil {
		if len(s.shown) >= maxAccounts {
			s.unshow(hourOf(at))
		}
		h = new(shown)
		s.shown[account] = h
	}
	x := &h[hourOf(at)%hoursShown]
	if x.hour < hourOf(at) {
		x.hour, x.persons = hourOf(at), 0
	}
	if x.hour == hourOf(at) {
		x.persons += persons
	}
}

// Shown is how many persons an account was shown in the 24 hours before at, and in the
// rest of the hour in which they began.
func (s *State) Shown(account domain.ID, at time.Time) int64 {
	return s.shown[account].since(hourOf(at))
}

func (h *shown) since(hour int64) (n int64) {
	if h == nil {
		return 0
	}
	for _, x := range h {
		if x.hour > hour-hoursShown {
			n += x.persons
		}
	}
	return n
}

// unshow makes room: whoever was shown nobody lately goes, else who was shown least.
func (s *State) unshow(hour int64) {
	var least domain.ID
	for id, h := range s.shown {
		if h.since(hour) == 0 {
			delete(s.shown, id)
		} else if least.IsZero() || h.since(hour) < s.shown[least].since(hour) {
			least = id
		}
	}
	if len(s.shown) >= maxAccounts {
		delete(s.shown, least)
	}
}
