package importer

import (
	"bufio"
	"bytes"
	"greffe/domain/spreadsheet"
	"io"
	"strings"
)

const (
	maxRecordLines = 1000 // of one record with quoted line breaks
	maxRecordBytes = 512 << 10
)

// record is one row of a CSV file, or one line of NDJSON.
type record struct {
	line  int64 // of its first physical line, from 1
	cells []string
	raw   []byte // NDJSON
	code  string // why it cannot be read, if it cannot
}

// csvReader cuts a text into records. Quotes follow RFC 4180, and where files
// break it the reader keeps going: a quotation mark inside a quoted text that no
// delimiter follows is text; a record that opens a quote and never comes to the
// header's number of columns, or holds another whole row, costs its first line
// only.
type csvReader struct {
	*lines
	delim byte
	width int  // columns of the header; 0: not read yet
	ours  bool // a rejects file: its cells were disarmed
}

// next returns the next record, or io.EOF. Blank lines have no cells.
func (r *csvReader) next() (record, error) {
	rec, err := r.cut()
	if r.ours {
		for i := range rec.cells {
			rec.cells[i] = spreadsheet.Restore(rec.cells[i])
		}
	}
	return rec, err
}

func (r *csvReader) cut() (record, error) {
	first, err := r.peek(0)
	if err != nil {
		return record{}, err
	}
	rec := record{line: r.num + 1}
	r.tallyEncoding(first.raw)
	if first.long {
		r.consume(1)
		rec.code = "line_too_long"
		return rec, nil
	}
	text := r.decode(chomp(first.raw))
	if strings.TrimSpace(text) == "" {
		r.consume(1)
		return rec, nil
	}
	cells, closed := split(text, r.delim)
	used := 1
	if !closed {
		cells, used, closed, err = r.longer(text)
		if err != nil {
			return record{}, err
		}
	}
	if !closed || used > 1 && (r.width > 0 && len(cells) != r.width || r.swallows(used)) {
		r.consume(1)
		rec.cells, _ = split(text, r.delim)
		rec.code = "quote_open"
		return rec, nil
	}
	for i := 1; i < used; i++ {
		r.tallyEncoding(r.ahead[i].raw)
	}
	r.consume(used)
	rec.cells = cells
	return rec, nil
}

// swallows reports a record of several lines that holds another whole row: its
// quote was left open and met the quote of a later row. Narrow files give no
// such sign, their texts hold as many delimiters.
func (r *csvReader) swallows(used int) bool {
	if r.width < 4 {
		return false
	}
	for _, inner := range r.ahead[1 : used-1] {
		if cells, closed := split(r.decode(chomp(inner.raw)), r.delim); closed && len(cells) == r.width {
			return true
		}
	}
	return false
}

// longer adds lines to text until its quotes close.
func (r *csvReader) longer(text string) (cells []string, used int, closed bool, err error) {
	var b strings.Builder
	b.WriteString(text)
	for used = 1; used < maxRecordLines && b.Len() < maxRecordBytes; {
		n, err := r.peek(used)
		if err == io.EOF {
			return nil, used, false, nil
		}
		if err != nil {
			return nil, used, false, err
		}
		if n.long {
			return nil, used, false, nil
		}
		used++
		b.WriteByte('\n')
		b.WriteString(r.decode(chomp(n.raw)))
		if bytes.IndexByte(n.raw, '"') < 0 {
			continue
		}
		if cells, closed = split(b.String(), r.delim); closed {
			return cells, used, true, nil
		}
	}
	return nil, used, false, nil
}

// split cuts one record; closed is false if a quoted cell does not end in it.
func split(s string, delim byte) (cells []string, closed bool) {
	cells = make([]string, 0, 1+strings.Count(s, string(delim)))
	for {
		if len(s) > 0 && s[0] == '"' {
			cell, rest, ok := quoted(s[1:], delim)
			cells = append(cells, cell)
			if !ok {
				return cells, false
			}
			if rest == "" {
				return cells, true
			}
			s = rest[1:]
			continue
		}
		i := strings.IndexByte(s, delim)
		if i < 0 {
			return append(cells, s), true
		}
		cells = append(cells, s[:i])
		s = s[i+1:]
	}
}

// quoted reads a cell behind its opening quote; rest begins with the delimiter
// or is empty.
func quoted(s string, delim byte) (cell, rest string, ok bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			b.WriteString(s)
			return b.String(), "", false
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case s == "" || s[0] == delim:
			return b.String(), s, true
		case s[0] == '"':
			s = s[1:]
		}
		b.WriteByte('"')
	}
}

// sniff tells the delimiter by the head of a text: the one that cuts the first
// record into most columns and the others into as many. sepLine reports a
// first line "sep=;" as spreadsheets write it, which is to be skipped.
func sniff(head []byte, whole bool) (delim byte, sepLine bool) {
	text := string(head)
	if !whole {
		if i := strings.LastIndexByte(text, '\n'); i > 0 {
			text = text[:i]
		}
	}
	if l := strings.ToLower(text); strings.HasPrefix(l, "sep=") && len(l) > 5 && (l[5] == '\r' || l[5] == '\n') {
		return text[4], true
	}
	best := 0
	delim = ','
	for _, d := range []byte(";,\t|") {
		if n := score(text, d); n > best {
			best, delim = n, d
		}
	}
	return delim, false
}

func score(text string, d byte) int {
	r := csvReader{lines: newLines(newReader(text)), delim: d}
	width, same, all := 0, 0, 0
	for all < 100 {
		rec, err := r.next()
		if err != nil {
			break
		}
		if len(rec.cells) == 0 {
			continue
		}
		if width == 0 {
			width = len(rec.cells)
		}
		all++
		if len(rec.cells) == width {
			same++
		}
	}
	if all == 0 {
		return 0
	}
	return (width - 1) * same * 1000 / all
}

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }
