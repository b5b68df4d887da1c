// Package holidays knows the days on which France does not work: the eleven
// holidays of C. trav. L3133-1, the two more of Alsace-Moselle (L3134-13) and
// the day of the abolition of slavery in the overseas departments (L3422-2).
//
// Promised: every function depends on its arguments alone; a Date is a day of a
// calendar and of no zone. Assumed: Gregorian years from 1900. Nothing here does
// I/O, so a crash leaves nothing.
package holidays

import (
	"cmp"
	"time"
)

// Date is a civil day. The zero Date is absent.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Of is the day that t shows in its own location.
func Of(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero reports the absent date.
func (d Date) IsZero() bool { return d == Date{} }

// Begins is the first instant of the day in loc.
func (d Date) Begins(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// AddDays is the day n days later.
func (d Date) AddDays(n int) Date {
	return Of(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// AddYears is the same day n years later; 29 February becomes 1 March where
// there is none, since an age is not reached before the whole year has passed.
func (d Date) AddYears(n int) Date {
	return Of(time.Date(d.Year+n, d.Month, d.Day, 0, 0, 0, 0, time.UTC))
}

// Compare orders days.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.Begins(time.UTC).Weekday() }

// Region is a part of France with holidays of its own.
type Region uint8

// The regions. Common has the eleven of L3133-1 and no others.
const (
	Common Region = iota
	AlsaceMoselle
	Guadeloupe
	Martinique
	Guyane
	Reunion
	Mayotte
	SaintBarthelemy
	SaintMartin
)

// Holiday reports whether d is a public holiday in r.
func Holiday(d Date, r Region) bool {
	switch d.Month*100 + time.Month(d.Day) {
	case 101, 501, 508, 714, 815, 1101, 1111, 1225:
		return true
	case own[r]:
		return true
	}
	if d.Month < time.March || d.Month > time.June {
		return false
	}
	switch daysFrom(Easter(d.Year), d) {
	case 1, 39, 50: // Easter Monday, Ascension, Whit Monday
		return true
	case -2: // Good Friday
		return r == AlsaceMoselle
	}
	return false
}

// own is the fixed day, month*100+day, that only the region has.
var own = [...]time.Month{AlsaceMoselle: 1226, Guadeloupe: 527, Martinique: 522, Guyane: 610, Reunion: 1220,
	Mayotte: 427, SaintBarthelemy: 1009, SaintMartin: 528}

func daysFrom(a, b Date) int {
	return int(b.Begins(time.UTC).Sub(a.Begins(time.UTC)) / (24 * time.Hour))
}

// Easter is Easter Sunday (Gauss's algorithm as completed by Meeus, Jones and
// Butcher).
func Easter(year int) Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Date{year, time.Month(n / 31), n%31 + 1}
}

// Working reports whether d is worked (jour ouvré): Monday to Friday and no
// holiday.
func Working(d Date, r Region) bool {
	w := d.Weekday()
	return w != time.Saturday && w != time.Sunday && !Holiday(d, r)
}

// AddWorking is the n-th working day after d, n at least 1.
func AddWorking(d Date, n int, r Region) Date {
	for n > 0 {
		d = d.AddDays(1)
		if Working(d, r) {
			n--
		}
	}
	return d
}
