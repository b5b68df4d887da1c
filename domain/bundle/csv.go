package bundle

import (
	"strconv"
	"strings"
	"time"

	"greffe/domain/spreadsheet"
)

// bom tells spreadsheets that a CSV is UTF-8.
const bom = "\ufeff"

// cells writes rows as CSV for people: UTF-8 with BOM, semicolons, CRLF, dates
// and words as the language has them (fr: 02/03/2026 09:14:07, oui; en:
// 2026-03-02 09:14:07, yes), times in UTC to the second. A text that a
// spreadsheet would run as a formula gets an apostrophe before it. This form is
// for reading; whoever computes takes NDJSON or Parquet.
type cells struct {
	schema  *Schema
	layout  string
	yes, no string
}

func newCells(s *Schema, language string) *cells {
	if language == "fr" {
		return &cells{s, "02/01/2006 15:04:05", "oui", "non"}
	}
	return &cells{s, "2006-01-02 15:04:05", "yes", "no"}
}

// heading appends BOM and first line.
func (c *cells) heading(b []byte) []byte {
	b = append(b, bom...)
	for i, col := range c.schema.Columns {
		if i > 0 {
			b = append(b, ';')
		}
		label := col.Label
		if label == "" {
			label = col.Name
		}
		if col.Type == Time {
			label += " (UTC)"
		}
		b = appendCell(b, label)
	}
	return append(b, '\r', '\n')
}

func (c *cells) append(b []byte, row []Value) []byte {
	for i := range row {
		if i > 0 {
			b = append(b, ';')
		}
		b = c.cell(b, &row[i])
	}
	return append(b, '\r', '\n')
}

func (c *cells) cell(b []byte, v *Value) []byte {
	switch v.typ {
	case "":
		return b
	case Int:
		return strconv.AppendInt(b, v.n, 10)
	case Time:
		return time.UnixMicro(v.n).UTC().AppendFormat(b, c.layout)
	case Bool:
		if v.n != 0 {
			return append(b, c.yes...)
		}
		return append(b, c.no...)
	case ID:
		return appendID(b, v.id)
	case List:
		return appendCell(b, strings.Join(v.list, ", "))
	default:
		return appendCell(b, v.text)
	}
}

// appendCell neutralises what begins like a formula (OWASP: CSV injection), also
// behind white space, and quotes what needs it.
func appendCell(b []byte, s string) []byte {
	armed := spreadsheet.Armed(s)
	if !strings.ContainsAny(s, ";\"\r\n") {
		if armed {
			b = append(b, '\'')
		}
		return append(b, s...)
	}
	b = append(b, '"')
	if armed {
		b = append(b, '\'')
	}
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
