package contactability_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	. "greffe/domain/contactability"
	"greffe/domain/policy"
)

// daily is news at an hour of each day of a range that is worked.
func daily(from, to string, hours ...int) (l []time.Time) {
	for d := instant(from); !d.After(instant(to)); d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			continue
		}
		for _, h := range hours {
			l = append(l, d.Add(time.Duration(h)*time.Hour))
		}
	}
	return l
}

func TestADialersHabit(t *testing.T) {
	t.Parallel()
	hourly := []int{10, 11, 12, 14, 15, 16, 17, 18, 19}
	law := Law(loaded)
	told := law
	told.DialerSilentAfter = policy.Period{Days: 2}
	for name, x := range map[string]struct {
		rules Rules
		news  []time.Time
		want  string
	}{
		"no news":                         {law, nil, ""},
		"two days are no habit":           {law, daily("2026-09-14", "2026-09-15", hourly...), ""},
		"three days are one":              {law, daily("2026-09-14", "2026-09-16", hourly...), "2026-09-17 19:00"},
		"hourly, over a weekend":          {law, daily("2026-09-07", "2026-09-18", hourly...), "2026-09-21 19:00"},
		"by night, after three nights":    {law, daily("2026-09-07", "2026-09-15", 23), "2026-09-18 23:00"},
		"by night, over a weekend":        {law, daily("2026-09-07", "2026-09-17", 23), "2026-09-22 23:00"},
		"weekly, after three weeks":       {law, []time.Time{instant("2026-08-31 09:00"), instant("2026-09-07 09:00"), instant("2026-09-14 09:00")}, "2026-10-05 09:00"},
		"over 1 and 11 November":          {law, daily("2026-11-02", "2026-11-10", 20), "2026-11-16 20:00"},
		"a change of the clock":           {law, daily("2026-10-19", "2026-10-23", hourly...), "2026-10-26 19:00"},
		"what the policy says":            {told, daily("2026-09-07", "2026-09-15", hourly...), "2026-09-17 19:00"},
		"habits of long ago do not count": {law, append(daily("2026-01-05", "2026-01-30", hourly...), instant("2026-09-14 10:00")), ""},
	} {
		got := x.rules.SilentFrom(x.news)
		if x.want == "" && !got.IsZero() || x.want != "" && !got.Equal(instant(x.want)) {
			t.Errorf("%s: %v, want %q", name, got.In(loaded.Location("Europe/Paris")), x.want)
		}
	}
}

// TestNewsNeverHasten: later news never makes the silence begin earlier, the
// order is nothing, and no silence is shorter than a day.
func TestNewsNeverHasten(t *testing.T) {
	t.Parallel()
	law := Law(loaded)
	law.DialerSilentAfter = policy.Period{Days: 1}
	rapid.Check(t, func(t *rapid.T) {
		var news []time.Time
		for _, h := range rapid.SliceOfN(rapid.IntRange(0, 24*40), 1, 40).Draw(t, "hours") {
			news = append(news, instant("2026-08-20").Add(time.Duration(h)*time.Hour))
		}
		was := law.SilentFrom(news)
		last := news[0]
		for _, n := range news {
			if n.After(last) {
				last = n
			}
		}
		if !was.IsZero() && was.Sub(last) < 24*time.Hour-time.Hour {
			t.Fatalf("silent %v after its last news", was.Sub(last))
		}
		for i, j := 0, len(news)-1; i < j; i, j = i+1, j-1 {
			news[i], news[j] = news[j], news[i]
		}
		if is := law.SilentFrom(news); !is.Equal(was) {
			t.Fatalf("in another order %v, not %v", is, was)
		}
		later := append(news, last.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "later"))*time.Hour))
		if is := law.SilentFrom(later); !is.IsZero() && is.Before(was) {
			t.Fatalf("more news moved the silence from %v to %v", was, is)
		}
	})
}
