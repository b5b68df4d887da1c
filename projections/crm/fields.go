package crm

import (
	"slices"

	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
)

func (c *Contact) fields(f projections.Fact, at Stamp, key func(string) keyOf, entries []token.Entry) {
	for _, path := range f.Unset {
		if c.point(Pointer{Path: path, Event: f.ID, Unset: true, Stamp: at}) {
			c.code(path, event.Code{})
		}
	}
	for _, path := range f.Fields {
		k := key(path)
		c.point(Pointer{Path: path, Event: f.ID, Class: k.class, Epoch: k.epoch, Stamp: at})
	}
	for _, code := range f.Codes {
		if code.Name != "reason" && c.point(Pointer{Path: code.Name, Event: f.ID, Stamp: at}) {
			c.code(code.Name, code)
		}
	}
	for _, s := range searched {
		if c.last(s.paths) == at {
			c.search(s.field, entries)
		}
	}
}

// searched are the fields whose tokens are kept, and the paths that decide them.
// A name's token is made of what one event says of the name.
var searched = [...]struct {
	field token.Field
	paths []string
}{
	{token.FieldEmails, []string{"person.emails"}},
	{token.FieldPhones, []string{"person.phones"}},
	{token.FieldName, []string{"person.given_name", "person.family_name"}},
}

// last is when one of the paths was last touched.
func (c *Contact) last(paths []string) (last Stamp) {
	for _, p := range c.Fields {
		if slices.Contains(paths, p.Path) && p.after(last) {
			last = p.Stamp
		}
	}
	return last
}

// code keeps the values the view itself needs.
func (c *Contact) code(path string, v event.Code) {
	switch path {
	case "kind":
		c.Kind, _ = v.Value.(string)
	case "professional":
		c.Professional, _ = v.Value.(bool)
	}
}

// search replaces the tokens of a field.
func (c *Contact) search(field token.Field, entries []token.Entry) {
	c.tokens = slices.DeleteFunc(c.tokens, func(h held) bool { return h.field == field })
	for _, e := range entries {
		if e.Field != field || e.Form != token.FormSearch || slices.ContainsFunc(c.tokens, func(h held) bool { return h.is(e.Kind, e.Token) }) {
			continue
		}
		c.tokens = append(c.tokens, held{field: field, kind: e.Kind, known: true, token: e.Token})
	}
	slices.SortStableFunc(c.tokens, func(a, b held) int { return int(a.field) - int(b.field) })
}

func (h *held) is(k token.Kind, t token.Token) bool { return h.known && h.kind == k && h.token == t }

// destroy drops what points to parts that were destroyed, and tokens made of
// them. When an order is said to be carried out, tokens go once more: those of
// what was recorded meanwhile went from the vault with the others, and a rebuild
// would not find them.
func (c *Contact) destroy(d contact.Destruction) bool {
	fields, tokens := len(c.Fields), len(c.tokens)
	if d.Done {
		if d.Indexed() {
			c.tokens = nil
		}
		return len(c.tokens) < tokens
	}
	for _, s := range searched {
		at := c.last(s.paths)
		from := func(p Pointer) bool {
			return p.Stamp == at && slices.Contains(s.paths, p.Path) && d.Hits(p.Position, p.Event, p.Class, p.epoch())
		}
		if d.Indexed() || slices.ContainsFunc(c.Fields, from) {
			c.tokens = slices.DeleteFunc(c.tokens, func(h held) bool { return h.field == s.field })
		}
	}
	c.Fields = slices.DeleteFunc(c.Fields, func(p Pointer) bool {
		return p.Class != "" && !p.Unset && d.Hits(p.Position, p.Event, p.Class, p.epoch())
	})
	return len(c.Fields) < fields || len(c.tokens) < tokens
}
