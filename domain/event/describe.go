package event

import "slices"

// Description is what documentation says of one type that upstreams may send.
type Description struct {
	Type         Type
	Protective   bool // never quarantined whole
	NeedsSubject bool
	NeedsData    bool
	Fields       []FieldDescription
}

// FieldDescription is one path of an event's data.
type FieldDescription struct {
	Path     string
	Form     string   // text, code, codes, purpose, purposes, channel, channels, reason, classes, boolean, time, number, contact, contacts, contact fields, field paths, slots, address
	Values   []string // the codes, where they are listed
	Required bool
	Sealed   bool // kept in a part under the subject's key, never in the log
}

// Describe lists every type that upstreams may send, sorted by name.
func Describe() []Description {
	out := make([]Description, 0, len(catalogue))
	for t, s := range catalogue {
		d := Description{Type: t, Protective: t.Protective(), NeedsSubject: !s.noSubject, NeedsData: s.dataNeeded}
		for i := range s.fields {
			f := &s.fields[i]
			d.Fields = append(d.Fields, FieldDescription{Path: f.path, Form: f.kind.form(), Values: slices.Clone(f.values),
				Required: f.required, Sealed: f.kind == sealed || f.kind == address})
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Description) int {
		if a.Type < b.Type {
			return -1
		}
		return 1
	})
	return out
}

func (k kind) form() string {
	return [...]string{sealed: "text", enum: "code", enums: "codes", purpose: "purpose", purposes: "purposes", channel: "channel",
		channels: "channels", reason: "reason", portfolio: "code", categories: "classes", flag: "boolean", instant: "time", count: "number",
		link: "contact", linked: "contacts", nested: "contact fields", unsets: "field paths", slots: "slots", address: "address"}[k]
}

// RefusalCodes lists every code a Refusal can have, in the order of reading.
func RefusalCodes() []string {
	return []string{"json_invalid", "utf8_invalid", "json_too_deep", "event_too_large", "not_an_object",
		"specversion_unsupported", "id_missing", "source_missing", "type_missing", "type_unknown", "type_reserved",
		"attribute_invalid", "datacontenttype_unsupported", "subject_missing", "time_missing", "time_invalid", "time_ahead",
		"data_missing", "controller_unknown", "purpose_unknown", "channel_unknown", "field_required", "field_invalid",
		"forbidden_content"}
}
