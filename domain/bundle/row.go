package bundle

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

var (
	// ErrSchema: a table's name or columns are not of the format.
	ErrSchema = errors.New("not a table's schema")
	// ErrRow: a row does not fit its table's columns, or a value its type.
	ErrRow = errors.New("the row does not fit its table")
)

const (
	maxInt     = 1<<53 - 1 // RFC 8785 relies on IEEE 754 doubles
	maxColumns = 200
	timeLayout = "2006-01-02T15:04:05.000000Z"
)

// check says whether name and columns can make a table.
func (s *Schema) check(name string) error {
	if !columnName(name) || len(s.Columns) == 0 || len(s.Columns) > maxColumns {
		return fmt.Errorf("%w: name or number of columns", ErrSchema)
	}
	seen := make(map[string]bool, len(s.Columns))
	for i, c := range s.Columns {
		if !columnName(c.Name) || !c.Type.known() || seen[c.Name] || !utf8.ValidString(c.Doc+c.Label) {
			return fmt.Errorf("%w: column %d", ErrSchema, i)
		}
		seen[c.Name] = true
	}
	return nil
}

func columnName(n string) bool {
	if n == "" || len(n) > 64 {
		return false
	}
	for i := range len(n) {
		if c := n[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && (c != '-' || i == 0) {
			return false
		}
	}
	return true
}

// fits says whether a row can be written: nothing is written of one that cannot.
func (s *Schema) fits(row []Value) error {
	if len(row) != len(s.Columns) {
		return fmt.Errorf("%w: %d values for %d columns", ErrRow, len(row), len(s.Columns))
	}
	for i := range row {
		if v := &row[i]; v.typ != "" && (v.typ != s.Columns[i].Type || !v.valid()) {
			return fmt.Errorf("%w: column %s", ErrRow, s.Columns[i].Name)
		}
	}
	return nil
}

func (v *Value) valid() bool {
	switch v.typ {
	case Text:
		return utf8.ValidString(v.text)
	case List:
		return !slices.ContainsFunc(v.list, func(s string) bool { return !utf8.ValidString(s) })
	case Int:
		return v.n >= -maxInt && v.n <= maxInt
	case Time:
		y := time.UnixMicro(v.n).UTC().Year()
		return y >= 0 && y <= 9999
	}
	return true
}

// lines writes rows as canonical JSON, one a line.
type lines struct {
	order []int    // of the columns, by name
	names []string // `"name":`, in that order
}

func newLines(s *Schema) *lines {
	l := &lines{order: make([]int, len(s.Columns)), names: make([]string, len(s.Columns))}
	for i := range l.order {
		l.order[i] = i
	}
	slices.SortFunc(l.order, func(a, b int) int { return cmp.Compare(s.Columns[a].Name, s.Columns[b].Name) })
	for i, c := range l.order {
		l.names[i] = `"` + s.Columns[c].Name + `":`
	}
	return l
}

// append adds one row and its line feed. Absent values are left out.
func (l *lines) append(b []byte, row []Value) []byte {
	b = append(b, '{')
	first := true
	for i, c := range l.order {
		v := &row[c]
		if v.typ == "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = v.appendJSON(append(b, l.names[i]...))
	}
	return append(b, '}', '\n')
}

func (v *Value) appendJSON(b []byte) []byte {
	switch v.typ {
	case Text:
		return quote(b, v.text)
	case Int:
		return strconv.AppendInt(b, v.n, 10)
	case Time:
		return append(time.UnixMicro(v.n).UTC().AppendFormat(append(b, '"'), timeLayout), '"')
	case Bool:
		return strconv.AppendBool(b, v.n != 0)
	case ID:
		return append(appendID(append(b, '"'), v.id), '"')
	default:
		b = append(b, '[')
		for i, s := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = quote(b, s)
		}
		return append(b, ']')
	}
}

// quote writes a JSON string as RFC 8785 §3.2.2.2 has it. s is UTF-8.
func quote(b []byte, s string) []byte {
	q, err := jsontext.AppendQuote(b, s)
	if err != nil { // only for what is no UTF-8, which fits refuses
		return append(b, '"', '"')
	}
	return q
}

// appendID appends the canonical form of a UUID.
func appendID(b []byte, id domain.ID) []byte {
	for i, from := range [5]int{0, 4, 6, 8, 10} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[from:[5]int{4, 6, 8, 10, 16}[i]])
	}
	return b
}
