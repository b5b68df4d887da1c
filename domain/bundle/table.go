package bundle

import (
	"errors"
	"fmt"
)

// Table is one logical table on its way into each of its forms.
type Table struct {
	w      *Writer
	name   string
	schema Schema
	forms  []form
	rows   int64
	done   bool
}

// form is one way of writing the rows of a table.
type form interface {
	add(row []Value) error
	close(rows int64) error // also the file
}

func newTable(w *Writer, name string, s Schema) (*Table, error) {
	t := &Table{w: w, name: name, schema: s}
	for i, path := range tablePaths(name, s.People) {
		f, err := w.create(path, [...]string{MediaNDJSON, MediaParquet, MediaCSV}[i])
		if err != nil {
			return nil, err
		}
		f.info.Table = name
		switch i {
		case 0:
			t.forms = append(t.forms, &ndjson{out: f, lines: newLines(&t.schema)})
		case 1:
			t.forms = append(t.forms, newColumnar(f, name, &t.schema))
		default:
			c := &csv{out: f, cells: newCells(&t.schema, w.m.Language)}
			c.buf = c.cells.heading(nil)
			t.forms = append(t.forms, c)
		}
	}
	return t, nil
}

// Append writes one row: a value for each column, of its type, or absent. The
// row is read before Append returns. Errors name no value.
func (t *Table) Append(row []Value) error {
	if t.done || t.w.err != nil {
		return ErrClosed
	}
	err := t.schema.fits(row)
	for _, f := range t.forms {
		if err == nil {
			err = f.add(row)
		}
	}
	if err != nil {
		return t.w.fail(fmt.Errorf("table %s, row %d: %w", t.name, t.rows+1, err))
	}
	t.rows++
	return nil
}

// Close ends the table and enters it into the manifest.
func (t *Table) Close() error {
	if t.done {
		return nil
	}
	t.done = true
	var errs []error
	for _, f := range t.forms {
		errs = append(errs, f.close(t.rows))
	}
	if err := errors.Join(errs...); err != nil {
		return t.w.fail(fmt.Errorf("close table %s: %w", t.name, err))
	}
	t.w.m.Tables = append(t.w.m.Tables, TableInfo{t.name, t.rows, t.schema})
	return nil
}

// chunk is how many bytes a form collects before it writes.
const chunk = 64 << 10

type ndjson struct {
	out   *file
	lines *lines
	buf   []byte
}

func (n *ndjson) add(row []Value) error {
	n.buf = n.lines.append(n.buf, row)
	if len(n.buf) < chunk {
		return nil
	}
	return n.flush()
}

func (n *ndjson) flush() error {
	_, err := n.out.Write(n.buf)
	n.buf = n.buf[:0]
	return err
}

func (n *ndjson) close(rows int64) error {
	n.out.info.Rows = rows
	err := n.flush()
	return errors.Join(err, n.out.Close())
}

type csv struct {
	out   *file
	cells *cells
	buf   []byte
}

func (c *csv) add(row []Value) error {
	c.buf = c.cells.append(c.buf, row)
	if len(c.buf) < chunk {
		return nil
	}
	return c.flush()
}

func (c *csv) flush() error {
	_, err := c.out.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *csv) close(rows int64) error {
	c.out.info.Rows = rows
	err := c.flush()
	return errors.Join(err, c.out.Close())
}
