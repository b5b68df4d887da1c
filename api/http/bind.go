package httpapi

import (
	"encoding"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
)

// An input is a struct. Its fields say where they come from:
//
//	ID   domain.ID `path:"id"`
//	From time.Time `query:"from" doc:"…"`       zero if absent
//	Body T                                      JSON, decoded strictly
//
// Embedded structs are looked into. What a field may be: string, int, bool,
// time.Time (RFC 3339), or anything that reads text; a pointer to it is nil if
// absent.

// binding is one field that comes from the path or the query.
type binding struct {
	name, in string
	index    []int
	field    reflect.StructField
}

func bindings(t reflect.Type) []binding {
	var out []binding
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("path"); name != "" {
			out = append(out, binding{name, "path", f.Index, f})
		}
		if name := f.Tag.Get("query"); name != "" {
			out = append(out, binding{name, "query", f.Index, f})
		}
	}
	return out
}

// binder is what is bound of an input, read once from its type.
type binder struct {
	fields []binding
	body   []int // index of the field Body; nil: none
}

func binderOf(t reflect.Type) binder {
	b := binder{fields: bindings(t)}
	if f, ok := bodyField(t); ok {
		b.body = f.Index
	}
	return b
}

func bodyField(t reflect.Type) (reflect.StructField, bool) {
	if t == nil || t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	return t.FieldByName("Body")
}

func bodyMedia(t reflect.Type) []string {
	if _, ok := bodyField(t); ok {
		return []string{mediaJSON}
	}
	return nil
}

// bind fills in an input, of the binder's type, from the request.
func (c *Call) bind(b binder, in any) error {
	v := reflect.ValueOf(in).Elem()
	bound := b.fields
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil { // what cannot be read must not pass for absent
		return problem.New(problem.ParameterUnknown)
	}
	for name := range query {
		if !slices.ContainsFunc(bound, func(b binding) bool { return b.in == "query" && b.name == name }) {
			return problem.New(problem.ParameterUnknown)
		}
	}
	for _, b := range bound {
		text := chi.URLParam(c.r, b.name)
		if b.in == "query" {
			if len(query[b.name]) > 1 {
				return problem.At(problem.ParameterInvalid, b.name)
			}
			text = query.Get(b.name)
		}
		if text == "" {
			continue
		}
		if err := setText(v.FieldByIndex(b.index), text); err != nil {
			if b.in == "path" {
				return problem.At(problem.NotFound, b.name)
			}
			return problem.At(problem.ParameterInvalid, b.name)
		}
	}
	if b.body != nil {
		return c.bindBody(v.FieldByIndex(b.body).Addr().Interface())
	}
	return nil
}

var errText = errors.New("text cannot be read")

func setText(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return setText(v.Elem(), text)
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1900 || t.Year() > 9000 {
			return errText
		}
		*p = t
		return nil
	case *domain.ID:
		id, err := domain.ParseID(text)
		if err != nil || id.IsZero() { // the absent id names nothing, and would be written as such
			return errText
		}
		*p = id
		return nil
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		if len(text) > 512 {
			return errText
		}
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errText
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errText
		}
		v.SetBool(b)
	default:
		panic("httpapi: an input field of kind " + v.Kind().String()) // TestInputsCanBeBound finds it first
	}
	return nil
}

// bindBody decodes a JSON body strictly: no unknown or duplicate names, valid
// UTF-8, nothing after the end.
func (c *Call) bindBody(into any) error {
	raw, _, err := c.readBody(mediaJSON)
	if err != nil {
		return err
	}
	return decodeStrict(raw, into)
}

func decodeStrict(raw []byte, into any) error {
	if err := wellFormed(raw, maxBodyDepth); err != nil {
		return err
	}
	err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return problem.New(problem.FieldUnknown)
	case errors.As(err, &semantic):
		return problem.At(problem.FieldInvalid, dotted(reflect.TypeOf(into), string(semantic.JSONPointer)))
	}
	return problem.New(problem.JSONInvalid)
}

// dotted writes a JSON pointer into a value of t as the contract writes paths. It
// ends where names stop being the contract's: the keys of a map are the caller's.
func dotted(t reflect.Type, pointer string) string {
	var out []string
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Slice, reflect.Array:
			t = t.Elem()
		case reflect.Struct:
			i := slices.IndexFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
				tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				return tag == name
			})
			if i < 0 {
				return strings.Join(out, ".")
			}
			t = reflect.VisibleFields(t)[i].Type
		default:
			return strings.Join(out, ".")
		}
		out = append(out, name)
	}
	return strings.Join(out, ".")
}
