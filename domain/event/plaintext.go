package event

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrPlaintext: an opened part does not hold what Plaintext writes.
var ErrPlaintext = errors.New("not the plaintext of a part")

// Plaintext is what a part seals: one JSON object of its fields, sorted by path.
// Paths are codes and need no escaping.
func Plaintext(fields []Field) []byte {
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	n := 2
	for _, f := range fields {
		n += len(f.Path) + len(f.Value) + 4
	}
	b := append(make([]byte, 0, n), '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f.Path...)
		b = append(b, '"', ':')
		b = append(b, f.Value...)
	}
	return append(b, '}')
}

// ParsePlaintext reads what Plaintext wrote.
func ParsePlaintext(b []byte) ([]Field, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(b))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, ErrPlaintext
	}
	var fields []Field
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, ErrPlaintext
		}
		path := name.String()
		val, err := dec.ReadValue()
		if err != nil {
			return nil, ErrPlaintext
		}
		fields = append(fields, Field{Path: path, Value: val.Clone()})
	}
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '}' {
		return nil, ErrPlaintext
	}
	return fields, nil
}
