package contact

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/event"
)

// Values are JSON values by name, written in the order of the names.
type Values map[string]jsontext.Value

// MarshalJSONTo writes one object.
func (v Values) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if err := e.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		if err := e.WriteValue(v[name]); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

// Tree is like Values, but a dot in a name opens an object: {"notice.id":…} is
// written {"notice":{"id":…}}.
type Tree map[string]jsontext.Value

// MarshalJSONTo writes nested objects.
func (t Tree) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	done := ""
	for _, name := range slices.Sorted(maps.Keys(t)) {
		head, _, nested := strings.Cut(name, ".")
		if nested && head == done {
			continue
		}
		if err := e.WriteToken(jsontext.String(head)); err != nil {
			return err
		}
		if !nested {
			if err := e.WriteValue(t[name]); err != nil {
				return err
			}
			continue
		}
		done = head
		if err := t.below(head + ".").MarshalJSONTo(e); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

func (t Tree) below(prefix string) Tree {
	sub := Tree{}
	for name, v := range t {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			sub[rest] = v
		}
	}
	return sub
}

// Erased is how a destroyed value reads.
func Erased(by domain.ID) jsontext.Value {
	return jsontext.Value(`{"erased":true,"by":"` + by.String() + `"}`)
}

// Archived is how a value reads that left the active base, to who may not read archives.
func Archived(since domain.Time) jsontext.Value {
	return jsontext.Value(`{"archived":true,"since":"` + domain.FormatTime(since.Time) + `"}`)
}

// codeValue writes a code's value, which needs no escaping.
func codeValue(v any) jsontext.Value {
	switch v := v.(type) {
	case string:
		return jsontext.Value(`"` + v + `"`)
	case []string:
		if len(v) == 0 {
			return jsontext.Value("[]")
		}
		return jsontext.Value(`["` + strings.Join(v, `","`) + `"]`)
	}
	return jsontext.Value(fmt.Sprint(v)) // int64 or bool
}

func codeValues(c event.Codes) Values {
	v := Values{}
	for _, x := range c {
		v[x.Name] = codeValue(x.Value)
	}
	return v
}

// CanonicalDump is the one byte form of v (RFC 8785), to compare views by.
func CanonicalDump(v *View) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("dump view: %w", err)
	}
	c := jsontext.Value(b)
	if err := c.Canonicalize(); err != nil {
		return nil, fmt.Errorf("dump view: %w", err)
	}
	return c, nil
}
