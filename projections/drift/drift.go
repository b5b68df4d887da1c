// Package drift finds where two builds of one read model differ: it compares their
// canonical dumps (projections.Projection) line by line as they are written.
//
// It promises that equal dumps give no difference and unequal ones at least one;
// that each difference names a table, a row and, where the row tells it, a position
// of the log; and that memory stays flat whatever the sizes. After a difference it
// finds the next lines that agree within 1024 lines of each side, so the count of
// lines is exact for rows edited, added or taken away in lesser numbers, and no less
// than one for more. No cell is shown that is not a number, one of our own ids or a
// code: what was written into a read model behind our back may be anything.
//
// It keeps nothing; a crash leaves nothing.
package drift

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"greffe/domain"
)

// How a row of the live build differs from the fresh one.
const (
	Missing    = "missing" // the live one lacks it
	Extra      = "extra"   // the live one alone has it
	Changed    = "changed"
	Unreadable = "unreadable" // the live build could not be read on from there
)

// Finding is one row that differs.
type Finding struct {
	Table   string
	Kind    string
	Row     Row      // as it should be; an extra one as it is
	Columns []string // of a changed row: what differs
	// Position is of the fact that the row says it comes from: of both rows the
	// lesser. Known is false if the row does not say.
	Position domain.Position
	Known    bool
}

// Report is the outcome of a comparison.
type Report struct {
	Live, Fresh [sha256.Size]byte // of the dumps; zero if one could not be read
	Lines       int64             // that differ; a changed one counts once
	Findings    []Finding         // the first of each table, up to the limits
	Position    domain.Position   // the least of all rows that differ
	Known       bool              // some of these rows said a position
	Err         error             // why the live build could not be read
}

// Equal reports that nothing differs.
func (r *Report) Equal() bool { return r.Lines == 0 && r.Err == nil }

// Limits bound the findings of a report: of one table, and of all.
type Limits struct{ Table, All int }

// Compare reads both dumps to their ends. The error is of the fresh build, or of the
// context; what keeps the live one from being read is a finding.
func Compare(ctx context.Context, live, fresh io.Reader, most Limits) (Report, error) {
	c := &comparison{live: newSide(live), fresh: newSide(fresh), most: most}
	for !c.done {
		if err := ctx.Err(); err != nil {
			return c.report, err
		}
		c.alike()
		if c.done {
			break
		}
		c.live.fill()
		c.fresh.fill()
		if c.fresh.err != nil && !errors.Is(c.fresh.err, io.EOF) {
			return c.report, fmt.Errorf("the fresh build: %w", c.fresh.err)
		}
		if c.live.err != nil && !errors.Is(c.live.err, io.EOF) {
			c.unreadable()
			return c.report, nil
		}
		c.apart()
	}
	c.report.Live, c.report.Fresh = c.live.digest(), c.fresh.digest()
	return c.report, nil
}

// comparison is one run of Compare.
type comparison struct {
	live, fresh *side
	most        Limits
	table       string
	columns     []string
	listed      int // findings of this table
	done        bool
	report      Report
}

// alike reads on as long as the lines are the same, and leaves the first that are
// not in the windows.
func (c *comparison) alike() {
	for len(c.live.ahead) == 0 && len(c.fresh.ahead) == 0 {
		a, b := c.live.next(), c.fresh.next()
		switch {
		case a == nil && b == nil && c.live.ended() && c.fresh.ended():
			c.done = true
			return
		case a != nil && bytes.Equal(a, b):
			c.heading(a)
		default:
			c.live.keep(a)
			c.fresh.keep(b)
			return
		}
	}
}

func (c *comparison) heading(line []byte) {
	if isHeading(line) {
		c.table, c.columns, c.listed = headingOf(line)
	}
}

// apart takes what differs out of the windows, up to the next line that agrees.
func (c *comparison) apart() {
	i, j := meeting(c.live.ahead, c.fresh.ahead)
	if j > 0 {
		c.heading(c.fresh.ahead[0].text)
	}
	c.differ(c.live.ahead[:i], c.fresh.ahead[:j])
	c.live.drop(i)
	c.fresh.drop(j)
	for len(c.live.ahead) > 0 && len(c.fresh.ahead) > 0 && c.live.ahead[0].sum == c.fresh.ahead[0].sum {
		if c.live.ahead[0].end {
			c.done = c.live.ended() && c.fresh.ended()
			return
		}
		c.heading(c.live.ahead[0].text)
		c.live.drop(1)
		c.fresh.drop(1)
	}
}

// meeting is the nearest pair of lines that agree. Without one it is where each
// window ends, or its table.
func meeting(a, b []line) (i, j int) {
	a, b = a[:min(len(a), rowsOf(a)+1)], b[:min(len(b), rowsOf(b)+1)]
	at := make(map[[sha256.Size]byte]int, len(b))
	for j := len(b) - 1; j >= 0; j-- {
		at[b[j].sum] = j
	}
	best := -1
	for x := range a {
		if best >= 0 && x >= best {
			break
		}
		if y, ok := at[a[x].sum]; ok && (best < 0 || x+y < best) {
			best, i, j = x+y, x, y
		}
	}
	if best >= 0 {
		return i, j
	}
	i, j = rowsOf(a), rowsOf(b)
	if i+j == 0 { // headings that differ: the builds are of different programs
		return heading(a), heading(b)
	}
	return i, j
}

// heading is 1 if a window, which has no row, has a heading.
func heading(lines []line) int {
	if len(lines) == 0 || lines[0].end {
		return 0
	}
	return 1
}

// rowsOf counts the lines before a heading or the end.
func rowsOf(lines []line) int {
	for i := range lines {
		if lines[i].end || isHeading(lines[i].text) {
			return i
		}
	}
	return len(lines)
}

// differ pairs the rows that differ by their first cell.
func (c *comparison) differ(live, fresh []line) {
	first := map[string][]int{}
	for i := range live {
		k := string(firstCell(live[i].text)) // of all headings the same
		first[k] = append(first[k], i)
	}
	paired := make([]bool, len(live))
	for i := range fresh {
		k := string(firstCell(fresh[i].text))
		of := first[k]
		if len(of) == 0 {
			c.found(Missing, nil, fresh[i].text)
			continue
		}
		paired[of[0]] = true
		c.found(Changed, live[of[0]].text, fresh[i].text)
		first[k] = of[1:]
	}
	for i := range live {
		if !paired[i] {
			c.found(Extra, live[i].text, nil)
		}
	}
}

// found counts a difference and lists it if there is room.
func (c *comparison) found(kind string, live, fresh []byte) {
	c.report.Lines++
	a, b := newRow(c.columns, live), newRow(c.columns, fresh)
	at, known := least(a, b)
	if known && (!c.report.Known || at < c.report.Position) {
		c.report.Position, c.report.Known = at, true
	}
	if c.listed >= c.most.Table || len(c.report.Findings) >= c.most.All {
		return
	}
	c.listed++
	f := Finding{Table: c.table, Kind: kind, Row: b, Position: at, Known: known}
	switch kind {
	case Extra:
		f.Row = a
	case Changed:
		f.Columns = a.differ(b)
	}
	c.report.Findings = append(c.report.Findings, f)
}

// unreadable says where the live build could not be read on: at the row that the
// fresh one has there.
func (c *comparison) unreadable() {
	c.report.Err = c.live.err
	f := Finding{Table: c.table, Kind: Unreadable}
	if len(c.fresh.ahead) > 0 && !c.fresh.ahead[0].end {
		f.Row = newRow(c.columns, c.fresh.ahead[0].text)
		f.Position, f.Known = f.Row.position()
	}
	if f.Known && (!c.report.Known || f.Position < c.report.Position) {
		c.report.Position, c.report.Known = f.Position, true
	}
	c.report.Findings = append(c.report.Findings, f)
}

// least is the lesser position of two rows of which one may be absent.
func least(a, b Row) (domain.Position, bool) {
	p, known := a.position()
	q, also := b.position()
	switch {
	case known && also:
		return min(p, q), true
	case known:
		return p, true
	}
	return q, also
}

// String names the finding without any value that could be personal.
func (f Finding) String() string {
	where := f.Table
	if key := f.Row.Key(); key != "" {
		where += " " + key
	}
	switch f.Kind {
	case Missing:
		return where + ": the row is missing"
	case Extra:
		return where + ": the row should not be there"
	case Changed:
		return where + ": differs in " + joined(f.Columns)
	}
	return cmp.Or(where, "the file") + ": cannot be read on from here"
}
