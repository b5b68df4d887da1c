package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// operation is what /openapi.json says of one route.
type operation struct {
	method, path string
	permission   string // "" for open routes
	personal     bool   // gives data about people: a reason is asked for
	idempotent   bool
	params       []field // of the query
	media        string  // of the body; "" for none
	body         []field // of a JSON body
	form         bool    // the body is an object of these fields, if of none
}

// spec is the API's own description, by "METHOD /path".
type spec map[string]*operation

// readSpec asks the API for its document.
func readSpec(api http.Handler) (spec, error) {
	r, err := http.NewRequest(http.MethodGet, "/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	r.Host = "localhost"
	out := &reply{header: http.Header{}}
	api.ServeHTTP(out, r)
	doc, err := out.value()
	if err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	s := spec{}
	for _, path := range doc.at("paths").members {
		for _, m := range path.members {
			op := &operation{method: strings.ToUpper(m.name), path: path.name, permission: m.text("x-permission"), personal: m.text("x-access") == "personal"}
			for _, p := range m.member("parameters").list {
				switch {
				case p.text("in") == "query":
					op.params = append(op.params, readField(doc, p.text("name"), p.member("schema"), p.is("required"), p.text("description"), 0))
				case p.text("name") == "Idempotency-Key":
					op.idempotent = true
				}
			}
			op.readBody(doc, m.member("requestBody").member("content"))
			s[op.method+" "+op.path] = op
		}
	}
	return s, nil
}

func (op *operation) readBody(doc, content value) {
	for _, c := range content.members {
		if op.media == "" || c.name == "application/json" {
			op.media = c.name
		}
		if c.name == "application/json" {
			schema := resolve(doc, c.member("schema"))
			op.body = readFields(doc, schema, 0)
			op.form = len(op.body) > 0 || schema.text("type") == "object" && schema.member("additionalProperties").kind == 'f'
		}
	}
}

// The kinds of fields, which are also those of their inputs.
const (
	fieldText    = "text"
	fieldLong    = "long" // of several lines
	fieldNumber  = "number"
	fieldBool    = "bool"
	fieldTime    = "datetime-local"
	fieldDate    = "date"
	fieldChoice  = "choice"
	fieldChoices = "choices"
	fieldLines   = "lines" // a list of texts, one a line
	fieldGroup   = "group" // an object
	fieldRows    = "rows"  // a list of objects
	fieldMap     = "map"   // texts by names that the document does not tell
	fieldJSON    = "json"  // anything else
)

// field is one value that an operation takes.
type field struct {
	name     string
	kind     string
	required bool
	choices  []string
	max      int // length; 0: not said
	doc      string
	fields   []field // of a group or a row
}

// deepest is how far forms follow groups within groups.
const deepest = 3

func resolve(doc, schema value) value {
	for range 8 {
		ref := schema.text("$ref")
		if ref == "" {
			break
		}
		schema = doc.at(strings.ReplaceAll(strings.TrimPrefix(ref, "#/"), "/", "."))
	}
	return schema
}

func readFields(doc, schema value, depth int) []field {
	needed := map[string]bool{}
	for _, n := range schema.member("required").strings() {
		needed[n] = true
	}
	var out []field
	for _, p := range schema.member("properties").members {
		if p.name == "$schema" || p.is("readOnly") {
			continue
		}
		out = append(out, readField(doc, p.name, p.value, needed[p.name], p.text("description"), depth))
	}
	order := schema.member("x-order").strings()
	slices.SortStableFunc(out, func(a, b field) int { return cmp.Compare(slices.Index(order, a.name), slices.Index(order, b.name)) })
	return out
}

func readField(doc value, name string, schema value, required bool, about string, depth int) field {
	schema = resolve(doc, schema)
	f := field{name: name, required: required, doc: about, choices: schema.member("enum").strings()}
	_, _ = fmt.Sscan(schema.text("maxLength"), &f.max)
	of, optional := schema.text("type"), false
	for _, t := range schema.member("type").strings() { // ["string", "null"]
		if t == "null" {
			optional = true
		} else {
			of = t
		}
	}
	if optional && depth > 0 {
		f.required = false
	}
	switch of {
	case "string":
		f.kind = textKind(name, schema.text("format"), f.choices)
	case "integer", "number":
		f.kind = fieldNumber
	case "boolean":
		f.kind = fieldBool
	case "array":
		f.ofList(doc, resolve(doc, schema.member("items")), depth)
	case "object":
		f.kind, f.fields = fieldGroup, readFields(doc, schema, depth+1)
		if len(f.fields) == 0 && schema.text("additionalProperties.type") == "string" {
			f.kind = fieldMap
			return f
		}
		if len(f.fields) == 0 || depth >= deepest {
			f.kind, f.fields = fieldJSON, nil
		}
	default:
		f.kind = fieldJSON
	}
	return f
}

func (f *field) ofList(doc, item value, depth int) {
	switch item.text("type") {
	case "string":
		f.kind = fieldLines
		if f.choices = item.member("enum").strings(); len(f.choices) > 0 {
			f.kind = fieldChoices
		}
	case "object":
		f.kind, f.fields = fieldRows, readFields(doc, item, depth+1)
		if depth >= deepest || len(f.fields) == 0 {
			f.kind, f.fields = fieldJSON, nil
		}
	default:
		f.kind = fieldJSON
	}
}

// textKind is how a text is typed in.
func textKind(name, format string, choices []string) string {
	switch {
	case len(choices) > 0:
		return fieldChoice
	case format == "date-time":
		return fieldTime
	case format == "date", name == "died_on":
		return fieldDate
	case isLong(name):
		return fieldLong
	}
	return fieldText
}

// isLong reports a text of which people write sentences.
func isLong(name string) bool {
	switch name {
	case "note", "text", "comment", "description", "facts", "body", "why", "effects", "measures", "words", "decision", "cause", "message", "summary", "conclusion", "reasoning", "reasons", "departure", "delay_reasons":
		return true
	}
	return false
}
