package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"

	"greffe/api/sheet"
	"greffe/domain/register"
	"greffe/domain/spreadsheet"
)

// writeCSV writes the entries of one role.
func writeCSV(w io.Writer, b *Book, role register.Role) error {
	rows := [][]string{}
	for _, r := range b.of(role) {
		rows = append(rows, cells(r))
	}
	return sheet.CSV(w, headings(role), rows)
}

// readCSV reads commas as well as semicolons.
func readCSV(raw []byte, role register.Role) ([]Row, error) {
	raw = bytes.TrimPrefix(raw, []byte(sheet.ByteOrderMark))
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
