package event

import (
	"bytes"
	"errors"
	"io"
	"strconv"
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
	Extensions int // number of attributes that Greffe does not know and leaves out
}

// Decode reads one CloudEvent. On a *Refusal the returned Incoming still holds
// what could be read before it, so that a protective event is never lost.
func Decode(raw []byte) (*Incoming, *Refusal) {
	in := new(Incoming)
	if len(raw) > MaxEventBytes {
		return in, refuse("event_too_large", "")
	}
	if !utf8.Valid(raw) {
		return in, refuse("utf8_invalid", "")
	}
	if depth(raw) > MaxDepth {
		return in, refuse("json_too_deep", "")
	}
	if r := in.read(raw); r != nil {
		return in, r
	}
	return in, nil
}

func (in *Incoming) read(raw []byte) *Refusal {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.ReadToken()
	if err != nil {
		return refuse("json_invalid", "")
	}
	if tok.Kind() != '{' {
		return refuse("not_an_object", "")
	}
	var first *Refusal
	spec := false
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return refuse("json_invalid", "")
		}
		if tok.Kind() == '}' {
			break
		}
		name := tok.String()
		val, err := dec.ReadValue()
		if err != nil {
			return refuse("json_invalid", "")
		}
		if name == "specversion" {
			spec = string(val) == `"1.0"`
			continue
		}
		if r := in.attribute(name, val); r != nil && first == nil {
			first = r
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return refuse("json_invalid", "")
	}
	return in.complete(first, spec)
}

func (in *Incoming) complete(first *Refusal, spec bool) *Refusal {
	switch {
	case first != nil:
		return first
	case in.ID == "":
		return refuse("id_missing", "id")
	case in.Source == "":
		return refuse("source_missing", "source")
	case !spec:
		return refuse("specversion_unsupported", "specversion")
	case in.Type == "":
		return refuse("type_missing", "type")
	}
	return nil
}

func (in *Incoming) attribute(name string, val jsontext.Value) *Refusal {
	switch name {
	case "id":
		return text(val, &in.ID, name)
	case "source":
		return text(val, &in.Source, name)
	case "type":
		return text(val, (*string)(&in.Type), name)
	case "subject":
		return text(val, &in.Subject, name)
	case "actor":
		return text(val, &in.Actor, name)
	case "controller":
		return text(val, &in.Controller, name)
	case "time":
		return in.readTime(val)
	case "sequence":
		return in.readSequence(val)
	case "data":
		in.Data = val.Clone()
	case "datacontenttype":
		if s := string(val); s != `"application/json"` && s != `null` {
			return refuse("datacontenttype_unsupported", name)
		}
	case "data_base64":
		return refuse("datacontenttype_unsupported", name)
	default:
		in.Extensions++
	}
	return nil
}

func (in *Incoming) readTime(val jsontext.Value) *Refusal {
	var s string
	if r := text(val, &s, "time"); r != nil {
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
	b, err := jsontext.AppendUnquote(nil, val)
	if err != nil || len(b) > maxName {
		return refuse("attribute_invalid", field)
	}
	*into = string(b)
	return nil
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
