package sheet

import (
	"encoding/csv"
	"errors"
	"io"

	"greffe/domain/spreadsheet"
)

// ByteOrderMark tells spreadsheets that a CSV is UTF-8.
const ByteOrderMark = "\ufeff"

// CSV writes a table as spreadsheets in French have it, with semicolons.
func CSV(w io.Writer, headings []string, rows [][]string) error {
	if _, err := io.WriteString(w, ByteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma = ';'
	line := func(cells []string) error {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = spreadsheet.Disarm(c)
		}
		return out.Write(safe)
	}
	err := line(headings)
	for _, r := range rows {
		err = errors.Join(err, line(r))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}
