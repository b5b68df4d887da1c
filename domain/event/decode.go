package event

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/part"
)

var (
	// ErrFact: stored bytes are not a fact in its one form.
	ErrFact = errors.New("not a fact in canonical form")
	// ErrNewerFact: the fact was written by a newer version of this program.
	ErrNewerFact = errors.New("the fact's version is newer than this program knows; upgrade")
	// ErrUnknownType: the fact's type is not in this program's catalogue.
	ErrUnknownType = errors.New("the fact's type is unknown to this program; upgrade")
)

// DecodeFact reads what AppendFact wrote: DecodeFact(b) succeeds exactly when
// encoding the result gives b again.
func DecodeFact(b []byte) (*Fact, error) {
	r := factReader{b: b}
	f := r.fact()
	if r.err == nil && r.i != len(b) {
		r.fail()
	}
	if r.err != nil {
		var head struct {
			V int64 `json:"v"`
		}
		if json.Unmarshal(b, &head) == nil && head.V > FactVersion {
			return nil, ErrNewerFact
		}
		return nil, r.err
	}
	if !f.Type.Known() {
		return nil, ErrUnknownType
	}
	return f, nil
}

// factReader walks the canonical form: fixed order, no white space, no escapes.
type factReader struct {
	b   []byte
	i   int
	err error
}

func (r *factReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w (byte %d)", ErrFact, r.i)
	}
}

func (r *factReader) fact() *Fact {
	f := new(Fact)
	r.lit("{")
	r.optID("actor", &f.Actor)
	if r.has("controller") {
		f.Controller = r.code()
	}
	if r.has("data") {
		f.Codes = r.codes()
	}
	r.optList("fields", &f.Fields)
	r.must("id")
	f.ID = r.id()
	r.optList("lacks", &f.Lacks)
	parts := r.has("parts")
	var refs []PartRef
	var own []bool
	if parts {
		refs, own = r.parts()
	}
	r.must("policy")
	f.Policy = r.int()
	r.must("recorded")
	f.Recorded = r.time()
	if r.has("sequence") {
		n := r.int()
		f.Sequence = &n
	}
	r.optID("source", &f.Source)
	r.optID("subject", &f.Subject)
	r.must("time")
	f.Time = r.time()
	r.must("type")
	f.Type = Type(r.code())
	r.optList("unset", &f.Unset)
	r.must("v")
	if r.int() != FactVersion {
		r.fail()
	}
	if r.has("warnings") {
		f.Warnings = r.warnings()
	}
	r.lit("}")
	f.Parts = refs
	for i := range refs {
		if own[i] {
			refs[i].Owner = part.SubjectOwner(f.Subject)
		} else if refs[i].Owner == part.SubjectOwner(f.Subject) {
			r.fail()
		}
	}
	return f
}

// lit consumes s exactly.
func (r *factReader) lit(s string) {
	if r.err == nil && len(r.b)-r.i >= len(s) && string(r.b[r.i:r.i+len(s)]) == s {
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
	if len(r.b)-i < n+3 || r.b[i] != '"' || string(r.b[i+1:i+1+n]) != name || r.b[i+1+n] != '"' || r.b[i+2+n] != ':' {
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

// raw consumes a quoted string of code characters.
func (r *factReader) raw() []byte {
	if r.err != nil || r.i >= len(r.b) || r.b[r.i] != '"' {
		r.fail()
		return nil
	}
	for j := r.i + 1; j < len(r.b); j++ {
		switch c := r.b[j]; {
		case c == '"':
			s := r.b[r.i+1 : j]
			r.i = j + 1
			return s
		case c == '\\' || c < ' ':
			r.fail()
			return nil
		}
	}
	r.fail()
	return nil
}

func (r *factReader) code() string {
	s := string(r.raw())
	if r.err == nil && !IsCode(s) {
		r.fail()
	}
	return s
}

func (r *factReader) id() domain.ID {
	s := string(r.raw())
	id, err := domain.ParseID(s)
	if err != nil || id.IsZero() || id.String() != s {
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
	t, err := domain.ParseTime(string(r.raw()))
	if err != nil {
		r.fail()
	}
	return domain.Time{Time: t}
}

func (r *factReader) int() int64 {
	j := r.i
	for j < len(r.b) && (r.b[j] == '-' || r.b[j] >= '0' && r.b[j] <= '9') {
		j++
	}
	s := string(r.b[r.i:j])
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

func (r *factReader) codes() Codes {
	var c Codes
	r.lit("{")
	for r.err == nil {
		name := r.code()
		r.lit(":")
		if len(c) > 0 && c[len(c)-1].Name >= name {
			r.fail()
		}
		c = append(c, Code{name, r.value()})
		if r.err == nil && r.i < len(r.b) && r.b[r.i] == ',' {
			r.i++
			continue
		}
		r.lit("}")
		break
	}
	return c
}

func (r *factReader) value() any {
	if r.err != nil || r.i >= len(r.b) {
		r.fail()
		return nil
	}
	switch r.b[r.i] {
	case '"':
		return r.code()
	case '[':
		return r.strings()
	case 't':
		r.lit("true")
		return true
	case 'f':
		r.lit("false")
		return false
	}
	return r.int()
}

func (r *factReader) parts() (refs []PartRef, own []bool) {
	r.each(func() {
		var p PartRef
		r.lit("{")
		r.must("class")
		p.Class = r.code()
		r.must("commitment")
		c := r.raw()
		n, err := base64.RawURLEncoding.Strict().Decode(p.Commitment[:], c[:min(len(c), 43)])
		if err != nil || n != len(p.Commitment) || len(c) != 43 {
			r.fail()
		}
		r.must("epoch")
		p.Epoch = r.code()
		other := r.has("owner")
		if other {
			s := string(r.raw())
			if p.Owner, err = part.ParseOwner(s); err != nil || p.Owner.String() != s {
				r.fail()
			}
		}
		r.lit("}")
		refs, own = append(refs, p), append(own, !other)
	})
	return refs, own
}

func (r *factReader) warnings() []Warning {
	var l []Warning
	r.each(func() {
		r.lit("{")
		r.must("field")
		w := Warning{Field: r.code()}
		r.must("rule")
		w.Rule = r.code()
		r.lit("}")
		l = append(l, w)
	})
	return l
}
