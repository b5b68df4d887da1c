package inspection

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"greffe/projections/crm"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{grouped(0), "0"}, {grouped(999), "999"}, {grouped(1234567), "1\u00a0234\u00a0567"}, {grouped(-1234), "-1\u00a0234"},
		{day(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), "1er mars 2026"}, {instant(time.Date(2026, 8, 20, 10, 1, 2, 0, time.FixedZone("", 7200))), "20 août 2026 à 08:01:02 UTC"},
		{span(59 * time.Second), "59 s"}, {span(61 * time.Minute), "1 h"}, {span(3 * 24 * time.Hour), "3 jours"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	if got := every([]string{"2025-11", "2026-02"}); !slices.Equal(got, []string{"2025-11", "2025-12", "2026-01", "2026-02"}) {
		t.Errorf("months %v", got)
	}
	for most, want := range map[int64]int64{0: 1, 1: 1, 9: 5, 40: 10, 41: 20, 3800: 1000} {
		if got := nice(most); got != want {
			t.Errorf("steps to %d are of %d, want %d", most, got, want)
		}
	}
}

// TestByYear: kinds and years keep their numbers, unknown ones among them.
func TestByYear(t *testing.T) {
	t.Parallel()
	years, all := byYear([]crm.Count{{Kind: "prospect", Year: 2021, N: 3}, {Kind: "client", Year: 2024, N: 9}, {Kind: "client", Year: 2021, N: 1}, {N: 2}})
	if !slices.Equal(years, []string{"2021", "2024", "inconnue"}) || len(all) != 3 || all[0].name != "clients" || !slices.Equal(all[0].values, []int64{1, 9, 0}) ||
		!slices.Equal(all[2].values, []int64{0, 0, 2}) || all[1].values[0] != 3 {
		t.Errorf("%v %+v", years, all)
	}
}

// TestReport: a few pages, the same for the same bundle, and one for a ledger in which
// nothing happened.
func TestReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 400)
	for _, o := range []*Order{w.order(0, 400), w.order(10, 10)} {
		one, err := w.write(o)
		must(t, err)
		two, err := w.write(o)
		must(t, err)
		pdf := one.read(t, ReportPath)
		if n := bytes.Count(pdf, []byte("/Type /Page\n")); !bytes.HasPrefix(pdf, []byte("%PDF-")) || n < 2 || n > 4 {
			t.Errorf("%d pages", n)
		}
		if !bytes.Equal(pdf, two.read(t, ReportPath)) {
			t.Error("the report differs for the same bundle")
		}
	}
}

// TestFigures: delays are of what was ordered in the period; a consent without proof
// is not counted as one.
func TestFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3000)
	n := newFigures()
	for _, f := range w.facts {
		n.fact(f)
	}
	var proven int64
	for _, months := range n.Granted {
		for _, k := range months {
			proven += k
		}
	}
	if n.Events != 3000 || n.Unproven == 0 || proven == 0 || len(n.Delays) == 0 || int64(len(n.Delays)) > n.Erased || n.delay(50) > n.delay(100) {
		t.Errorf("%+v", n)
	}
	if newFigures().delay(95) != 0 {
		t.Error("a delay of nothing")
	}
}
