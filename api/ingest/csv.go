package ingest

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxJoined  = 20    // lines of one row, where a field holds line breaks
	maxColumns = 1_000 // of a file
)

// cutCSV reads a line of names and then rows. A row is one line, or several
// where quotes are open at its end. A row that does not fit the names is a
// damaged record: what protects is taken from it, and it is set aside.
func (m *Mapping) cutCSV(src io.Reader, emit func(Record) bool) error {
	comma, _ := utf8.DecodeRuneInString(m.info.Delimiter)
	c := csvCutter{comma: comma, needs: m.info.Columns, emit: emit}
	if err := eachLine(src, c.line); err != nil {
		return err
	}
	for len(c.open) > 0 {
		if err := c.giveUp(); err != nil {
			return err
		}
	}
	return nil
}

type csvCutter struct {
	comma rune
	needs []string
	emit  func(Record) bool
	names []string
	first []byte   // the line of names
	open  [][]byte // lines of a row whose quotes are not closed yet
}

func (c *csvCutter) line(line []byte) error {
	if c.names == nil {
		return c.head(line)
	}
	c.open = append(c.open, line)
	quotes := 0
	for _, l := range c.open {
		quotes += bytes.Count(l, []byte{'"'})
	}
	switch {
	case quotes%2 == 0:
		row := bytes.Join(c.open, []byte{'\n'})
		c.open = nil
		return c.row(row, true)
	case len(c.open) > maxJoined:
		return c.giveUp()
	}
	return nil
}

// giveUp takes the line whose quotes no line closes for a damaged row, and
// reads the others anew.
func (c *csvCutter) giveUp() error {
	lines := c.open
	c.open = nil
	if err := c.row(lines[0], false); err != nil {
		return err
	}
	for _, l := range lines[1:] {
		if err := c.line(l); err != nil {
			return err
		}
	}
	return nil
}

func (c *csvCutter) head(line []byte) error {
	fields, ok := c.fields(line)
	if !ok || len(fields) > maxColumns {
		return ErrColumns
	}
	c.names, c.first = make([]string, 0, len(fields)), line
	for _, f := range fields {
		f = strings.TrimSpace(f)
		for n := 2; slices.Contains(c.names, f); n++ {
			f = strings.TrimSpace(f) + "_" + strconv.Itoa(n)
		}
		c.names = append(c.names, f)
	}
	for _, need := range c.needs {
		if !slices.Contains(c.names, need) {
			return ErrColumns
		}
	}
	return nil
}

func (c *csvCutter) row(raw []byte, whole bool) error {
	fields, ok := c.fields(raw)
	object := make(map[string]any, len(fields))
	for i, f := range fields {
		if i < len(c.names) {
			object[c.names[i]] = f
		}
	}
	if !c.emit(Record{Raw: raw, head: c.first, value: object, whole: whole && ok && len(fields) == len(c.names)}) {
		return errEnough
	}
	return nil
}

// fields splits one row; ok is false where its quotes make no sense.
func (c *csvCutter) fields(raw []byte) (out []string, ok bool) {
	text := utf8Text(raw)
	if bytes.IndexByte(text, '"') < 0 {
		return strings.Split(string(text), string(c.comma)), true
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = c.comma, -1, true
	out, err := r.Read()
	if err == nil {
		if _, err := r.Read(); err == io.EOF {
			return out, true
		}
	}
	out = strings.Split(string(text), string(c.comma))
	for i := range out {
		out[i] = strings.Trim(out[i], `"`)
	}
	return out, false
}
