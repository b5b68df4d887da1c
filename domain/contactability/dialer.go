package contactability

import (
	"slices"
	"time"

	"greffe/domain/holidays"
)

// What makes a habit, and what breaks it.
const (
	habitDays  = 30 // before the last news that show the habit
	habitSeen  = 3  // different days with news, below which there is no habit
	DialerGaps = 3  // usual gaps that a dialer may skip
	dayLength  = 24 * time.Hour
)

// SilentFrom is when a dialer that told of calls at the instants of news, for one
// controller, has been silent beyond its habit; zero if it has no habit. Its habit
// is the median gap between them over the last 30 days; only working days count,
// as calls are made on no other (D223-9). An importer of old calls, seen on two
// days or less, is no dialer.
func (r *Rules) SilentFrom(news []time.Time) time.Time {
	loc := time.UTC
	if r.Zones != nil {
		if home := r.Zones.Location(r.HomeZone); home != nil {
			loc = home
		}
	}
	news = slices.SortedFunc(slices.Values(news), time.Time.Compare)
	if len(news) == 0 {
		return time.Time{}
	}
	last := news[len(news)-1]
	first, _ := slices.BinarySearchFunc(news, last.AddDate(0, 0, -habitDays), time.Time.Compare)
	news = news[first:]
	days, gaps := map[holidays.Date]bool{}, make([]time.Duration, 0, len(news))
	for i, t := range news {
		days[holidays.Of(t.In(loc))] = true
		if i > 0 {
			gaps = append(gaps, worked(news[i-1], t, loc))
		}
	}
	if len(days) < habitSeen {
		return time.Time{}
	}
	slices.Sort(gaps)
	patience := max(DialerGaps*gaps[len(gaps)/2], dayLength)
	if p := r.DialerSilentAfter; p.Years+p.Months+p.Days > 0 {
		patience = p.After(last).Sub(last)
	}
	return afterWork(last, patience, loc)
}

// worked is how much of the working days lies between two instants.
func worked(from, to time.Time, loc *time.Location) (d time.Duration) {
	for from.Before(to) {
		ends := midnight(from, loc)
		if ends.After(to) {
			ends = to
		}
		if holidays.Working(holidays.Of(from.In(loc)), holidays.Common) {
			d += ends.Sub(from)
		}
		from = ends
	}
	return d
}

// afterWork is when d of working days has passed since from.
func afterWork(from time.Time, d time.Duration, loc *time.Location) time.Time {
	for {
		ends := midnight(from, loc)
		if holidays.Working(holidays.Of(from.In(loc)), holidays.Common) {
			if left := ends.Sub(from); left < d {
				d -= left
			} else {
				return from.Add(d).UTC()
			}
		}
		from = ends
	}
}

// midnight is the end of t's day.
func midnight(t time.Time, loc *time.Location) time.Time {
	return holidays.Of(t.In(loc)).AddDays(1).Begins(loc)
}
