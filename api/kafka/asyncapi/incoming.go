package asyncapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"greffe/domain/event"
)

// incoming is the schema of an event that upstreams send, in structured mode.
func incoming(d *event.Description) *huma.Schema {
	text := func(about string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: about} }
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"specversion", "id", "source", "type"},
		Properties: map[string]*huma.Schema{
			"specversion":     {Type: huma.TypeString, Enum: []any{"1.0"}},
			"id":              text("Unique at the source; the same id with the same content is recorded once."),
			"source":          text("One of the topic's sources."),
			"type":            {Type: huma.TypeString, Enum: []any{string(d.Type)}},
			"subject":         text("The source's own id of the person."),
			"time":            {Type: huma.TypeString, Format: "date-time"},
			"actor":           text("Who did it at the source."),
			"controller":      text("Code of the policy."),
			"sequence":        text("The producer's own numbering, in which gaps are seen."),
			"datacontenttype": text(""),
			"data":            data(d),
		}}
	if d.Protective {
		s.Required = []string{"source", "type"}
		return s
	}
	if d.NeedsSubject {
		s.Required = append(s.Required, "subject")
	}
	if d.NeedsData {
		s.Required = append(s.Required, "data")
	}
	return s
}

// data is the schema of an event's data, its fields' paths as nested objects.
// What it does not name is left out or quarantined by the policy's guard.
func data(d *event.Description) *huma.Schema {
	root := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Properties: map[string]*huma.Schema{}}
	for _, f := range d.Fields {
		at := root
		path := strings.Split(f.Path, ".")
		for _, name := range path[:len(path)-1] {
			next := at.Properties[name]
			if next == nil {
				next = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Properties: map[string]*huma.Schema{}}
				at.Properties[name] = next
			}
			at = next
		}
		last := path[len(path)-1]
		at.Properties[last] = form(&f)
		if f.Required && !d.Protective && len(path) == 1 {
			at.Required = append(at.Required, last)
		}
	}
	return root
}

// form is the schema of a field. Codes that a list does not know are taken as
// "other" with a warning, so the lists are told and not demanded.
func form(f *event.FieldDescription) *huma.Schema {
	list := func(of *huma.Schema) *huma.Schema { return &huma.Schema{Type: huma.TypeArray, Items: of} }
	text := &huma.Schema{Type: huma.TypeString}
	contact := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"source": text, "subject": text}, Required: []string{"subject"}}
	var s *huma.Schema
	switch f.Form {
	case "code", "purpose", "channel", "reason":
		s = &huma.Schema{Type: huma.TypeString}
	case "codes", "purposes", "channels", "classes", "field paths":
		s = list(text)
	case "boolean":
		s = &huma.Schema{Type: huma.TypeBoolean}
	case "number":
		s = &huma.Schema{Type: huma.TypeInteger}
	case "contact":
		s = contact
	case "contacts":
		s = list(&huma.Schema{AnyOf: []*huma.Schema{text, contact}})
	case "contact fields", "address":
		s = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	default: // text of any shape, a time or a date, slots
		s = new(huma.Schema)
	}
	var about []string
	if len(f.Values) > 0 {
		about = append(about, "One of "+strings.Join(f.Values, ", ")+".")
	}
	switch f.Form {
	case "purpose", "purposes", "channel", "channels", "reason", "classes":
		about = append(about, "Of the policy.")
	case "time":
		about = append(about, "RFC 3339, or a date.")
	}
	if f.Sealed {
		about = append(about, "Sealed under the subject's key.")
	}
	s.Description = strings.Join(about, " ")
	return s
}
