package completeness_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain/completeness"
)

// monday is one without holidays near.
var monday = time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)

// after is so many days and hours after monday.
func after(days, hours float64) time.Time {
	return monday.Add(time.Duration((days*24 + hours) * float64(time.Hour)))
}

// weeks of arrivals: each day from the given weekdays (0 is Monday) and hours.
func weeks(n int, days []int, hours ...float64) (out []time.Time) {
	for w := range n {
		for _, d := range days {
			for _, h := range hours {
				out = append(out, after(float64(7*w+d), h))
			}
		}
	}
	return out
}

func working(n int) []time.Time {
	return weeks(n, []int{0, 1, 2, 3, 4}, 8.2, 9.5, 10.1, 11.7, 12.9, 14.3, 15.4, 16.6, 17.3)
}

func learned(all []time.Time) *completeness.Habit {
	h := new(completeness.Habit)
	for _, at := range all {
		h.Arrive(at)
	}
	return h
}

func TestSilence(t *testing.T) {
	t.Parallel()
	irregular := []time.Time{after(0, 9), after(3, 14), after(8, 11), after(10, 20), after(15, 7), after(19, 17), after(22, 3), after(26, 13)}
	early := append(working(6), weeks(1, []int{0, 1, 2, 3, 4}, 8.2, 9.5, 10.1, 11.7, 12.9, 14.3, 15.4, 16.6)...)
	for i := range early[len(working(6)):] {
		early[len(working(6))+i] = early[len(working(6))+i].AddDate(0, 0, 42)
	}
	saturdays := working(3)
	for w := 3; w < 6; w++ {
		for _, at := range append(working(1), after(5, 10), after(5, 11), after(5, 12)) {
			saturdays = append(saturdays, at.AddDate(0, 0, 7*w))
		}
	}
	for _, at := range append(working(1), after(5, 10)) {
		saturdays = append(saturdays, at.AddDate(0, 0, 42))
	}
	every := []int{0, 1, 2, 3, 4, 5, 6}
	for name, c := range map[string]struct {
		arrivals []time.Time
		now      time.Time
		want     completeness.State
	}{
		"never heard of":                         {nil, after(0, 0), completeness.Unknown},
		"one arrival":                            {[]time.Time{after(0, 0)}, after(300, 0), completeness.Unknown},
		"two weeks are no habit":                 {working(2), after(40, 0), completeness.Unknown},
		"four arrivals are none":                 {weeks(4, []int{0}, 3), after(60, 0), completeness.Unknown},
		"monthly is not frequent enough":         {[]time.Time{after(0, 3), after(30, 3), after(60, 3)}, after(200, 0), completeness.Unknown},
		"an import in one hour makes no habit":   {weeks(1, []int{0}, 1, 1.1, 1.2, 1.3), after(90, 0), completeness.Unknown},
		"office hours: on Friday evening":        {working(6), after(39, 20), completeness.Within},
		"office hours: on Sunday":                {working(6), after(41, 12), completeness.Within},
		"office hours: on Monday at ten":         {working(6), after(42, 10), completeness.Within},
		"office hours: on Tuesday noon":          {working(6), after(43, 12), completeness.Silent},
		"office hours: stopped at ten":           {append(working(6), after(42, 8.5), after(42, 9.5)), after(42, 18), completeness.Silent},
		"office hours: stopped an hour ago":      {append(working(6), after(42, 8.5), after(42, 9.5)), after(42, 11), completeness.Within},
		"office hours: a stray one on Saturday":  {append(working(6), after(40, 11)), after(41, 12), completeness.Within},
		"office hours: Friday ended sooner":      {early, after(42+5, 12), completeness.Within},
		"Saturdays: what Friday promised stands": {saturdays, after(42+6, 12), completeness.Within},
		"irregular: two days after":              {irregular, after(28, 13), completeness.Within},
		"irregular: ten days after":              {irregular, after(36, 13), completeness.Silent},
		"nightly: the next morning":              {weeks(4, every, 2.4), after(28, 5), completeness.Within},
		"nightly: not come":                      {weeks(4, every, 2.4), after(28, 8), completeness.Silent},
		"weekly: in the week":                    {weeks(8, []int{2}, 6), after(7*7+8, 0), completeness.Within},
		"weekly: on the day, later":              {weeks(8, []int{2}, 6), after(7*7+9, 20), completeness.Within},
		"weekly: three days late":                {weeks(8, []int{2}, 6), after(7*7+12, 6), completeness.Silent},
		"back after a year: the habit is gone":   {append(working(8), after(400, 9)), after(500, 0), completeness.Unknown},
		"clock before the last arrival":          {working(6), after(0, 0), completeness.Within},
		"times that fall are the last one's":     {append(working(6), after(1, 9)), after(42, 10), completeness.Within},
	} {
		if got := learned(c.arrivals).Silence(c.now); got.State != c.want {
			t.Errorf("%s: %s since %v, expected by %v", name, got.State, got.Since, got.Expected)
		}
	}
}

// TestHolidaysAreNoSilence: the days off of Easter 2026 are not counted.
func TestHolidaysAreNoSilence(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 2, 23, 0, 0, 0, 0, time.UTC) // a Monday, six weeks before Easter Monday
	h := new(completeness.Habit)
	for w := range 6 {
		for d := range 5 {
			for _, hour := range []int{8, 9, 10, 11, 12, 13, 14, 15, 16, 17} {
				h.Arrive(from.AddDate(0, 0, 7*w+d).Add(time.Duration(hour) * time.Hour))
			}
		}
	}
	tuesday := time.Date(2026, 4, 7, 10, 0, 0, 0, time.UTC)
	if got := h.Silence(tuesday); got.State != completeness.Within {
		t.Errorf("after Easter Monday: %+v", got)
	}
	if got := h.Silence(tuesday.AddDate(0, 0, 1)); got.State != completeness.Silent {
		t.Errorf("two days after Easter Monday: %+v", got)
	}
}

// TestArrivalsNeverSilence: a source that is not silent is not made silent by
// another arrival; nor is one that has just arrived ever silent; and without
// enough history it is unknown.
func TestArrivalsNeverSilence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, at := new(completeness.Habit), monday
		steps := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 180), rapid.IntRange(0, 5000), rapid.IntRange(20_000, 90_000)), 1, 150).Draw(t, "minutes between")
		days := map[time.Time]bool{}
		for _, minutes := range steps {
			at = at.Add(time.Duration(minutes) * time.Minute)
			now := at.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "minutes later")) * time.Minute)
			before := h.Silence(now)
			h.Arrive(at)
			days[at.Truncate(24*time.Hour)] = true
			s := h.Silence(now)
			if before.State == completeness.Within && s.State == completeness.Silent {
				t.Fatalf("silent by an arrival: %+v, then %+v", before, s)
			}
			if s.State != completeness.Unknown && (len(days) < 6 || at.Sub(monday) < 20*24*time.Hour || !s.Expected.After(at)) {
				t.Fatalf("a habit without history: %+v", s)
			}
			if got := h.Silence(at).State; got == completeness.Silent {
				t.Fatal("silent in the instant of its arrival")
			}
			if !s.Since.Equal(at) || s.State == completeness.Silent && !now.After(s.Expected) {
				t.Fatalf("%+v at %v", s, now)
			}
			n, kept, err := completeness.ParseState(completeness.AppendState(nil, new(completeness.Numbering), h))
			if err != nil || n.Counts() || *kept != *h {
				t.Fatalf("kept: %v", err)
			}
		}
	})
}

// TestSilentInTheEnd: who has a habit is silent some day.
func TestSilentInTheEnd(t *testing.T) {
	t.Parallel()
	h := learned(working(8))
	for d := range 90 {
		if h.Silence(after(float64(56+d), 0)).State == completeness.Silent {
			if d < 2 || d > 4 {
				t.Errorf("silent after %d days", d)
			}
			return
		}
	}
	t.Error("never silent")
}

func BenchmarkArrive(b *testing.B) {
	h, at := new(completeness.Habit), monday
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Minute)
		h.Arrive(at)
	}
}
