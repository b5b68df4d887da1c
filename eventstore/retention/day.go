package retention

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // days are those of Paris, on every machine the same
)

// Day is a day in Paris, as 2006-01-02. A term that ends on a day lasts until that
// day is over (Regulation 1182/71 art. 3(2)(c)), so what is carried out on a day is
// what ended before it.
type Day string

// ErrDay: not a day.
var ErrDay = errors.New("not a day such as 2026-03-29")

// DayOf is the day that it is in Paris.
func DayOf(t time.Time) Day { return Day(t.In(paris()).Format(time.DateOnly)) }

// ParseDay reads a day.
func ParseDay(s string) (Day, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", ErrDay
	}
	return Day(s), nil
}

// AsOf is when the day begins, in UTC: what was over by then is carried out. It is the
// zero time for what is no day.
func (d Day) AsOf() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), paris())
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Hour is the hour of the clock in Paris at t: each day has one when it is past any
// hour, also when the clock leaps over it (CET to CEST).
func Hour(t time.Time) int { return t.In(paris()).Hour() }

func paris() *time.Location {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(fmt.Sprintf("retention: the zone of Paris is in the program: %v", err))
	}
	return loc
}
