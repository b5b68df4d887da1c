package event

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// names remembers the names of one object: a few in place, many in a map.
type names struct {
	few  [12][]byte
	n    int
	many map[string]struct{}
}

// add reports whether the quoted name is new.
func (s *names) add(quoted []byte) bool {
	name := unquote(quoted)
	if s.n < len(s.few) {
		for _, old := range s.few[:s.n] {
			if bytes.Equal(old, name) {
				return false
			}
		}
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.many == nil {
		s.many = map[string]struct{}{}
		for _, old := range s.few {
			s.many[string(old)] = struct{}{}
		}
	}
	before := len(s.many)
	s.many[string(name)] = struct{}{}
	return len(s.many) > before
}

// unquote returns what a valid JSON string says; it allocates only for escapes.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	b, _ := jsontext.AppendUnquote(nil, quoted)
	return b
}

// tidy reports whether an array is in the form of RFC 8785 already: strings
// without escapes, words, no white space.
func tidy(array []byte) bool {
	quoted := false
	for _, b := range array {
		switch {
		case b == '"':
			quoted = !quoted
		case b == '\\':
			return false
		case quoted:
		case b <= ' ', b == '{', b == '-', b >= '0' && b <= '9':
			return false
		}
	}
	return true
}

// canonical returns val in the form of RFC 8785, in val's own bytes if they
// have it already. Strings are kept as they came.
func canonical(val jsontext.Value) (jsontext.Value, bool) {
	switch k := val.Kind(); {
	case k != '{' && k != '[' && k != '0', k == '[' && tidy(val):
		return val, true
	}
	v := jsontext.Value(slices.Clone(val))
	err := v.Canonicalize()
	return v, err == nil
}
