package retention_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/eventstore/retention"
)

// TestDaysOfParis: the clock leaps on the last Sundays of March and October; each day
// begins once, at its own midnight.
func TestDaysOfParis(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ instant, day, asOf string }{
		{"2026-03-28T22:59:59Z", "2026-03-28", "2026-03-27T23:00:00Z"},
		{"2026-03-28T23:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"2026-03-29T01:30:00Z", "2026-03-29", "2026-03-28T23:00:00Z"}, // 02:30 is not on the clock
		{"2026-03-29T22:00:00Z", "2026-03-30", "2026-03-29T22:00:00Z"}, // summer time
		{"2026-10-25T00:30:00Z", "2026-10-25", "2026-10-24T22:00:00Z"}, // 02:30 the first time
		{"2026-10-25T01:30:00Z", "2026-10-25", "2026-10-24T22:00:00Z"}, // and the second
		{"2026-10-25T23:00:00Z", "2026-10-26", "2026-10-25T23:00:00Z"},
		{"2028-02-29T12:00:00Z", "2028-02-29", "2028-02-28T23:00:00Z"},
		{"2026-12-31T23:00:00Z", "2027-01-01", "2026-12-31T23:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, x.instant)
		if err != nil {
			t.Fatal(err)
		}
		day := retention.DayOf(at)
		if string(day) != x.day || day.AsOf().Format(time.RFC3339) != x.asOf {
			t.Errorf("%s: %s as of %s", x.instant, day, day.AsOf().Format(time.RFC3339))
		}
	}
}

// TestDayAndItsBeginning: what a day takes as over is never ahead of any instant of
// it, and never more than 25 hours behind.
func TestDayAndItsBeginning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)
		day := retention.DayOf(at)
		behind := at.Sub(day.AsOf())
		if behind < 0 || behind >= 25*time.Hour {
			t.Fatalf("%s is %s behind", day, behind)
		}
		if again, err := retention.ParseDay(string(day)); err != nil || again != day || retention.DayOf(day.AsOf()) != day {
			t.Fatalf("%s: %v", day, err)
		}
	})
}

func TestNoDay(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-02-29", "2026-3-1", "29/03/2026", "2026-03-29T00:00:00Z"} {
		if _, err := retention.ParseDay(s); !errors.Is(err, retention.ErrDay) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if !retention.Day("x").AsOf().IsZero() {
		t.Error("no day has a beginning")
	}
}

func TestHourOfParis(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]int{
		time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC):  1,
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC):   3,
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC): 2,
		time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC): 2,
	} {
		if got := retention.Hour(at); got != want {
			t.Errorf("%s: %d", at, got)
		}
	}
}
