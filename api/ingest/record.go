package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Record is one of the things that a body or a file holds.
type Record struct {
	Number int    // from 1
	Raw    []byte // as it came
	value  any    // what jq sees
	whole  bool   // all of it could be read
	head   []byte // of a CSV: the line of names
}

// Whole reports whether all of the record could be read.
func (r *Record) Whole() bool { return r.whole }

// Join writes records of one mapping as one body again, in the mapping's input.
// A damaged record must be alone: where it ends is a guess.
func Join(records []Record) []byte {
	var out []byte
	for i := range records {
		if head := records[i].head; i == 0 && head != nil {
			out = append(append(out, head...), '\n')
		}
		out = append(append(out, records[i].Raw...), '\n')
	}
	return out
}

// MaxRecord bounds one record, in bytes.
const MaxRecord = 4 << 20

var (
	// ErrRecordTooLong: one record is longer than MaxRecord. What came before it
	// was read.
	ErrRecordTooLong = errors.New("one record is longer than 4 MiB")
	// ErrColumns: the CSV has not the columns that the mapping needs, so it is
	// another file, or its delimiter is another. Nothing was read.
	ErrColumns = errors.New("the columns are not those of this mapping; see GET /v1/ingest for names and delimiter")
)

// Records cuts a body or a file into records, by the mapping's own input, or by
// in where that is not "". It reads as it is asked to and keeps one record in
// memory. Errors, after which nothing follows, are ErrRecordTooLong, ErrColumns,
// or those of src.
func (m *Mapping) Records(src io.Reader, in Input) iter.Seq2[Record, error] {
	if in == "" {
		in = m.info.Input
	}
	cut := cutValues
	switch in {
	case NDJSON:
		cut = cutLines
	case CSV:
		cut = m.cutCSV
	case Form:
		cut = cutForm
	}
	return func(yield func(Record, error) bool) {
		n := 0
		err := cut(src, func(r Record) bool {
			n++
			r.Number = n
			return yield(r, nil)
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(Record{Number: n + 1}, err)
		}
	}
}

// errEnough: who asked for records wants no more.
var errEnough = errors.New("no more records are wanted")

// RecordOf makes a record of one message that is JSON.
func RecordOf(raw []byte) Record {
	v, whole := readValue(raw)
	return Record{Number: 1, Raw: raw, value: v, whole: whole}
}

// maxBroken is how many broken values of one body are told apart.
const maxBroken = 100

// cutValues reads JSON values one after another; of an array, its elements. A
// broken one is a record of its own as far as its end can be guessed, so that it
// does not hide the others.
func cutValues(src io.Reader, emit func(Record) bool) error {
	for broken := 1; ; broken++ {
		rest, err := cutUntilBroken(src, emit)
		if err != nil || len(rest) == 0 {
			return err
		}
		n := len(rest)
		if broken < maxBroken {
			n = extent(rest)
		}
		if !emit(RecordOf(rest[:n])) {
			return errEnough
		}
		src = io.MultiReader(strings.NewReader("["), bytes.NewReader(between(rest[n:])))
	}
}

func between(b []byte) []byte { return bytes.TrimLeft(b, ", \t\r\n") }

// cutUntilBroken reads values until the end, or until one is broken: rest is
// then what begins with it.
func cutUntilBroken(src io.Reader, emit func(Record) bool) (rest []byte, err error) {
	room := &budget{src: src}
	room.grant()
	buffered := bufio.NewReader(room)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3)
	}
	dec := jsontext.NewDecoder(buffered, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		var v jsontext.Value
		var err error
		bracket := false
		switch kind := dec.PeekKind(); {
		case kind == '[' && dec.StackDepth() == 0, kind == ']':
			bracket = true
			_, err = dec.ReadToken()
		default:
			v, err = dec.ReadValue()
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return remaining(dec, buffered, err)
		case bracket:
			continue
		case len(v) > MaxRecord:
			return nil, ErrRecordTooLong
		}
		if !emit(RecordOf(bytes.Clone(v))) {
			return nil, errEnough
		}
		room.grant()
	}
}

// remaining is what follows a place that is no JSON.
func remaining(dec *jsontext.Decoder, src io.Reader, cause error) ([]byte, error) {
	var syntactic *jsontext.SyntacticError
	if !errors.As(cause, &syntactic) && !errors.Is(cause, io.ErrUnexpectedEOF) {
		return nil, cause // of src
	}
	rest, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(bytes.Clone(dec.UnreadBuffer())), src), MaxRecord+1))
	switch {
	case err != nil:
		return nil, err
	case len(rest) > MaxRecord:
		return nil, ErrRecordTooLong
	}
	return between(rest), nil
}

// extent guesses how long the broken value is that b begins with: to where as
// many braces close as opened, else to where an object seems to follow another.
func extent(b []byte) int {
	depth := 0
	for i, c := range b {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth <= 0 {
				return i + 1
			}
		case ',', '\n':
			if depth == 0 && i > 0 {
				return i
			}
		}
	}
	if at := bytes.Index(b, []byte("},{")); at >= 0 {
		return at + 1
	}
	return len(b)
}

// budget reads no more of src than one record may have, until the next grant.
type budget struct {
	src  io.Reader
	left int
}

func (b *budget) grant() { b.left = 2 * MaxRecord }

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrRecordTooLong
	}
	n, err := b.src.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func cutLines(src io.Reader, emit func(Record) bool) error {
	return eachLine(src, func(line []byte) error {
		if !emit(RecordOf(line)) {
			return errEnough
		}
		return nil
	})
}

// eachLine calls fn for each line that is not blank. The bytes are fn's own.
func eachLine(src io.Reader, fn func(line []byte) error) error {
	lines := bufio.NewScanner(src)
	lines.Buffer(make([]byte, 0, 64<<10), MaxRecord)
	for lines.Scan() {
		line := bytes.TrimRight(lines.Bytes(), "\r")
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := fn(bytes.Clone(line)); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return ErrRecordTooLong
	}
	return lines.Err()
}

// cutForm reads the fields of a form as one object of strings.
func cutForm(src io.Reader, emit func(Record) bool) error {
	raw, err := io.ReadAll(io.LimitReader(src, MaxRecord+1))
	switch {
	case err != nil:
		return fmt.Errorf("read form: %w", err)
	case len(raw) > MaxRecord:
		return ErrRecordTooLong
	case len(bytes.TrimSpace(raw)) == 0:
		return nil
	}
	fields, err := url.ParseQuery(string(raw)) // gives what it can read, and the first error
	object := map[string]any{}
	for name, values := range fields {
		object[string(utf8Text([]byte(name)))] = string(utf8Text([]byte(values[0])))
	}
	if !emit(Record{Raw: raw, value: object, whole: err == nil}) {
		return errEnough
	}
	return nil
}
