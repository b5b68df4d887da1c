package event

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
)

// Codes is the clear half of an event's data: flat, sorted by name, each value
// a code (string), a list of codes ([]string), an integer (int64) or a bool.
// Times are strings in the fact form.
type Codes []Code

// Code is one named value.
type Code struct {
	Name  string
	Value any // string, []string, int64 or bool
}

// With returns c with name set to v, kept sorted.
func (c Codes) With(name string, v any) Codes {
	i, found := c.find(name)
	if found {
		c[i].Value = v
		return c
	}
	return slices.Insert(c, i, Code{name, v})
}

func (c Codes) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c, name, func(e Code, n string) int { return cmp.Compare(e.Name, n) })
}

// String returns the named code, or "".
func (c Codes) String(name string) string {
	if i, ok := c.find(name); ok {
		s, _ := c[i].Value.(string)
		return s
	}
	return ""
}

// Strings returns the named list, or nil.
func (c Codes) Strings(name string) []string {
	if i, ok := c.find(name); ok {
		s, _ := c[i].Value.([]string)
		return s
	}
	return nil
}

// Int returns the named integer, or 0.
func (c Codes) Int(name string) int64 {
	if i, ok := c.find(name); ok {
		n, _ := c[i].Value.(int64)
		return n
	}
	return 0
}

// Bool returns the named flag, or false.
func (c Codes) Bool(name string) bool {
	if i, ok := c.find(name); ok {
		b, _ := c[i].Value.(bool)
		return b
	}
	return false
}

// ID returns the named uuid, or the zero id.
func (c Codes) ID(name string) domain.ID {
	s := c.String(name)
	if s == "" {
		return domain.ID{}
	}
	id, _ := domain.ParseID(s)
	return id
}

// Time returns the named instant, or the zero time.
func (c Codes) Time(name string) time.Time {
	s := c.String(name)
	if s == "" {
		return time.Time{}
	}
	t, _ := domain.ParseTime(s)
	return t
}

// Size is the number of codes, those in lists counted one by one.
func (c Codes) Size() int {
	n := len(c)
	for i := range c {
		if l, ok := c[i].Value.([]string); ok {
			n += len(l)
		}
	}
	return n
}
