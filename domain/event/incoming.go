package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxEventBytes bounds one incoming event.
	MaxEventBytes = 256 << 10
	// MaxDepth bounds the nesting of one incoming event.
	MaxDepth = 32
	maxName  = 512 // id, source, subject, actor
)

// Incoming is a CloudEvent (1.0, JSON) as an upstream sent it: shape checked,
// content not yet understood. Everything in it may be personal.
type Incoming struct {
	ID         string
	Source     string
	Type       Type
	Subject    string
	Actor      string
	Controller string
	Sequence   *int64
	Time       time.Time // zero when the producer gave none
	Data       jsontext.Value
	Extensions int       // number of attributes that Greffe does not know and leaves out
	Flaws      []Warning // attributes of a protective event that were left out
}

// Decode reads one CloudEvent. On a *Refusal the returned Incoming still holds
// what could be read.
//
// An event that protects the person (Type.Protective) is refused only if it is
// not readable JSON or says neither source nor type. Any other flaw of its
// attributes leaves the attribute out and stands in Flaws; without an id it gets
// one made of its bytes, so that sending the same bytes again is a duplicate.
func Decode(raw []byte) (*Incoming, *Refusal) {
	in := new(Incoming)
	if len(raw) > MaxEventBytes {
		return in, refuse("event_too_large", "")
	}
	if !utf8.Valid(raw) {
		return in, refuse("utf8_invalid", "")
	}
	if tooDeep(raw) {
		return in, refuse("json_too_deep", "")
	}
	return in, in.read(raw)
}

func (in *Incoming) read(raw []byte) *Refusal {
	var flaws []*Refusal
	spec, object := false, false
	object = whole(raw, func(quoted, val []byte) {
		name := unquote(quoted)
		if string(name) == "specversion" {
			spec = string(val) == `"1.0"`
		} else if r := in.attribute(name, val); r != nil {
			flaws = append(flaws, r)
		}
	})
	if !object {
		return refuse("json_invalid", "")
	}
	if jsontext.Value(raw).Kind() != '{' {
		return refuse("not_an_object", "")
	}
	flaws = append(flaws, in.missing(spec)...)
	if len(flaws) == 0 {
		return nil
	}
	if !in.Type.Protective() {
		return flaws[0]
	}
	return in.lenient(raw, flaws)
}

// missing lists what every CloudEvent must have and this one has not.
func (in *Incoming) missing(spec bool) (l []*Refusal) {
	if in.ID == "" {
		l = append(l, refuse("id_missing", "id"))
	}
	if in.Source == "" {
		l = append(l, refuse("source_missing", "source"))
	}
	if !spec {
		l = append(l, refuse("specversion_unsupported", "specversion"))
	}
	if in.Type == "" {
		l = append(l, refuse("type_missing", "type"))
	}
	return l
}

func (in *Incoming) lenient(raw []byte, flaws []*Refusal) *Refusal {
	for _, r := range flaws {
		in.Flaws = append(in.Flaws, Warning{Field: r.Field, Rule: r.Code})
	}
	if in.ID == "" {
		sum := sha256.Sum256(raw)
		in.ID = "sha256:" + hex.EncodeToString(sum[:])
	}
	if in.Source == "" {
		return refuse("source_missing", "source")
	}
	return nil
}

func (in *Incoming) attribute(name []byte, val jsontext.Value) *Refusal {
	switch string(name) {
	case "id":
		return text(val, &in.ID, "id")
	case "source":
		return text(val, &in.Source, "source")
	case "type":
		return text(val, (*string)(&in.Type), "type")
	case "subject":
		return text(val, &in.Subject, "subject")
	case "actor":
		return text(val, &in.Actor, "actor")
	case "controller":
		return text(val, &in.Controller, "controller")
	case "time":
		return in.readTime(val)
	case "sequence":
		return in.readSequence(val)
	case "data":
		in.Data = slices.Clone(val)
	case "datacontenttype":
		return contentType(val)
	case "data_base64":
		return refuse("datacontenttype_unsupported", "data_base64")
	default:
		in.Extensions++
	}
	return nil
}

// contentType takes application/json with any parameters.
func contentType(val jsontext.Value) *Refusal {
	var s string
	if text(val, &s, "") == nil {
		s, _, _ = strings.Cut(s, ";")
		if s = strings.TrimSpace(s); s == "" || strings.EqualFold(s, "application/json") {
			return nil
		}
	}
	return refuse("datacontenttype_unsupported", "datacontenttype")
}

func (in *Incoming) readTime(val jsontext.Value) *Refusal {
	var s string
	if r := text(val, &s, "time"); r != nil || val.Kind() == 'n' {
		return r
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1900 || t.Year() > 9000 {
		return refuse("time_invalid", "time")
	}
	in.Time = t
	return nil
}

// readSequence takes CloudEvents' string form and a bare number; a sequence
// that does not count (letters) is left out, as the extension allows it.
func (in *Incoming) readSequence(val jsontext.Value) *Refusal {
	s := string(val)
	if val.Kind() == '"' {
		if r := text(val, &s, "sequence"); r != nil {
			return r
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxSafeInt {
		return nil
	}
	in.Sequence = &n
	return nil
}

func text(val jsontext.Value, into *string, field string) *Refusal {
	if val.Kind() == 'n' {
		return nil
	}
	if val.Kind() != '"' {
		return refuse("attribute_invalid", field)
	}
	b := unquote(val)
	if len(b) > maxName {
		return refuse("attribute_invalid", field)
	}
	*into = string(b)
	return nil
}

// tooDeep counts brackets before it looks at them one by one: few brackets
// cannot nest deeply, and most events have few.
func tooDeep(raw []byte) bool {
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) <= MaxDepth {
		return false
	}
	return depth(raw) > MaxDepth
}

// depth is the deepest nesting of brackets outside strings.
func depth(raw []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}', c == ']':
			now--
		}
	}
	return deepest
}
