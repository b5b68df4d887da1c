package screening

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"greffe/domain/event"
	"greffe/domain/token"
)

// Format is the form of a file as it was read. The zero Format is one address a line.
type Format struct {
	Separator byte // of a CSV file (RFC 4180): ',', ';' or tab; 0: one address a line
	Column    int  // of the address, from 1; 0: one address a line
	Header    bool // the first record names the columns; it is passed on
}

// Layout is what somebody tells about a file; what is left open is found in its first
// record.
type Layout struct {
	CSV       bool
	Separator byte   // 0: the one of , ; tab that stands most often in the first record
	Column    string // name, in any case, or number from 1; "": a usual name of such a column
	Header    bool   // with a column's number: there are names all the same
}

// Why a layout does not fit a file.
var (
	ErrColumn    = errors.New("the file has no such column: give a name of its first line, or a number from 1")
	ErrAmbiguous = errors.New("several columns may hold the address: give the name of one, or its number")
)

// SeparatorNames are the codes of separators.
func SeparatorNames() []string { return []string{"comma", "semicolon", "tab"} }

const separators = ",;\t"

// SeparatorNamed is the separator of a code or the sign itself; ok is false for
// another.
func SeparatorNamed(s string) (sep byte, ok bool) {
	if i := slices.Index(SeparatorNames(), s); i >= 0 {
		return separators[i], true
	}
	if len(s) == 1 && strings.Contains(separators, s) {
		return s[0], true
	}
	return 0, false
}

func (f Format) codes(c event.Codes) event.Codes {
	if f.Separator == 0 {
		return c.With("format", "lines")
	}
	c = c.With("format", "csv").With("separator", SeparatorNames()[strings.IndexByte(separators, f.Separator)]).With("column", int64(f.Column))
	if f.Header {
		c = c.With("header", true)
	}
	return c
}

func formatOf(c event.Codes) (f Format) {
	if c.String("format") != "csv" {
		return f
	}
	f.Separator, _ = SeparatorNamed(c.String("separator"))
	f.Column, f.Header = int(c.Int("column")), c.Bool("header")
	return f
}

// Resolve finds the form of a file from how it begins, behind a byte order mark; end
// tells that b is all of it. names is the length of the record that names the columns.
func (l Layout) Resolve(b []byte, end bool, kind token.Kind, input Input) (f Format, names int, err error) {
	if !l.CSV {
		return Format{}, 0, nil
	}
	first := l.first(b, end)
	if l.Separator == 0 {
		l.Separator = ','
	}
	if f, err = l.resolve(first, kind, input); err == nil && f.Header {
		names = len(first)
	}
	return f, names, err
}

// first is the first record, nil if it cannot be read. An open separator becomes that
// which stands in it most often outside quotes.
func (l *Layout) first(b []byte, end bool) (first []byte) {
	given, most := l.Separator, 0
	for i := range len(separators) {
		sep := separators[i]
		if given != 0 && given != sep {
			continue
		}
		r, ok := Format{Separator: sep}.Next(b, end)
		if !ok || r.Bad != "" {
			continue
		}
		if n := 1 + outside(b[:r.Len], sep); n > most {
			most, first, l.Separator = n, b[:r.Len], sep
		}
	}
	return first
}

// outside counts the separators outside quotes.
func outside(rec []byte, sep byte) (n int) {
	quoted := false
	for _, b := range rec {
		switch {
		case b == '"':
			quoted = !quoted
		case b == sep && !quoted:
			n++
		}
	}
	return n
}

func (l Layout) resolve(first []byte, kind token.Kind, input Input) (Format, error) {
	f := Format{Separator: l.Separator, Header: true}
	names := headings(first, f.Separator)
	if l.Column == "" {
		return f.usual(names, kind, input)
	}
	for i, name := range names {
		if !strings.EqualFold(name, strings.TrimSpace(l.Column)) {
			continue
		}
		if f.Column != 0 {
			return f, ErrAmbiguous
		}
		f.Column = i + 1
	}
	if f.Column != 0 {
		return f, nil
	}
	n, err := strconv.Atoi(l.Column)
	if err != nil || n < 1 || n > maxColumn {
		return f, ErrColumn
	}
	f.Column, f.Header = n, l.Header
	return f, nil
}

const maxColumn = 10_000

// usual looks for a column that is named as such columns are.
func (f Format) usual(names []string, kind token.Kind, input Input) (Format, error) {
	wanted := []string{"email", "e-mail", "mail", "courriel"}
	switch {
	case input != Clear:
		wanted = []string{string(input)}
	case kind == token.KindPhone:
		wanted = []string{"phone", "telephone", "téléphone", "tel", "mobile"}
	}
	for i, name := range names {
		if !slices.Contains(wanted, strings.ToLower(name)) {
			continue
		}
		if f.Column != 0 {
			return f, ErrAmbiguous
		}
		f.Column = i + 1
	}
	if f.Column == 0 {
		return f, ErrColumn
	}
	return f, nil
}

func headings(first []byte, sep byte) (names []string) {
	rest, more := bytes.TrimRight(first, "\r\n"), first != nil
	for more && len(names) < maxColumn {
		var field []byte
		field, rest, more = cut(rest, sep)
		names = append(names, string(bytes.TrimSpace(unquoted(field, nil))))
	}
	return names
}
