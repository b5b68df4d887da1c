package statistics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

var (
	// ErrAsked: the release that is asked for is not one that can be made.
	ErrAsked = errors.New("these statistics cannot be made")
	// ErrBudget: what is left of the budget is less than the release costs.
	ErrBudget = errors.New("the privacy budget is spent")
)

// Bounds of what can be asked.
const (
	MinK, DefaultK = 5, 11 // people to a cell; 11 is INSEE's threshold for businesses' and tax data
	MinL, DefaultL = 2, 2
	MaxDimensions  = 4
	MaxCells       = 100_000
	// MaxShare is how much of a cell may have the same sensitive value: beyond it,
	// who knows that somebody is in it knows the value.
	MaxShare = 0.9
	// Budget is the ε (in thousandths) that releases of 12 months may spend together.
	Budget   = 1000
	MaxMilli = 1000 // ε of one release, in thousandths
)

// Order says what to count.
type Order struct {
	By        []Dimension // the quasi-identifiers
	Sensitive Dimension   // of each cell, the values of this; empty: none
	K, L      int
	// Milli is the ε of the noise, in thousandths; 0 makes an exact table.
	Milli int
}

// Check fills defaults in and reports what is wrong, by the parameter's name.
func (o *Order) Check() error {
	if o.K == 0 {
		o.K = DefaultK
	}
	if o.L == 0 {
		o.L = DefaultL
	}
	bad := func(parameter string) error { return fmt.Errorf("%w: %s", ErrAsked, parameter) }
	for i, d := range o.By {
		if !slices.Contains(Dimensions(), d) || slices.Contains(o.By[:i], d) || d == o.Sensitive {
			return bad("by")
		}
	}
	switch {
	case len(o.By) == 0 || len(o.By) > MaxDimensions:
		return bad("by")
	case o.Sensitive != "" && !slices.Contains(Sensitives(), o.Sensitive):
		return bad("sensitive")
	case o.Sensitive != "" && o.Milli > 0: // the noise of a cell's values would need a table more
		return bad("sensitive")
	case o.K < MinK || o.K > 1000:
		return bad("k")
	case o.L < MinL || o.L > 5:
		return bad("l")
	case o.Milli < 0 || o.Milli > MaxMilli:
		return bad("epsilon")
	}
	return nil
}

// Row is one person's finest values, by dimension.
type Row map[Dimension]string

// Counter counts people, one row each. It keeps a count for each combination of
// values that was met, and nothing of anybody.
type Counter struct {
	order   Order
	domains [][]string       // of By, if there is to be noise
	cells   map[string]*cell // by the finest values
	people  int64
}

type cell struct {
	values []string
	people int64
	of     map[string]int64 // by sensitive value
}

// NewCounter counts for a checked order, as of a day.
func NewCounter(o Order, on time.Time) *Counter {
	c := &Counter{order: o, cells: map[string]*cell{}}
	if o.Milli > 0 {
		for _, d := range o.By {
			c.domains = append(c.domains, d.Domain(on))
		}
	}
	return c
}

// Add counts one person. ErrAsked: the dimensions make more than MaxCells cells.
func (c *Counter) Add(r Row) error {
	values := make([]string, len(c.order.By))
	for i, d := range c.order.By {
		values[i] = known(r[d])
		if c.domains != nil && !slices.Contains(c.domains[i], values[i]) {
			values[i] = d.outside()
		}
	}
	x := at(c.cells, values)
	if len(c.cells) > MaxCells {
		return fmt.Errorf("%w: by (more than %d cells)", ErrAsked, MaxCells)
	}
	x.people++
	c.people++
	if c.order.Sensitive != "" {
		x.of[known(r[c.order.Sensitive])]++
	}
	return nil
}

func known(v string) string {
	if v == "" {
		return Unknown
	}
	return v
}

func at(cells map[string]*cell, values []string) *cell {
	key := strings.Join(values, "\x1f")
	x := cells[key]
	if x == nil {
		x = &cell{values: values, of: map[string]int64{}}
		cells[key] = x
	}
	return x
}

// Cell is one line of a release.
type Cell struct {
	Values []string         `json:"values"` // in the order of By
	People int64            `json:"people"`
	Of     map[string]int64 `json:"of,omitempty"` // by sensitive value
}

// Table is what is released.
type Table struct {
	Order  Order
	Levels []int  // of each dimension of By
	Cells  []Cell // sorted by values
	// Left are cells that were left out. How many people they stand for is told of
	// no exact table: it could be one.
	Left int
}

// Exact makes a table without noise: dimensions are made coarser, the one with the
// most values first, until at most a tenth of the people would be left out; cells that
// are too small or too uniform still are left out.
func (c *Counter) Exact() *Table {
	t := &Table{Order: c.order, Levels: make([]int, len(c.order.By))}
	for {
		cells := c.coarsened(t.Levels)
		kept := int64(0)
		t.Cells, t.Left = nil, 0
		for _, x := range cells {
			if !c.fits(x) {
				t.Left++
				continue
			}
			kept += x.people
			out := Cell{Values: x.values, People: x.people}
			if len(x.of) > 0 {
				out.Of = x.of
			}
			t.Cells = append(t.Cells, out)
		}
		if 10*(c.people-kept) <= c.people || !c.coarser(t.Levels, cells) {
			break
		}
	}
	t.hide()
	t.sort()
	return t
}

// hide leaves a second cell out where one alone was: whoever knows how many people
// there are would have the one by subtraction.
func (t *Table) hide() {
	if t.Left != 1 || len(t.Cells) == 0 {
		return
	}
	least := 0
	for i := range t.Cells {
		if t.Cells[i].People < t.Cells[least].People {
			least = i
		}
	}
	t.Cells, t.Left = slices.Delete(t.Cells, least, least+1), 2
}

// fits reports a cell that may be released.
func (c *Counter) fits(x *cell) bool {
	if x.people < int64(c.order.K) {
		return false
	}
	if c.order.Sensitive == "" {
		return true
	}
	most := int64(0)
	for _, n := range x.of {
		most = max(most, n)
	}
	return len(x.of) >= c.order.L && float64(most) <= MaxShare*float64(x.people)
}

func (c *Counter) coarsened(levels []int) map[string]*cell {
	out := map[string]*cell{}
	for _, x := range c.cells {
		values := make([]string, len(levels))
		for i, d := range c.order.By {
			values[i] = d.Coarsen(x.values[i], levels[i])
		}
		y := at(out, values)
		y.people += x.people
		for v, n := range x.of {
			y.of[v] += n
		}
	}
	return out
}

// coarser takes one dimension a level up, unless all are at their last.
func (c *Counter) coarser(levels []int, cells map[string]*cell) bool {
	best, most := -1, 0
	for i, d := range c.order.By {
		if levels[i] == d.Levels()-1 {
			continue
		}
		values := map[string]bool{}
		for _, x := range cells {
			values[x.values[i]] = true
		}
		if len(values) > most {
			best, most = i, len(values)
		}
	}
	if best < 0 {
		return false
	}
	levels[best]++
	return true
}

func (t *Table) sort() {
	slices.SortFunc(t.Cells, func(a, b Cell) int { return slices.Compare(a.Values, b.Values) })
}

// Noisy makes a table of every combination of values with the two-sided geometric
// mechanism: P(noise = n) is proportional to exp(-ε|n|). Uniform gives numbers of
// [0,1), of 53 random bits. Counts below K, after the noise, are left out, which costs
// nothing more.
func (c *Counter) Noisy(uniform func() float64) (*Table, error) {
	domains, n := c.domains, 1
	for _, d := range domains {
		if n *= len(d); n > MaxCells {
			return nil, fmt.Errorf("%w: by (more than %d cells)", ErrAsked, MaxCells)
		}
	}
	t := &Table{Order: c.order, Levels: make([]int, len(c.order.By))}
	index := make([]int, len(domains))
	for range n {
		values := make([]string, len(domains))
		for i, d := range domains {
			values[i] = d[index[i]]
		}
		people := noise(c.order.Milli, uniform)
		if x := c.cells[strings.Join(values, "\x1f")]; x != nil {
			people += x.people
		}
		if people < int64(c.order.K) {
			t.Left++
		} else {
			t.Cells = append(t.Cells, Cell{Values: values, People: people})
		}
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < len(domains[i]) {
				break
			}
			index[i] = 0
		}
	}
	t.sort()
	return t, nil
}

// noise is a two-sided geometric number: the difference of two geometric ones.
func noise(milli int, uniform func() float64) int64 {
	q := math.Exp(-float64(milli) / 1000)
	geometric := func() int64 { return int64(math.Floor(math.Log1p(-uniform()) / math.Log(q))) }
	up, down := geometric(), geometric()
	return up - down
}

// Spend is what is left of the budget after a release of so much, given what those of
// the 12 months before it have spent; ErrBudget.
func Spend(spent, milli int) (left int, err error) {
	if left = Budget - spent - milli; left < 0 {
		return Budget - spent, ErrBudget
	}
	return left, nil
}
