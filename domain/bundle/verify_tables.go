package bundle

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// errTable: the Parquet cannot be read as the manifest says it is.
var errTable = errors.New("parquet: not this table")

// tables holds each form of each table to its Parquet, and the tables that have
// a meaning to it.
func (v *verifier) tables() error {
	if !slices.ContainsFunc(v.m.Tables, func(t TableInfo) bool { return t.Name == EventsTable }) {
		v.r.add(Finding{Code: CodeMissing, File: TablesDir + EventsTable})
	}
	for i := range v.m.Tables {
		t := &v.m.Tables[i]
		if !v.intact[t.paths()[1]] {
			continue // named already
		}
		if err := v.table(t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// meant reads what the rows of a table mean.
type meant interface {
	row(n int64, row []Value) error
	end() error
}

func (v *verifier) meant(t *TableInfo) (meant, error) {
	switch t.Name {
	case EventsTable:
		return v.newEvents(t)
	case OppositionTable:
		return v.newOpposition(t), nil
	case NoticesTable:
		return v.newNotices(t), nil
	}
	return nil, nil
}

func (v *verifier) table(t *TableInfo) error {
	v.r.Checked.Tables++
	m, err := v.meant(t)
	if err != nil {
		return err
	}
	forms, err := v.forms(t)
	if err != nil {
		return err
	}
	defer forms.close()
	n := int64(0)
	err = v.eachRow(t, func(row []Value) error {
		n++
		v.r.Checked.Rows++
		if err := forms.row(n, row); err != nil || m == nil {
			return err
		}
		return m.row(n, row)
	})
	if errors.Is(err, errTable) || err == nil && n != t.Rows {
		v.r.add(Finding{Code: CodeParquet, File: t.paths()[1], Row: n + 1})
		return nil
	}
	if err == nil {
		err = forms.end(v, t)
	}
	if err == nil && m != nil {
		err = m.end()
	}
	return err
}

// forms are the NDJSON and the CSV of a table beside its Parquet.
type forms struct {
	json, csv *matcher
	lines     *lines
	cells     *cells
	buf       []byte
}

func (v *verifier) forms(t *TableInfo) (*forms, error) {
	f := &forms{lines: newLines(&t.Schema), cells: newCells(&t.Schema, v.m.Language)}
	var err error
	paths := t.paths()
	if v.entries[paths[0]] != nil {
		if f.json, err = v.matcher(paths[0]); err != nil {
			return nil, err
		}
	}
	if t.People && v.entries[paths[2]] != nil {
		if f.csv, err = v.matcher(paths[2]); err != nil {
			return nil, errors.Join(err, f.close())
		}
		err = f.csv.expect(0, f.cells.heading(nil))
	}
	return f, err
}

func (f *forms) row(n int64, row []Value) error {
	if f.json != nil {
		f.buf = f.lines.append(f.buf[:0], row)
		if err := f.json.expect(n, f.buf); err != nil {
			return err
		}
	}
	if f.csv == nil {
		return nil
	}
	f.buf = f.cells.append(f.buf[:0], row)
	return f.csv.expect(n, f.buf)
}

func (f *forms) end(v *verifier, t *TableInfo) error {
	for _, m := range []*matcher{f.json, f.csv} {
		if m == nil {
			continue
		}
		if err := m.end(t.Rows); err != nil {
			return err
		}
		if m.row != 0 {
			v.r.add(Finding{Code: CodeRow, File: m.path, Row: m.row})
		}
	}
	return nil
}

func (f *forms) close() error {
	var errs []error
	for _, m := range []*matcher{f.json, f.csv} {
		if m != nil {
			errs = append(errs, m.in.Close())
		}
	}
	return errors.Join(errs...)
}

// eachRow gives each row of a Parquet file; the row is valid until fn returns.
// Whatever the reader makes of bytes that it does not understand, also a panic, is
// errTable.
func (v *verifier) eachRow(t *TableInfo, fn func([]Value) error) (err error) {
	in, err := v.open(t.paths()[1])
	if err != nil {
		return err
	}
	var failed error // of fn, which is no fault of the file
	defer func() {
		if p := recover(); p != nil {
			err = errTable
		}
		if failed != nil {
			err = failed
		}
		err = errors.Join(err, in.Close())
	}()
	f, err := parquet.OpenFile(in, in.size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(in.room()))
	if err != nil || f.Schema().String() != parquetSchema(t.Name, &t.Schema).String() {
		return errTable
	}
	d := newDecoder(&t.Schema)
	buf := make([]parquet.Row, 128)
	for _, g := range f.RowGroups() {
		if failed, err = d.group(g, buf, fn); failed != nil || err != nil {
			return err
		}
	}
	return nil
}

// decoder makes rows of Parquet's values.
type decoder struct {
	schema *Schema
	order  []int
	row    []Value
}

func newDecoder(s *Schema) *decoder {
	return &decoder{s, newLines(s).order, make([]Value, len(s.Columns))}
}

func (d *decoder) group(g parquet.RowGroup, buf []parquet.Row, fn func([]Value) error) (failed, err error) {
	rows := g.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		n, err := rows.ReadRows(buf)
		for _, r := range buf[:n] {
			if !d.decode(r) {
				return nil, errTable
			}
			if err := fn(d.row); err != nil {
				return err, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil || n == 0 {
			return nil, errTable
		}
	}
}

func (d *decoder) decode(r parquet.Row) bool {
	clear(d.row)
	ok := true
	r.Range(func(i int, values []parquet.Value) bool {
		if i >= len(d.order) || len(values) == 0 {
			ok = false
			return false
		}
		at := d.order[i]
		d.row[at] = decodeValue(d.schema.Columns[at].Type, values)
		return true
	})
	return ok && d.schema.fits(d.row) == nil
}

func decodeValue(t Type, values []parquet.Value) Value {
	first := values[0]
	if first.IsNull() {
		return Value{}
	}
	switch t {
	case Text:
		return TextOf(string(first.ByteArray()))
	case ID:
		v := Value{typ: ID}
		if v.id.UnmarshalText(first.ByteArray()) != nil {
			return Value{typ: List, list: []string{""}} // fits refuses it
		}
		return v
	case Bool:
		return BoolOf(first.Boolean())
	case List:
		l := make([]string, len(values))
		for i := range values {
			l[i] = string(values[i].ByteArray())
		}
		return Value{typ: List, list: l}
	default:
		return Value{typ: t, n: first.Int64()}
	}
}
