package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"

	"greffe/domain/register"
	"greffe/domain/spreadsheet"
)

// byteOrderMark tells spreadsheets that a CSV is UTF-8.
const byteOrderMark = "\ufeff"

// writeCSV writes the entries of one role: semicolons, as spreadsheets in French have it.
func writeCSV(w io.Writer, b *Book, role register.Role) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma = ';'
	line := func(cells []string) error {
		for i := range cells {
			cells[i] = spreadsheet.Disarm(cells[i])
		}
		return out.Write(cells)
	}
	err := line(headings(role))
	for _, r := range b.of(role) {
		err = errors.Join(err, line(cells(r)))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// readCSV reads commas as well as semicolons.
func readCSV(raw []byte, role register.Role) ([]Row, error) {
	raw = bytes.TrimPrefix(raw, []byte(byteOrderMark))
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = -1
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	var table [][]string
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return parse(table, role)
		}
		if err != nil || len(table) > MaxRows {
			return nil, &FileError{Row: len(table) + 1, Cause: ErrFormat} // the reader's own error may quote the line
		}
		for i := range line {
			line[i] = spreadsheet.Restore(line[i])
		}
		table = append(table, line)
	}
}
