package statistics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain/statistics"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestAgeBand(t *testing.T) {
	t.Parallel()
	for born, want := range map[string]string{
		"2026-03-01": "0-17", "2008-03-02": "0-17", "2008-03-01": "18-29", "1996-03-02": "18-29", "1996-03-01": "30-39", "1986-03-02": "30-39",
		"1946-03-02": "70-79", "1946-03-01": "80+", "1906-03-01": "80+", "1905-02-28": "unknown", "2026-03-02": "unknown", "": "unknown", "hier": "unknown",
		"2008-02-29": "18-29", // a leap day's child is 18 the day after
	} {
		if got := statistics.AgeBand(born, day); got != want {
			t.Errorf("%s: %s, want %s", born, got, want)
		}
	}
}

func TestDepartmentOf(t *testing.T) {
	t.Parallel()
	for _, x := range [][3]string{
		{"69003", "FR", "69"}, {"69003", "", "69"}, {"20000", "FR", "2A"}, {"20190", "FR", "2A"}, {"20200", "FR", "2B"}, {"20620", "FR", "2B"},
		{"97400", "FR", "974"}, {"98800", "FR", "988"}, {"69003", "BE", "unknown"}, {"1000", "FR", "unknown"}, {"ABCDE", "FR", "unknown"}, {"00100", "FR", "unknown"}, {"", "", "unknown"},
	} {
		if got := statistics.DepartmentOf(x[0], x[1]); got != x[2] {
			t.Errorf("%s %s: %s, want %s", x[0], x[1], got, x[2])
		}
	}
}

// TestLevels: each level of a value is one of fewer, the last is All; each value of a
// domain has its place at each level.
func TestLevels(t *testing.T) {
	t.Parallel()
	for _, d := range statistics.Dimensions() {
		values := d.Domain(day)
		if !slices.IsSorted(values) || !slices.Contains(values, statistics.Unknown) {
			t.Errorf("%s: %v", d, values)
		}
		before := len(values) + 1
		for level := range d.Levels() {
			met := map[string]bool{}
			for _, v := range values {
				x := d.Coarsen(v, level)
				if x == "" || x == statistics.Unknown && v != statistics.Unknown && v != "earlier" {
					t.Errorf("%s %s at level %d is %q", d, v, level, x)
				}
				met[x] = true
			}
			if len(met) >= before {
				t.Errorf("%s has %d values at level %d, %d before", d, len(met), level, before)
			}
			before = len(met)
		}
		if got := d.Coarsen(values[0], d.Levels()-1); got != statistics.All {
			t.Errorf("%s at its last level: %s", d, got)
		}
	}
	for _, x := range [][2]string{{"2026-01", "2026-T1"}, {"2026-03", "2026-T1"}, {"2026-04", "2026-T2"}, {"2026-12", "2026-T4"}} {
		if got := statistics.Collected.Coarsen(x[0], 1); got != x[1] {
			t.Errorf("%s: %s", x[0], got)
		}
	}
}

// people draws rows.
func people(t *rapid.T) []statistics.Row {
	dept := rapid.SampledFrom([]string{"69", "75", "38", "2A", "974"})
	age := rapid.SampledFrom([]string{"18-29", "30-39", "40-49", "80+", "unknown"})
	yes := rapid.SampledFrom([]string{"yes", "no"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) statistics.Row {
		return statistics.Row{statistics.Department: dept.Draw(t, "department"), statistics.Age: age.Draw(t, "age"),
			statistics.Consent: yes.Draw(t, "consent"), statistics.Opposed: yes.Draw(t, "opposed")}
	}), 0, 400).Draw(t, "people")
}

func count(o statistics.Order, rows []statistics.Row) *statistics.Counter {
	c := statistics.NewCounter(o, day)
	for _, r := range rows {
		if err := c.Add(r); err != nil {
			panic(err)
		}
	}
	return c
}

// TestExactHoldsItsPromises: by counting again, each released cell has k people, l
// values and none of more than nine tenths; never is one cell alone left out.
func TestExactHoldsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := people(t)
		o := statistics.Order{By: []statistics.Dimension{statistics.Department, statistics.Age}, K: rapid.IntRange(5, 20).Draw(t, "k"), L: 2}
		if rapid.Bool().Draw(t, "sensitive") {
			o.Sensitive = statistics.Opposed
		}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		table := count(o, rows).Exact()
		if table.Left == 1 && len(table.Cells) > 0 {
			t.Fatal("one cell alone is left out: the number of people gives it away")
		}
		for _, c := range table.Cells {
			n, of := int64(0), map[string]int64{}
			for _, r := range rows {
				if statistics.Department.Coarsen(r[statistics.Department], table.Levels[0]) == c.Values[0] && statistics.Age.Coarsen(r[statistics.Age], table.Levels[1]) == c.Values[1] {
					n++
					of[r[statistics.Opposed]]++
				}
			}
			if n != c.People || n < int64(o.K) {
				t.Fatalf("%v stands for %d people, says %d", c.Values, n, c.People)
			}
			if o.Sensitive == "" {
				if len(c.Of) > 0 {
					t.Fatalf("%v tells %v", c.Values, c.Of)
				}
				continue
			}
			if d := cmp.Diff(of, c.Of); d != "" || len(of) < 2 || 10*max(of["yes"], of["no"]) > 9*n {
				t.Fatalf("%v: %v %s", c.Values, of, d)
			}
		}
	})
}

// TestCoarsened: what would leave out too many people is told at a coarser grain.
func TestCoarsened(t *testing.T) {
	t.Parallel()
	var rows []statistics.Row
	for _, d := range []string{"01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74"} { // one region, 2 each
		rows = append(rows, statistics.Row{statistics.Department: d}, statistics.Row{statistics.Department: d})
	}
	o := statistics.Order{By: []statistics.Dimension{statistics.Department}}
	if err := o.Check(); err != nil || o.K != statistics.DefaultK {
		t.Fatal(o, err)
	}
	table := count(o, rows).Exact()
	if d := cmp.Diff([]statistics.Cell{{Values: []string{"auvergne-rhone-alpes"}, People: 24}}, table.Cells); d != "" || table.Left != 0 {
		t.Error(d, table.Left)
	}
	if few := count(o, rows[:3]).Exact(); len(few.Cells) != 0 || few.Levels[0] != 2 {
		t.Errorf("3 people are told of: %+v", few)
	}
}

// TestNoisy: every combination has its cell or is left out, whether anybody is in it;
// the noise is that of its ε.
func TestNoisy(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	o := statistics.Order{By: []statistics.Dimension{statistics.Department, statistics.Age}, Milli: 500}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	var rows []statistics.Row
	for range 1000 {
		rows = append(rows, statistics.Row{statistics.Department: "69", statistics.Age: "30-39"}, statistics.Row{statistics.Department: "Lyon", statistics.Age: "x"})
	}
	c := count(o, rows)
	all := len(statistics.Department.Domain(day)) * len(statistics.Age.Domain(day))
	sum, square, phantoms := 0.0, 0.0, 0
	const times = 400
	for range times {
		table, err := c.Noisy(rng.Float64)
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Cells)+table.Left != all {
			t.Fatalf("%d cells, %d left, want %d", len(table.Cells), table.Left, all)
		}
		for _, x := range table.Cells {
			switch {
			case slices.Equal(x.Values, []string{"69", "30-39"}):
				n := float64(x.People - 1000)
				sum, square = sum+n, square+n*n
			case slices.Equal(x.Values, []string{"unknown", "unknown"}): // what is in no domain
			default:
				phantoms++
			}
		}
	}
	q := math.Exp(-0.5)
	want := 2 * q / (1 - q) / (1 - q)
	if mean, variance := sum/times, square/times; math.Abs(mean) > 0.6 || math.Abs(variance-want) > 0.35*want {
		t.Errorf("noise of mean %.2f and variance %.2f, want 0 and %.2f", mean, variance, want)
	}
	if phantoms == 0 {
		t.Error("no empty cell was ever told of: the shape of the table tells who is there")
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	by := func(l ...statistics.Dimension) []statistics.Dimension { return l }
	for name, o := range map[string]statistics.Order{
		"by":                   {},
		"by twice":             {By: by(statistics.Age, statistics.Age)},
		"by other":             {By: by("name")},
		"by many":              {By: by(statistics.Age, statistics.Department, statistics.Collected, statistics.Kind, statistics.Consent)},
		"by itself":            {By: by(statistics.Kind), Sensitive: statistics.Kind},
		"sensitive":            {By: by(statistics.Age), Sensitive: statistics.Department},
		"sensitive with noise": {By: by(statistics.Age), Sensitive: statistics.Kind, Milli: 100},
		"k":                    {By: by(statistics.Age), K: 4},
		"l":                    {By: by(statistics.Age), L: 1},
		"epsilon":              {By: by(statistics.Age), Milli: 1001},
	} {
		parameter, _, _ := strings.Cut(name, " ")
		if err := o.Check(); !errors.Is(err, statistics.ErrAsked) || !strings.HasSuffix(err.Error(), ": "+parameter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	big := statistics.Order{By: by(statistics.Age, statistics.Department, statistics.Collected, statistics.Kind), Milli: 100}
	if _, err := statistics.NewCounter(big, day).Noisy(rand.Float64); !errors.Is(err, statistics.ErrAsked) {
		t.Errorf("too many cells: %v", err)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	if left, err := statistics.Spend(400, 500); err != nil || left != 100 {
		t.Error(left, err)
	}
	if left, err := statistics.Spend(600, 500); !errors.Is(err, statistics.ErrBudget) || left != 400 {
		t.Error(left, err)
	}
}

// TestJudge: anonymous only if every test is passed.
func TestJudge(t *testing.T) {
	t.Parallel()
	exact := []statistics.Earlier{{Exact: true, By: []statistics.Dimension{statistics.Age}}}
	noisy := []statistics.Earlier{{By: []statistics.Dimension{statistics.Age}}}
	cell := func(v ...string) statistics.Cell { return statistics.Cell{Values: v, People: 20} }
	table := func(o statistics.Order, cells ...statistics.Cell) *statistics.Table {
		return &statistics.Table{Order: o, Levels: make([]int, len(o.By)), Cells: cells}
	}
	two := []statistics.Dimension{statistics.Age, statistics.Opposed}
	for name, x := range map[string]struct {
		table  *statistics.Table
		before []statistics.Earlier
		want   string // tests that are not passed
	}{
		"one dimension":       {table(statistics.Order{By: two[:1]}, cell("80+")), nil, ""},
		"after an exact one":  {table(statistics.Order{By: two[:1]}, cell("80+")), exact, "correlation"},
		"after a noisy one":   {table(statistics.Order{By: two[:1]}, cell("80+")), noisy, ""},
		"diverse":             {table(statistics.Order{By: two}, cell("80+", "yes"), cell("80+", "no")), nil, ""},
		"uniform":             {table(statistics.Order{By: two}, cell("80+", "yes"), cell("0-17", "no"), cell("0-17", "yes")), nil, "inference"},
		"uniform, after":      {table(statistics.Order{By: two}, cell("80+", "yes")), exact, "correlation inference"},
		"sensitive":           {table(statistics.Order{By: two[:1], Sensitive: statistics.Opposed}, cell("80+")), nil, ""},
		"noisy after exact":   {table(statistics.Order{By: two, Milli: 100}, cell("80+", "yes")), exact, ""},
		"nothing is released": {table(statistics.Order{By: two}), exact, ""},
	} {
		answers := statistics.Judge(x.table, x.before)
		var failed []string
		for _, a := range answers {
			if !a.Passed {
				failed = append(failed, string(a.Test))
			}
			if a.Why.Text("fr") == "" || a.Why.Text("en") == "" || a.Why.Text("fr") == a.Why.Text("en") {
				t.Errorf("%s: %s has no words", name, a.Why)
			}
		}
		if got := strings.Join(failed, " "); got != x.want || statistics.Anonymous(answers) != (x.want == "") {
			t.Errorf("%s: %q is not passed, want %q", name, got, x.want)
		}
		for _, language := range []string{"fr", "en"} {
			said := strings.Contains(statistics.Verdict(answers, language), map[string]string{"fr": "Données anonymes", "en": "Anonymous within"}[language])
			if said != (x.want == "") {
				t.Errorf("%s is called %q", name, statistics.Verdict(answers, language))
			}
		}
	}
	if statistics.Anonymous(nil) {
		t.Error("what was not tested is called anonymous")
	}
}
