package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader walks YAML nodes and gathers problems instead of stopping at one.
type reader struct{ errs Errors }

func (r *reader) add(n *yaml.Node, path, format string, args ...any) {
	e := Error{Path: path, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	r.errs = append(r.errs, e)
}

// object is a mapping of which every key is known.
type object struct {
	r    *reader
	node *yaml.Node
	path string
	at   map[string]*yaml.Node
}

// object reads n as a mapping with only these keys. On any other node it says
// so and returns an object on which every required key is silently absent.
func (r *reader) object(n *yaml.Node, path string, keys ...string) *object {
	o := &object{r: r, node: n, path: path}
	if n.Kind != yaml.MappingNode {
		r.add(n, path, "write a mapping of keys here (%s)", strings.Join(keys, ", "))
		return o
	}
	o.at = make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(keys, k.Value):
			r.add(k, path, "remove or correct this key, which the format does not know; known here: %s", strings.Join(keys, ", "))
		case o.at[k.Value] != nil:
			r.add(k, join(path, k.Value), "keep only one of these equal keys")
		default:
			o.at[k.Value] = v
		}
	}
	return o
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// get finds a key's node. A required one that is absent is a problem, unless the
// object itself was none.
func (o *object) get(key string, required bool) *yaml.Node {
	n := o.at[key]
	if n == nil && required && o.at != nil {
		o.r.add(o.node, join(o.path, key), "add this key, which is required")
	}
	return n
}

// must reads a required, non-empty text; may an optional one.
func (o *object) must(key string) string { return o.text(key, true) }
func (o *object) may(key string) string  { return o.text(key, false) }

func (o *object) text(key string, required bool) string {
	n := o.get(key, required)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" || len(n.Value) > maxText {
		o.r.add(n, join(o.path, key), "write a text of 1 to %d bytes", maxText)
		return ""
	}
	return n.Value
}

// code reads a required identifier: lower-case letters, digits and "_".
func (o *object) code(key string) string {
	s := o.must(key)
	if s != "" && !isCode(s) {
		o.r.add(o.at[key], join(o.path, key), "write a code: a lower-case letter, then at most 39 lower-case letters, digits or _")
		return ""
	}
	return s
}

// oneOf reads one of a closed list; absent is "" where it is not required.
func (o *object) oneOf(key string, required bool, known []string) string {
	s := o.text(key, required)
	if s != "" && !slices.Contains(known, s) {
		o.r.add(o.at[key], join(o.path, key), "write one of: %s", strings.Join(known, ", "))
		return ""
	}
	return s
}

// someOf reads a list of distinct members of a closed list.
func (o *object) someOf(key string, required bool, known []string) []string {
	var out []string
	o.each(key, required, func(n *yaml.Node, path string) {
		switch {
		case n.Kind != yaml.ScalarNode || !slices.Contains(known, n.Value):
			o.r.add(n, path, "write one of: %s", strings.Join(known, ", "))
		case slices.Contains(out, n.Value):
			o.r.add(n, path, "remove this, it is in the list already")
		default:
			out = append(out, n.Value)
		}
	})
	return out
}

func (o *object) flag(key string, absent bool) bool {
	n := o.get(key, false)
	if n == nil {
		return absent
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || (n.Value != "true" && n.Value != "false") {
		o.r.add(n, join(o.path, key), "write true or false")
		return absent
	}
	return n.Value == "true"
}

// number reads a required integer in [least, most].
func (o *object) number(key string, least, most int) int {
	n := o.get(key, true)
	if n == nil {
		return least
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || v < least || v > most {
		o.r.add(n, join(o.path, key), "write a whole number from %d to %d", least, most)
		return least
	}
	return v
}

func (o *object) label(key string) Label {
	n := o.get(key, true)
	if n == nil {
		return Label{}
	}
	l := o.r.object(n, join(o.path, key), "fr", "en")
	return Label{FR: l.must("fr"), EN: l.must("en")}
}

// each calls fn for each item of a list; required means at least one.
func (o *object) each(key string, required bool, fn func(n *yaml.Node, path string)) {
	n := o.get(key, required)
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode || (required && len(n.Content) == 0) {
		o.r.add(n, join(o.path, key), "write a list%s", map[bool]string{true: " of at least one item"}[required])
		return
	}
	for i, item := range n.Content {
		fn(item, fmt.Sprintf("%s[%d]", join(o.path, key), i))
	}
}

func isCode(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 40
}
