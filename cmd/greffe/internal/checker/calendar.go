package checker

import (
	"fmt"
	"time"
	_ "time/tzdata" // days are those of Paris, on every machine the same
)

// paris is where days begin.
func paris() *time.Location {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(fmt.Sprintf("checker: the zone of Paris is in the program: %v", err))
	}
	return loc
}

// later is t, years and months on; the last day of a month that has no such day.
func later(t time.Time, years, months int) time.Time {
	y, m, d := t.Date()
	first := time.Date(y+years, m+time.Month(months), 1, 0, 0, 0, 0, t.Location())
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, t.Location()).Day()
	hh, mm, ss := t.Clock()
	return time.Date(first.Year(), first.Month(), min(d, last), hh, mm, ss, t.Nanosecond(), t.Location())
}

// deadline is the end of the day, in Paris, on which months are over since a request
// came in; the next working day's if that is none (Regulation 1182/71 art. 3(4)).
func deadline(received time.Time, months int) time.Time {
	y, m, d := later(received.In(paris()), 0, months).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, paris())
	for !working(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day.AddDate(0, 0, 1)
}

// working reports a day that is no Saturday, Sunday or public holiday (C. trav.
// L3133-1).
func working(day time.Time) bool {
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return false
	}
	switch day.Format("01-02") {
	case "01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25":
		return false
	}
	easter := easterOf(day.Year())
	for _, after := range [...]int{1, 39, 50} { // Easter Monday, Ascension, Whit Monday
		if e := easter.AddDate(0, 0, after); e.YearDay() == day.YearDay() {
			return false
		}
	}
	return true
}

// easterOf is Easter Sunday of a year of the Gregorian calendar (Butcher's rule).
func easterOf(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, paris())
}

// newest is the latest of times.
func newest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func or(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
