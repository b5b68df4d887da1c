package event

import (
	"fmt"
	"strconv"
	"strings"

	"greffe/domain"
)

// factReader walks the canonical form: fixed order, no white space, no escapes.
type factReader struct {
	b   string
	i   int
	err error
}

func (r *factReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w (byte %d)", ErrFact, r.i)
	}
}

// lit consumes s exactly.
func (r *factReader) lit(s string) {
	if r.err == nil && len(r.b)-r.i >= len(s) && r.b[r.i:r.i+len(s)] == s {
		r.i += len(s)
		return
	}
	r.fail()
}

// has consumes `"name":`, with the comma before it, if that comes next.
func (r *factReader) has(name string) bool {
	if r.err != nil {
		return false
	}
	i := r.i
	if r.b[i-1] != '{' {
		if i >= len(r.b) || r.b[i] != ',' {
			return false
		}
		i++
	}
	n := len(name)
	if len(r.b)-i < n+3 || r.b[i] != '"' || r.b[i+1:i+1+n] != name || r.b[i+1+n] != '"' || r.b[i+2+n] != ':' {
		return false
	}
	r.i = i + n + 3
	return true
}

func (r *factReader) must(name string) {
	if !r.has(name) {
		r.fail()
	}
}

// raw consumes a quoted string. Its readers accept no escape and no control
// character, so it looks for the closing quote only.
func (r *factReader) raw() string {
	if r.err == nil && r.i < len(r.b) && r.b[r.i] == '"' {
		from := r.i + 1
		if n := strings.IndexByte(r.b[from:], '"'); n >= 0 {
			r.i = from + n + 1
			return r.b[from : from+n]
		}
	}
	r.fail()
	return ""
}

func (r *factReader) code() string {
	s := r.raw()
	if r.err == nil && !IsCode(s) {
		r.fail()
	}
	return s
}

func (r *factReader) id() domain.ID {
	id, ok := readID(r.raw())
	if !ok || id.IsZero() {
		r.fail()
	}
	return id
}

func (r *factReader) optID(name string, into *domain.ID) {
	if r.has(name) {
		*into = r.id()
	}
}

func (r *factReader) time() domain.Time {
	t, ok := readTime(r.raw())
	if !ok {
		r.fail()
	}
	return domain.Time{Time: t}
}

func (r *factReader) int() int64 {
	j := r.i
	for j < len(r.b) && (r.b[j] == '-' || r.b[j] >= '0' && r.b[j] <= '9') {
		j++
	}
	s := r.b[r.i:j]
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -maxSafeInt || n > maxSafeInt || strconv.FormatInt(n, 10) != s {
		r.fail()
		return 0
	}
	r.i = j
	return n
}

// each calls fn for every element of a non-empty array.
func (r *factReader) each(fn func()) {
	r.lit("[")
	for r.err == nil {
		fn()
		if r.i < len(r.b) && r.b[r.i] == ',' {
			r.i++
			continue
		}
		r.lit("]")
		return
	}
}

func (r *factReader) strings() []string {
	var l []string
	if r.err == nil && r.i+1 < len(r.b) && r.b[r.i] == '[' && r.b[r.i+1] == ']' {
		r.i += 2
		return []string{}
	}
	r.each(func() { l = append(l, r.code()) })
	return l
}

func (r *factReader) optList(name string, into *[]string) {
	if !r.has(name) {
		return
	}
	if *into = r.strings(); len(*into) == 0 {
		r.fail()
	}
}
