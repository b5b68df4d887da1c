package rights

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"greffe/domain/holidays"
)

// TestDeadlines: months as Regulation 1182/71 counts them, in Paris days.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ received, first, extended, why string }{
		{"2026-03-05 10:00", "2026-04-07", "2026-06-05", "5 April is the Sunday of Easter, the 6th its Monday"},
		{"2026-09-15 10:00", "2026-10-15", "2026-12-15", "plain"},
		{"2026-01-31 10:00", "2026-03-02", "2026-04-30", "no 31 February: its last day, a Saturday; no 31 April"},
		{"2027-01-31 10:00", "2027-03-01", "2027-04-30", "28 February 2027 is a Sunday"},
		{"2024-01-31 10:00", "2024-02-29", "2024-04-30", "leap day"},
		{"2024-01-29 10:00", "2024-02-29", "2024-04-29", "leap day by its date"},
		{"2024-02-29 10:00", "2024-03-29", "2024-05-29", "from a leap day"},
		{"2023-12-31 23:59", "2024-01-31", "2024-04-02", "over the year; 31 March 2024 is Easter, 1 April its Monday"},
		{"2026-11-25 09:00", "2026-12-28", "2027-02-25", "Christmas is a Friday"},
		{"2026-07-14 09:00", "2026-08-14", "2026-10-14", "received on a holiday: the end alone counts"},
		{"2026-04-08 09:00", "2026-05-11", "2026-07-08", "8 May is a Friday"},
		{"2026-02-28 23:30", "2026-03-30", "2026-05-28", "28 March 2026 is the Saturday before the clocks change"},
		{"2026-09-25 00:10", "2026-10-26", "2026-12-28", "25 October, a Sunday on which the clocks change; Christmas"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.received, paris)
		if err != nil {
			t.Fatal(err)
		}
		for want, got := range map[string]time.Time{c.first: Deadline(at), c.extended: Extended(at)} {
			local := got.In(paris)
			if local.Format("2006-01-02 15:04:05.000000") != want+" 23:59:59.999999" || LastDay(got).Format(time.DateOnly) != want {
				t.Errorf("received %s: %s, want the end of %s (%s)", c.received, local, want, c.why)
			}
		}
	}
}

// TestDayOfReceiptIsParis: half past eleven at night in London is the next day.
func TestDayOfReceiptIsParis(t *testing.T) {
	t.Parallel()
	if got := LastDay(Deadline(time.Date(2026, 9, 14, 22, 30, 0, 0, time.UTC))); got.Day() != 15 {
		t.Errorf("%v", got)
	}
	if got := LastDay(Deadline(time.Date(2026, 9, 14, 21, 30, 0, 0, time.UTC))); got.Day() != 14 {
		t.Errorf("%v", got)
	}
}

// TestOffsetIsTheZoneFiles: the computed offset is Paris's, at every instant since the
// rule is what it is.
func TestOffsetIsTheZoneFiles(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	check := func(at time.Time) (ok bool) {
		_, want := at.In(paris).Zone()
		return offset(at) == time.Duration(want)*time.Second
	}
	for year := 1997; year < 2038; year++ {
		for _, m := range []time.Month{time.March, time.October} {
			for _, d := range []time.Duration{-time.Second, 0, time.Second} {
				if at := change(year, m).Add(d); !check(at) {
					t.Errorf("%s", at)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(852076800, 2145916800).Draw(t, "at"), 0)
		if !check(at) {
			t.Fatalf("%s", at)
		}
	})
}

// TestDeadlinesHold: never before the month is over, never on a day that is not
// worked, never more than a long weekend later, and later requests never due earlier.
func TestDeadlinesHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1527199200, 2145916800).Draw(t, "at"), 0)
		due, later := Deadline(at), Deadline(at.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "more"))))
		day := dayIn(due)
		if !holidays.Working(day, holidays.Common) || endOf(day) != due {
			t.Fatalf("%v ends on %v", at, due)
		}
		if n := daysBetween(at, due); n < 28 || n > 36 {
			t.Fatalf("%d days", n)
		}
		if later.Before(due) {
			t.Fatalf("%v before %v", later, due)
		}
		if Extended(at).Sub(due) < 55*24*time.Hour {
			t.Fatalf("extended by %s", Extended(at).Sub(due))
		}
	})
}
