package event

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"greffe/domain"
	"greffe/domain/part"
)

const (
	// FactVersion is the version this program writes.
	FactVersion = 1
	maxSafeInt  = 1<<53 - 1 // RFC 8785 relies on IEEE 754 doubles
	maxCode     = 128
)

// ErrNotCode: a value is not a code, and so might be personal; it must not
// enter a fact. The error does not quote it.
var ErrNotCode = errors.New("not a code of letters, digits and _ . : / * + -")

// AppendFact appends the canonical JSON of f to dst: RFC 8785, names sorted,
// empty members left out. It refuses whatever is not a code (ErrNotCode), and
// whatever DecodeFact would not read again: an unknown type (ErrUnknownType), an
// event without id, a part no key can have, a year beyond 9999.
func AppendFact(dst []byte, f *Fact) ([]byte, error) {
	w := factWriter{b: append(dst, '{')}
	w.check(f)
	w.id("actor", f.Actor)
	w.text("controller", f.Controller)
	w.codes("data", f.Codes)
	w.list("fields", f.Fields)
	w.id("id", f.ID)
	w.list("lacks", f.Lacks)
	w.parts(f)
	w.name("policy").int(f.Policy)
	w.name("recorded").time(f.Recorded.Time)
	if f.Sequence != nil {
		w.name("sequence").int(*f.Sequence)
	}
	w.id("source", f.Source)
	w.id("subject", f.Subject)
	w.name("time").time(f.Time.Time)
	w.name("type").code(string(f.Type))
	w.list("unset", f.Unset)
	w.name("v").int(FactVersion)
	w.warnings(f.Warnings)
	if w.err != nil {
		return dst, fmt.Errorf("encode fact: %w", w.err)
	}
	return append(w.b, '}'), nil
}

type factWriter struct {
	b   []byte
	err error
}

func (w *factWriter) check(f *Fact) {
	switch {
	case !IsCode(string(f.Type)):
		w.err = ErrNotCode
	case !f.Type.Known():
		w.err = ErrUnknownType
	case f.ID.IsZero():
		w.err = errors.New("no event id")
	}
}

// time writes what domain.FormatTime writes.
func (w *factWriter) time(t time.Time) {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		w.err = errors.New("time beyond the years 0 to 9999")
	}
	w.b = append(appendTime(append(w.b, '"'), t), '"')
}

func (w *factWriter) name(n string) *factWriter {
	w.sep()
	w.quote(n)
	w.b = append(w.b, ':')
	return w
}

func (w *factWriter) sep() {
	if c := w.b[len(w.b)-1]; c != '{' && c != '[' {
		w.b = append(w.b, ',')
	}
}

func (w *factWriter) quote(s string) {
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

func (w *factWriter) code(s string) {
	if !IsCode(s) {
		w.err = ErrNotCode
		return
	}
	w.quote(s)
}

func (w *factWriter) int(n int64) {
	if n < -maxSafeInt || n > maxSafeInt {
		w.err = errors.New("integer beyond 2^53")
	}
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *factWriter) id(name string, id domain.ID) {
	if !id.IsZero() {
		w.name(name)
		w.b = append(appendID(append(w.b, '"'), id), '"')
	}
}

func (w *factWriter) text(name, s string) {
	if s != "" {
		w.name(name).code(s)
	}
}

func (w *factWriter) list(name string, l []string) {
	if len(l) > 0 {
		w.name(name).strings(l)
	}
}

func (w *factWriter) strings(l []string) {
	w.b = append(w.b, '[')
	for _, s := range l {
		w.sep()
		w.code(s)
	}
	w.b = append(w.b, ']')
}

func (w *factWriter) codes(name string, c Codes) {
	if len(c) == 0 {
		return
	}
	w.name(name)
	w.b = append(w.b, '{')
	for i, e := range c {
		if i > 0 && c[i-1].Name >= e.Name {
			w.err = errors.New("data names are not sorted")
			return
		}
		if !IsCode(e.Name) {
			w.err = ErrNotCode
			return
		}
		w.name(e.Name)
		switch v := e.Value.(type) {
		case string:
			w.code(v)
		case []string:
			w.strings(v)
		case int64:
			w.int(v)
		case bool:
			w.b = strconv.AppendBool(w.b, v)
		default:
			w.err = fmt.Errorf("data value of type %T", v)
			return
		}
	}
	w.b = append(w.b, '}')
}

func (w *factWriter) parts(f *Fact) {
	if len(f.Parts) == 0 {
		return
	}
	w.name("parts")
	w.b = append(w.b, '[')
	for i := range f.Parts {
		p := &f.Parts[i]
		if err := p.KeyID().Validate(); err != nil {
			w.err = err
			return
		}
		w.sep()
		w.b = append(w.b, '{')
		w.name("class").code(p.Class)
		w.name("commitment")
		w.b = append(w.b, '"')
		w.b = base64.RawURLEncoding.AppendEncode(w.b, p.Commitment[:])
		w.b = append(w.b, '"')
		w.name("epoch").code(p.Epoch)
		if p.Owner != part.SubjectOwner(f.Subject) {
			w.name("owner").quote(p.Owner.String())
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

func (w *factWriter) warnings(l []Warning) {
	if len(l) == 0 {
		return
	}
	w.name("warnings")
	w.b = append(w.b, '[')
	for _, x := range l {
		w.sep()
		w.b = append(w.b, '{')
		w.name("field").code(x.Field)
		w.name("rule").code(x.Rule)
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

// IsCode reports whether s can stand in a fact: 1 to 128 of the characters
// a-z A-Z 0-9 _ . : / * + -, which need no escaping in JSON.
func IsCode(s string) bool {
	if s == "" || len(s) > maxCode {
		return false
	}
	for i := range len(s) {
		if !codeBytes[s[i]] {
			return false
		}
	}
	return true
}

// codeBytes are the bytes a code may have.
var codeBytes = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/*+-") {
		t[c] = true
	}
	return t
}()
