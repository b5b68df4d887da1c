package policy

import (
	"errors"
	"strconv"
	"time"
)

// Period is a calendar length: years, months and days, none negative.
type Period struct{ Years, Months, Days int }

// ErrPeriod reports text that is not an ISO 8601 period this package reads.
var ErrPeriod = errors.New("not an ISO 8601 period such as P3Y, P13M, P30D or P1Y6M")

// maxPeriodPart keeps date arithmetic far from overflow.
const maxPeriodPart = 9999

// ParsePeriod reads PnYnMnWnD with at least one part, each once, in this order,
// each at most 9,999. Times of day have no meaning for retention.
func ParsePeriod(s string) (Period, error) {
	var p Period
	if len(s) < 3 || s[0] != 'P' {
		return p, ErrPeriod
	}
	rest, units := s[1:], "YMWD"
	for rest != "" {
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		if end == 0 || end > 4 || end == len(rest) {
			return Period{}, ErrPeriod
		}
		n, err := strconv.Atoi(rest[:end])
		if err != nil {
			return Period{}, ErrPeriod
		}
		for units != "" && units[0] != rest[end] {
			units = units[1:]
		}
		if units == "" {
			return Period{}, ErrPeriod
		}
		p.add(units[0], n)
		units, rest = units[1:], rest[end+1:]
	}
	if p.Days > maxPeriodPart {
		return Period{}, ErrPeriod
	}
	return p, nil
}

func (p *Period) add(unit byte, n int) {
	switch unit {
	case 'Y':
		p.Years = n
	case 'M':
		p.Months = n
	case 'W':
		p.Days += 7 * n
	case 'D':
		p.Days += n
	}
}

// String is the shortest form that ParsePeriod reads; "P0D" for nothing.
func (p Period) String() string {
	b := []byte{'P'}
	for _, x := range []struct {
		n    int
		unit byte
	}{{p.Years, 'Y'}, {p.Months, 'M'}, {p.Days, 'D'}} {
		if x.n != 0 {
			b = append(strconv.AppendInt(b, int64(x.n), 10), x.unit)
		}
	}
	if len(b) == 1 {
		return "P0D"
	}
	return string(b)
}

// Before is t less p in UTC; a day that its month does not have becomes that month's
// last.
func (p Period) Before(t time.Time) time.Time {
	return Period{-p.Years, -p.Months, -p.Days}.After(t)
}

// After is t plus p in UTC. A day that its month does not have becomes that
// month's last: a year after 29 February is 28 February, so that nothing is
// kept a day too long.
func (p Period) After(t time.Time) time.Time {
	t = t.UTC()
	if p == (Period{}) {
		return t
	}
	y, m, d := t.Date()
	first := time.Date(y+p.Years, m+time.Month(p.Months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d, last)-1+p.Days)
}

// less compares lengths with 30.4375 days a month; two periods that are equal
// in calendar terms compare equal.
func (p Period) less(q Period) bool {
	const scale, month = 10_000, 304_375
	a := (12*p.Years+p.Months)*month + p.Days*scale
	return a < (12*q.Years+q.Months)*month+q.Days*scale
}

func (p Period) same(q Period) bool { return !p.less(q) && !q.less(p) }
