package policy_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain/policy"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"P3Y": "P3Y", "P13M": "P13M", "P30D": "P30D", "P1Y6M": "P1Y6M", "P2W": "P14D", "P1W1D": "P8D", "P0D": "P0D", "P0Y": "P0D"} {
		if p, err := policy.ParsePeriod(in); err != nil || p.String() != want {
			t.Errorf("%s: %v, %v", in, p, err)
		}
	}
	for _, in := range []string{"", "P", "3Y", "P3", "P-3Y", "P3y", "P1M1Y", "P1Y1Y", "PT1H", "P1.5Y", "P99999Y", "P3Y ", "P9999W", " P3Y", "P１Y"} {
		if p, err := policy.ParsePeriod(in); err == nil {
			t.Errorf("%q read as %v", in, p)
		}
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, period, want string }{
		{"2024-02-29", "P1Y", "2025-02-28"}, {"2024-02-29", "P4Y", "2028-02-29"}, {"2026-01-31", "P1M", "2026-02-28"},
		{"2026-11-21", "P3Y", "2029-11-21"}, {"2025-12-31", "P10Y", "2035-12-31"}, {"2026-12-15", "P13M", "2028-01-15"},
		{"2026-01-31", "P1M1D", "2026-03-01"}, {"2026-03-10", "P30D", "2026-04-09"}, {"2026-03-10", "P0D", "2026-03-10"},
	} {
		from, err := time.Parse(time.DateOnly, c.from)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.ParsePeriod(c.period)
		if err != nil {
			t.Fatal(err)
		}
		if back := p.Before(p.After(from)); back.After(from) || back.Before(from.AddDate(0, 0, -3)) {
			t.Errorf("%s before %s after %s is %s", c.period, c.period, c.from, back)
		}
		if got := p.After(from.Add(13 * time.Hour)).Format(time.DateTime); got != c.want+" 13:00:00" {
			t.Errorf("%s after %s is %s, want %s", c.period, c.from, got, c.want)
		}
	}
}

func TestBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, period, want string }{
		{"2026-03-31", "P1M", "2026-02-28"}, {"2024-02-29", "P1Y", "2023-02-28"}, {"2026-01-15", "P2M", "2025-11-15"}, {"2026-03-01", "P1D", "2026-02-28"},
	} {
		from, _ := time.Parse(time.DateOnly, c.from)
		p, _ := policy.ParsePeriod(c.period)
		if got := p.Before(from).Format(time.DateOnly); got != c.want {
			t.Errorf("%s before %s is %s, want %s", c.period, c.from, got, c.want)
		}
	}
}

func TestPeriodProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int { return rapid.IntRange(0, 200).Draw(t, name) }
		p := policy.Period{Years: n("years"), Months: n("months"), Days: n("days")}
		again, err := policy.ParsePeriod(p.String())
		if err != nil || again != p {
			t.Fatalf("%v written as %s reads as %v, %v", p, p, again, err)
		}
		from := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0)
		if p.After(from).Before(from) {
			t.Fatalf("%s ends before it starts", p)
		}
		longer := policy.Period{Years: p.Years, Months: p.Months, Days: p.Days + 1}
		if !longer.After(from).After(p.After(from)) {
			t.Fatalf("a day more than %s ends no later", p)
		}
	})
}
