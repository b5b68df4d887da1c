package casefile

import (
	"strings"
	"time"

	"greffe/domain/event"
)

// Threshold is when, before or after something is due, its file is brought to mind.
type Threshold struct {
	Code   string
	Before time.Duration // of the due date; negative is after it
}

// Thresholds of a desk, the earliest first. A breach has hours where others have
// weeks (art. 33(1): 72 hours).
func Thresholds(d Desk) []Threshold {
	const day = 24 * time.Hour
	if d == Breach {
		return []Threshold{{"h24", day}, {"h6", 6 * time.Hour}, {"overdue", 0}}
	}
	return []Threshold{{"d14", 14 * day}, {"d7", 7 * day}, {"d2", 2 * day}, {"overdue", 0}}
}

// Reached is the last threshold that was reached at now, if any: who missed earlier
// ones is reminded once.
func (s *Summary) Reached(now time.Time) (Threshold, bool) {
	if s.Due.IsZero() {
		return Threshold{}, false
	}
	all := Thresholds(s.Desk)
	for i := len(all) - 1; i >= 0; i-- {
		if !now.Before(s.Due.Add(-all[i].Before)) {
			return all[i], true
		}
	}
	return Threshold{}, false
}

// IsReminder reports a fact that only brings a file to mind.
func IsReminder(t event.Type) bool { return strings.HasSuffix(string(t), ".reminded") }
