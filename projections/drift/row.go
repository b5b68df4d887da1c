package drift

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
)

// A line of a dump is a heading, "# table TAB column TAB column", or a row of cells
// parted by tabs.

func isHeading(b []byte) bool { return bytes.HasPrefix(b, []byte("# ")) }

func headingOf(b []byte) (table string, columns []string, listed int) {
	all := strings.Split(string(b[2:]), "\t")
	return all[0], all[1:], 0
}

func firstCell(b []byte) []byte {
	if isHeading(b) {
		return b[:1]
	}
	cell, _, _ := bytes.Cut(b, []byte("\t"))
	return cell
}

// Row is a row of a dump. Its cells are what the store held, whoever wrote it there.
type Row struct{ columns, cells []string }

func newRow(columns []string, text []byte) Row {
	if text == nil || isHeading(text) {
		return Row{}
	}
	return Row{columns, strings.Split(string(text), "\t")}
}

// Cell is the cell of a column, "" if there is none.
func (r Row) Cell(column string) string {
	if i := slices.Index(r.columns, column); i >= 0 && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// ID is the cell of a column as one of our own ids.
func (r Row) ID(column string) (domain.ID, bool) {
	cell := r.Cell(column)
	if b, err := hex.DecodeString(cell); err == nil && len(b) == len(domain.ID{}) {
		return domain.ID(b), true
	}
	id, err := domain.ParseID(cell)
	return id, err == nil && !id.IsZero()
}

// Int is the cell of a column as a number.
func (r Row) Int(column string) (int64, bool) {
	n, err := strconv.ParseInt(r.Cell(column), 10, 64)
	return n, err == nil
}

func (r Row) position() (domain.Position, bool) {
	n, ok := r.Int("position")
	return domain.Position(n), ok && n >= 0
}

// keyCells is how many cells a key has.
const keyCells = 3

// Key names the row: the first columns with their cells.
func (r Row) Key() string {
	var out []string
	for i := range min(keyCells, len(r.cells), len(r.columns)) {
		if cell, ok := shown(r.cells[i]); ok {
			out = append(out, r.columns[i]+"="+cell)
		}
	}
	return strings.Join(out, " ")
}

// shown is a cell as a report may print it: numbers, ids and codes whole, tokens
// and what else is in hexadecimal cut short, nothing else.
func shown(cell string) (string, bool) {
	const short = 12
	if text, err := strconv.Unquote(cell); err == nil {
		cell = text
	}
	n, err := strconv.ParseInt(cell, 10, 64)
	_, notID := domain.ParseID(cell)
	hexed := len(cell)%2 == 0 && strings.Trim(cell, "0123456789abcdef") == ""
	switch {
	case err == nil && strconv.FormatInt(n, 10) == cell, notID == nil:
		return cell, true
	case hexed && len(cell) == 2*len(domain.ID{}):
		b, err := hex.DecodeString(cell)
		if err != nil {
			return "", false
		}
		return domain.ID(b).String(), true
	case hexed && len(cell) > short:
		return cell[:short] + "…", true
	case cell != "" && cell[0] >= 'a' && cell[0] <= 'z' && event.IsCode(cell):
		return cell, true
	}
	return "", false
}

// differ names the columns in which two rows differ.
func (r Row) differ(o Row) (out []string) {
	for i, name := range r.columns {
		a, b := "", ""
		if i < len(r.cells) {
			a = r.cells[i]
		}
		if i < len(o.cells) {
			b = o.cells[i]
		}
		if a != b {
			out = append(out, name)
		}
	}
	return out
}

func joined(columns []string) string {
	if len(columns) == 0 {
		return "its length"
	}
	return strings.Join(columns, ", ")
}
