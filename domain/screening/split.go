package screening

import "bytes"

// MaxRecord bounds a line or a CSV record, in bytes. A longer one is unreadable.
const MaxRecord = 64 << 10

// Record is one line, or one record of a CSV file with its quoted line breaks.
type Record struct {
	Len   int    // bytes, with the line break
	Lines int    // how many lines it spans
	Bad   string // why it cannot be read: LineTooLong, LineInvalid or ""
	Blank bool   // there is nothing on it
}

// Next finds the first record of b. ok is false if b must grow first: to more than
// MaxRecord bytes, or to the end of the file. A quote that does not close spoils its
// own line alone: the next record begins on the next line.
func (f Format) Next(b []byte, end bool) (r Record, ok bool) {
	n := bytes.IndexByte(b, '\n') + 1
	switch {
	case n == 0 && len(b) > MaxRecord || n > MaxRecord:
		if n == 0 && !end {
			return r, false
		}
		r.Bad = LineTooLong
		if n == 0 {
			n = len(b)
		}
		r.Len, r.Lines = n, 1
		return r, true
	case n == 0 && (!end || len(b) == 0):
		return r, false
	case n == 0:
		n = len(b)
	}
	r.Len, r.Lines = n, 1
	if f.Separator == 0 || bytes.IndexByte(b[:n], '"') < 0 {
		r.Blank = len(bytes.TrimSpace(b[:n])) == 0
		return r, true
	}
	whole, known := quotedRecord(b[:min(len(b), MaxRecord+1)], f.Separator, end && len(b) <= MaxRecord)
	switch {
	case !known && len(b) <= MaxRecord && !end:
		return r, false
	case whole == 0 || whole > MaxRecord:
		r.Bad = LineInvalid
	default:
		r.Len, r.Lines = whole, bytes.Count(b[:whole], []byte{'\n'})
		if b[whole-1] != '\n' {
			r.Lines++
		}
	}
	return r, true
}

// quotedRecord is the length of the record at the head of b, 0 if its quotes are not
// as RFC 4180 has them. known is false if b ends before that can be told.
func quotedRecord(b []byte, sep byte, end bool) (n int, known bool) {
	for i := 0; i < len(b); {
		if b[i] != '"' { // of quotes inside a field that does not begin with one nothing depends
			j := bytes.IndexAny(b[i:], string([]byte{sep, '\n'}))
			if j < 0 {
				return len(b), end
			}
			if i += j + 1; b[i-1] == '\n' {
				return i, true
			}
			continue
		}
		for i++; ; i += 2 {
			j := bytes.IndexByte(b[i:], '"')
			if j < 0 {
				return 0, end
			}
			i += j
			if i+1 >= len(b) || b[i+1] != '"' {
				break
			}
		}
		i++ // behind the closing quote
		switch rest := b[i:]; {
		case len(rest) == 0:
			return len(b), end
		case rest[0] == '\n':
			return i + 1, true
		case rest[0] == sep:
			i++
		case rest[0] == '\r' && len(rest) == 1:
			return len(b), end
		case rest[0] == '\r' && rest[1] == '\n':
			return i + 2, true
		default:
			return 0, true
		}
	}
	return len(b), end
}

// Cell gives the n-th field of a record, from 1; ok is false if it has fewer. A field
// in quotes is given without them, in scratch if it holds quotes of its own.
func Cell(rec []byte, sep byte, n int, scratch []byte) (cell []byte, ok bool) {
	rec = bytes.TrimSuffix(bytes.TrimSuffix(rec, []byte{'\n'}), []byte{'\r'})
	for ; ; n-- {
		var field []byte
		field, rec, ok = cut(rec, sep)
		if n == 1 {
			return unquoted(field, scratch), true
		}
		if !ok {
			return nil, false
		}
	}
}

// cut takes the first field off; more is false if it was the last.
func cut(rec []byte, sep byte) (field, rest []byte, more bool) {
	at := 0
	if len(rec) > 0 && rec[0] == '"' {
		for at = 1; ; at += 2 {
			j := bytes.IndexByte(rec[at:], '"')
			if j < 0 {
				return rec, nil, false
			}
			at += j
			if at+1 >= len(rec) || rec[at+1] != '"' {
				at++
				break
			}
		}
	}
	j := bytes.IndexByte(rec[at:], sep)
	if j < 0 {
		return rec, nil, false
	}
	return rec[:at+j], rec[at+j+1:], true
}

func unquoted(field, scratch []byte) []byte {
	if len(field) < 2 || field[0] != '"' || field[len(field)-1] != '"' {
		return field
	}
	field = field[1 : len(field)-1]
	if bytes.IndexByte(field, '"') < 0 {
		return field
	}
	scratch = scratch[:0]
	for i := 0; i < len(field); i++ {
		if scratch = append(scratch, field[i]); field[i] == '"' {
			i++
		}
	}
	return scratch
}
