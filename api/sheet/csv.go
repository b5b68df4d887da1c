package sheet

import (
	"encoding/csv"
	"errors"
	"io"

	"greffe/domain/spreadsheet"
)

// ByteOrderMark tells spreadsheets that a CSV is UTF-8.
const ByteOrderMark = "\ufeff"

// Lines writes a table row by row, as spreadsheets in French have it: UTF-8 with a byte
// order mark, semicolons, and no cell that a spreadsheet would take for a formula.
type Lines struct{ out *csv.Writer }

// NewLines begins a table with its headings.
func NewLines(w io.Writer, headings []string) (*Lines, error) {
	if _, err := io.WriteString(w, ByteOrderMark); err != nil {
		return nil, err
	}
	l := &Lines{csv.NewWriter(w)}
	l.out.Comma = ';'
	return l, l.Write(headings)
}

// Write adds a row.
func (l *Lines) Write(cells []string) error {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = spreadsheet.Disarm(c)
	}
	return l.out.Write(safe)
}

// Flush sends what was kept back.
func (l *Lines) Flush() error {
	l.out.Flush()
	return l.out.Error()
}

// CSV writes a whole table.
func CSV(w io.Writer, headings []string, rows [][]string) error {
	l, err := NewLines(w, headings)
	if err != nil {
		return err
	}
	for _, r := range rows {
		err = errors.Join(err, l.Write(r))
	}
	return errors.Join(err, l.Flush())
}
