package event

import (
	"encoding/base64"
	"errors"

	"github.com/go-json-experiment/json"

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
// encoding the result gives b again. The fact's texts share one copy of b.
func DecodeFact(b []byte) (*Fact, error) {
	r := factReader{b: string(b)}
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
		if refs[i].KeyID().Validate() != nil {
			r.fail()
		}
	}
	return f
}

func (r *factReader) codes() Codes {
	c := make(Codes, 0, 8)
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

const commitmentLen = 43 // 32 bytes in base64 without padding

var strict64 = base64.RawURLEncoding.Strict()

func (r *factReader) parts() (refs []PartRef, own []bool) {
	r.each(func() {
		var p PartRef
		r.lit("{")
		r.must("class")
		p.Class = r.code()
		r.must("commitment")
		c := r.raw()
		if len(c) != commitmentLen {
			r.fail()
			return
		}
		if n, err := strict64.Decode(p.Commitment[:], []byte(c)); err != nil || n != len(p.Commitment) {
			r.fail() // base64 skips line breaks, so its length is checked as well
		}
		r.must("epoch")
		p.Epoch = r.code()
		other := r.has("owner")
		if other {
			s := r.raw()
			var err error
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
