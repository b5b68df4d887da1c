// Package workbook writes tables of a bundle as one XLSX for people, in French: a
// sheet a table, its first row frozen, with filters, dates as dates.
//
// Promised: no cell is a formula, whatever it holds: texts are texts (OWASP: CSV
// injection). The same rows make the same bytes. Memory is bounded: a sheet takes at
// most MaxRows rows and maxSheet bytes, says on its last row how many are left out,
// and the first sheet says so too. A text longer than maxText signs is cut and says
// so. Whoever computes takes NDJSON or Parquet. Assumed: titles of sheets are no data.
// Nothing is written before Write, nor outside the writer given to it, so that a crash
// leaves nothing.
package workbook

import "greffe/domain/bundle"

// MaxRows is how many rows a sheet has at most, below its headings.
const MaxRows = 10_000

const (
	maxSheet = 4 << 20 // bytes of a sheet: its texts and cellCost for each cell
	cellCost = 64      // what a cell costs besides its text
	maxText  = 4000    // signs; a spreadsheet takes 32,767
	maxExact = 1e15    // from here on a spreadsheet's numbers lose digits
)

// timeFormat shows a date as France (40C) writes it, wherever it is read; times are UTC.
const timeFormat = "[$-40C]dd/mm/yyyy hh:mm:ss"

// width is that of a column, in signs; a text that stands last is what a fact says, at
// length.
func width(c bundle.Column, last bool) float64 {
	label := float64(len([]rune(heading(c)))) + 5 // the filter's button
	switch c.Type {
	case bundle.Time:
		return max(label, 20)
	case bundle.ID:
		return max(label, 38)
	case bundle.List:
		return max(label, 32)
	case bundle.Text:
		if last {
			return max(label, 90)
		}
		return max(label, 24)
	}
	return max(label, 12)
}

// heading is a column's, as the CSV has it.
func heading(c bundle.Column) string {
	label := c.Label
	if label == "" {
		label = c.Name
	}
	if c.Type == bundle.Time {
		label += " (UTC)"
	}
	return label
}
