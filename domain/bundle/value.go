package bundle

import (
	"time"

	"greffe/domain"
)

// Type is what a column holds.
type Type string

// Types of columns. A value may be absent in any of them.
const (
	Text Type = "text" // UTF-8
	Int  Type = "int"  // within ±(2^53 − 1), as RFC 8785 numbers are
	Time Type = "time" // UTC, microseconds
	Bool Type = "bool"
	ID   Type = "id"   // UUID in its canonical form
	List Type = "list" // of texts
)

func (t Type) known() bool {
	switch t {
	case Text, Int, Time, Bool, ID, List:
		return true
	}
	return false
}

// Value is one cell. The zero Value is absent.
type Value struct {
	typ  Type
	n    int64
	text string
	id   domain.ID
	list []string
}

// TextOf is a Text.
func TextOf(s string) Value { return Value{typ: Text, text: s} }

// IntOf is an Int.
func IntOf(n int64) Value { return Value{typ: Int, n: n} }

// PositionOf is an Int that holds a position.
func PositionOf(p domain.Position) Value { return Value{typ: Int, n: int64(p)} }

// TimeOf is a Time; the zero Time is absent.
func TimeOf(t domain.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{typ: Time, n: t.UnixMicro()}
}

// BoolOf is a Bool.
func BoolOf(b bool) Value {
	v := Value{typ: Bool}
	if b {
		v.n = 1
	}
	return v
}

// IDOf is an ID; the zero ID is absent.
func IDOf(id domain.ID) Value {
	if id.IsZero() {
		return Value{}
	}
	return Value{typ: ID, id: id}
}

// ListOf is a List; an empty one is absent. Append reads it before it returns.
func ListOf(l []string) Value {
	if len(l) == 0 {
		return Value{}
	}
	return Value{typ: List, list: l}
}

// IsAbsent reports the zero Value.
func (v Value) IsAbsent() bool { return v.typ == "" }

// Any gives what the value is: string, int64, time.Time in UTC, bool, domain.ID or
// []string; nil if it is absent.
func (v Value) Any() any {
	switch v.typ {
	case Text:
		return v.text
	case Int:
		return v.n
	case Time:
		return time.UnixMicro(v.n).UTC()
	case Bool:
		return v.n != 0
	case ID:
		return v.id
	case List:
		return v.list
	}
	return nil
}

// Column is one column of a table.
type Column struct {
	Name  string `json:"name"` // a-z 0-9 _
	Type  Type   `json:"type"`
	Doc   string `json:"doc"`             // one sentence for whoever reads the manifest
	Label string `json:"label,omitempty"` // heading in the CSV; Name if empty
}

// Schema is a table's columns, in the order for people. NDJSON has them by name.
type Schema struct {
	Columns []Column
	People  bool // written as CSV too
}
