package rights

import (
	"time"

	"greffe/domain/holidays"
)

// Deadline is the last instant of the month within which a person is told what was
// done about a request received at this instant (art. 12(3)). The month is counted in
// Paris days as Regulation 1182/71 art. 3 counts it: from the day of receipt to the
// expiry of the same date of the next month, or of its last day if there is no such
// date (art. 3(2)(c)); if that is a Saturday, a Sunday or a public holiday, to the
// expiry of the next working day (art. 3(4)).
func Deadline(received time.Time) time.Time { return months(received, 1) }

// Extended is the last instant when two further months were taken (art. 12(3)).
func Extended(received time.Time) time.Time { return months(received, 3) }

func months(received time.Time, n int) time.Time { return endOf(Reckon(received, n).Last) }

// Reckoning is how a time limit was counted.
type Reckoning struct {
	Months   int
	Received holidays.Date // in Paris
	Falls    holidays.Date // the same date so many months later
	Last     holidays.Date // the day on whose expiry the time is over
	// Moved says why Last is not Falls: saturday, sunday or holiday (Regulation 1182/71
	// art. 3(4)); "": it is.
	Moved string
}

// Reckon counts n months from a receipt, as Deadline does.
func Reckon(received time.Time, n int) Reckoning {
	r := Reckoning{Months: n, Received: dayIn(received)}
	r.Falls = addMonths(r.Received, n)
	r.Last = r.Falls
	if holidays.Working(r.Falls, holidays.Common) {
		return r
	}
	r.Last, r.Moved = holidays.AddWorking(r.Falls, 1, holidays.Common), "holiday"
	switch r.Falls.Weekday() {
	case time.Saturday:
		r.Moved = "saturday"
	case time.Sunday:
		r.Moved = "sunday"
	}
	return r
}

// addMonths is the same date n months later, or the last day of that month.
func addMonths(d holidays.Date, n int) holidays.Date {
	first := holidays.Of(time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
	last := holidays.Of(time.Date(first.Year, first.Month+1, 0, 0, 0, 0, 0, time.UTC))
	first.Day = min(d.Day, last.Day)
	return first
}

// endOf is the last microsecond of a day in Paris, the finest that facts can say.
func endOf(d holidays.Date) time.Time {
	next := d.AddDays(1).Begins(time.UTC)
	// Clocks change at 01:00 UTC on a Sunday, never about midnight.
	return next.Add(-offset(next.Add(-time.Hour))).Add(-time.Microsecond)
}

func dayIn(t time.Time) holidays.Date { return holidays.Of(t.UTC().Add(offset(t))) }

// daysBetween is whole Paris days, at least 0.
func daysBetween(from, to time.Time) int {
	a, b := dayIn(from).Begins(time.UTC), dayIn(to).Begins(time.UTC)
	return max(0, int(b.Sub(a)/(24*time.Hour)))
}

// offset is what Paris is ahead of UTC: two hours from the last Sunday of March, 01:00
// UTC, to the last Sunday of October, 01:00 UTC (Directive 2000/84/EC), else one. It is
// computed, so that a fold needs no file of time zones.
func offset(t time.Time) time.Duration {
	t = t.UTC()
	if !t.Before(change(t.Year(), time.March)) && t.Before(change(t.Year(), time.October)) {
		return 2 * time.Hour
	}
	return time.Hour
}

func change(year int, month time.Month) time.Time {
	last := time.Date(year, month, 31, 1, 0, 0, 0, time.UTC)
	return last.AddDate(0, 0, -int(last.Weekday()))
}

// LastDay is the Paris day of a deadline, as midnight in UTC.
func LastDay(due time.Time) time.Time { return dayIn(due).Begins(time.UTC) }
