package holidays_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain/holidays"
)

func date(s string) holidays.Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return holidays.Of(t)
}

func TestEaster(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1900-04-15", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23", "2008-03-23", "2016-03-27", "2019-04-21",
		"2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2049-04-18"} {
		if d := date(s); holidays.Easter(d.Year) != d {
			t.Errorf("Easter %d is %v, not %v", d.Year, d, holidays.Easter(d.Year))
		}
	}
}

// TestTheElevenOfAYear lists them as the calendars print them.
func TestTheElevenOfAYear(t *testing.T) {
	t.Parallel()
	for year, want := range map[int][]string{
		2026: {"01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01", "11-11", "12-25"},
		2027: {"01-01", "03-29", "05-01", "05-06", "05-08", "05-17", "07-14", "08-15", "11-01", "11-11", "12-25"},
		2028: {"01-01", "04-17", "05-01", "05-08", "05-25", "06-05", "07-14", "08-15", "11-01", "11-11", "12-25"},
	} {
		var got []string
		for d := (holidays.Date{Year: year, Month: 1, Day: 1}); d.Year == year; d = d.AddDays(1) {
			if holidays.Holiday(d, holidays.Common) {
				got = append(got, d.Begins(time.UTC).Format("01-02"))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d: %v", year, got)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%d: %s, want %s", year, got[i], want[i])
			}
		}
	}
}

func TestRegionsHaveTheirOwn(t *testing.T) {
	t.Parallel()
	for day, region := range map[string]holidays.Region{
		"2027-03-26": holidays.AlsaceMoselle, "2026-12-26": holidays.AlsaceMoselle, "2026-05-27": holidays.Guadeloupe,
		"2026-05-22": holidays.Martinique, "2026-06-10": holidays.Guyane, "2026-12-20": holidays.Reunion, "2026-04-27": holidays.Mayotte,
		"2026-10-09": holidays.SaintBarthelemy, "2026-05-28": holidays.SaintMartin,
	} {
		for r := holidays.Common; r <= holidays.SaintMartin; r++ {
			if got := holidays.Holiday(date(day), r); got != (r == region) {
				t.Errorf("%s in region %d: %v", day, r, got)
			}
		}
	}
}

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-09-15", 5, "2026-09-22"}, // a Tuesday
		{"2026-09-18", 1, "2026-09-21"}, // Friday to Monday
		{"2026-09-19", 5, "2026-09-25"}, // a Saturday
		{"2026-11-06", 5, "2026-11-16"}, // over 11 November
		{"2026-12-24", 2, "2026-12-29"}, // over Christmas and a weekend
		{"2026-12-31", 1, "2027-01-04"},
		{"2027-03-26", 1, "2027-03-30"}, // over Easter
	} {
		if got := holidays.AddWorking(date(c.from), c.n, holidays.Common); got != date(c.want) {
			t.Errorf("%d after %s: %v", c.n, c.from, got)
		}
	}
	if got := holidays.AddWorking(date("2026-12-24"), 1, holidays.Reunion); got != date("2026-12-28") {
		t.Errorf("Réunion: %v", got)
	}
	if holidays.Working(date("2026-09-19"), 0) || holidays.Working(date("2026-07-14"), 0) || !holidays.Working(date("2026-07-15"), 0) {
		t.Error("which days are worked")
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	leap := date("2028-02-29")
	if leap.AddYears(1) != date("2029-03-01") || leap.AddYears(4) != date("2032-02-29") || date("2026-03-01").AddYears(15) != date("2041-03-01") {
		t.Error("a year after 29 February")
	}
	if date("2026-12-31").AddDays(1) != date("2027-01-01") || leap.AddDays(1) != date("2028-03-01") {
		t.Error("days")
	}
	if !(holidays.Date{}).IsZero() || leap.IsZero() || date("2026-09-15").Weekday() != time.Tuesday {
		t.Error("small things")
	}
	reunion := time.FixedZone("", 4*3600)
	if got := leap.Begins(reunion); !got.Equal(time.Date(2028, 2, 28, 20, 0, 0, 0, time.UTC)) || holidays.Of(got) != leap {
		t.Errorf("begins %v", got)
	}
}

func TestCompareIsTheOrderOfDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := date("2026-01-01").AddDays(rapid.IntRange(-40_000, 40_000).Draw(t, "day"))
		n := rapid.IntRange(-800, 800).Draw(t, "n")
		e := d.AddDays(n)
		if c := d.Compare(e); c != max(-1, min(1, -n)) {
			t.Fatalf("%v and %v: %d", d, e, c)
		}
		if e.AddDays(-n) != d {
			t.Fatal("there and back")
		}
		if w := holidays.AddWorking(d, 1, holidays.Common); w.Compare(d) <= 0 || !holidays.Working(w, holidays.Common) {
			t.Fatalf("the working day after %v is %v", d, w)
		}
	})
}
