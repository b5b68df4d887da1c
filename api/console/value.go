package console

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// value is JSON with its members in their order, so that a page shows them as the API
// puts them.
type value struct {
	kind    byte // of jsontext: '{', '[', '"', '0', 't', 'f', 'n'; 0 for none
	scalar  string
	list    []value
	members []member
}

type member struct {
	name string
	value
}

// maxDepth bounds what is read.
const maxDepth = 40

func parse(b []byte) (value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	v, err := read(d, 0)
	if err != nil {
		return value{}, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("console: more than one value in an answer")
	}
	return v, nil
}

func read(d *jsontext.Decoder, depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errors.New("console: an answer is too deep")
	}
	t, err := d.ReadToken()
	if err != nil {
		return value{}, err
	}
	v := value{kind: byte(t.Kind()), scalar: t.String()}
	switch t.Kind() {
	case '{':
		v.scalar = ""
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return value{}, err
			}
			key := name.String()
			m, err := read(d, depth+1)
			if err != nil {
				return value{}, err
			}
			v.members = append(v.members, member{key, m})
		}
		_, err = d.ReadToken()
	case '[':
		v.scalar = ""
		for d.PeekKind() != ']' {
			m, err := read(d, depth+1)
			if err != nil {
				return value{}, err
			}
			v.list = append(v.list, m)
		}
		_, err = d.ReadToken()
	}
	return v, err
}

// without is an object without some members.
func (v value) without(names ...string) value {
	v.members = slices.DeleteFunc(slices.Clone(v.members), func(m member) bool { return slices.Contains(names, m.name) })
	return v
}

// json is the value as it was read.
func (v value) json() string {
	var parts []string
	switch v.kind {
	case '{':
		for _, m := range v.members {
			parts = append(parts, jsonText(m.name)+":"+m.json())
		}
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		for _, w := range v.list {
			parts = append(parts, w.json())
		}
		return "[" + strings.Join(parts, ",") + "]"
	case '"':
		return jsonText(v.scalar)
	case '0':
		return v.scalar
	case 't':
		return "true"
	case 'f':
		return "false"
	}
	return "null"
}

func jsonText(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// at is the member by a dotted path; the empty value if there is none.
func (v value) at(path string) value {
	for name := range strings.SplitSeq(path, ".") {
		v = v.member(name)
	}
	return v
}

func (v value) member(name string) value {
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return value{}
}

// text is the scalar at a path, "" for anything else.
func (v value) text(path string) string {
	if w := v.at(path); w.kind != 'n' {
		return w.scalar
	}
	return ""
}

// is reports a true at a path.
func (v value) is(path string) bool { return v.at(path).kind == 't' }

// empty reports what a page need not show.
func (v value) empty() bool {
	switch v.kind {
	case '"':
		return v.scalar == ""
	case '[':
		return len(v.list) == 0
	case '{':
		return len(v.members) == 0
	}
	return v.kind == 0 || v.kind == 'n'
}

// strings are the scalars of a list.
func (v value) strings() []string {
	var out []string
	for _, w := range v.list {
		out = append(out, w.scalar)
	}
	return out
}
