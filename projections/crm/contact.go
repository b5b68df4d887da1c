package crm

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
)

// Stamp is when and where something was said: of two, the later time holds, then
// the later position (design §3).
type Stamp struct {
	Time     domain.Time
	Position domain.Position
}

// after reports whether s holds over o, by the rule that folds a contact.
func (s Stamp) after(o Stamp) bool {
	return contact.Wins(contact.Stamp{Time: s.Time.Time, Position: s.Position}, contact.Stamp{Time: o.Time.Time, Position: o.Position})
}

// IsZero reports that it was never said.
func (s Stamp) IsZero() bool { return s.Time.IsZero() }

// Pointer says where the current value of a field is: in the part of Class of
// the event, or, with no class, in the fact itself or in one of its parts.
type Pointer struct {
	Path  string
	Event domain.ID
	Class string
	Unset bool // the field was emptied by the event
	Stamp
}

// edge is the last merge or unmerge into another contact.
type edge struct {
	into   domain.ID
	merged bool
	Stamp
}

// held is a current search token.
type held struct {
	field token.Field
	kind  token.Kind
	token token.Token
}

// Contact is the current view of one subject: pointers and codes, no values.
type Contact struct {
	Subject      domain.ID
	Fields       []Pointer // by path
	Kind         string    // code of the catalogue; "" when unknown
	Professional bool
	LastActivity domain.Time // last act that came from the person; zero: none known
	Deleted      Stamp       // zero unless the source said last that it no longer holds it
	Restricted   Stamp       // first art. 18 restriction known; zero: none
	Deceased     Stamp       // first notice of death known; zero: none
	Controllers  []string
	Sources      []domain.ID
	MergedInto   []domain.ID

	ref    int64
	seen   Stamp // last contact.created or contact.changed
	gone   Stamp // last contact.deleted
	edges  []edge
	tokens []held
}

// fold applies a fact about the contact, with the class of each path and the
// event's tokens. It reports whether anything changed.
func (c *Contact) fold(f projections.Fact, class func(path string) string, entries []token.Entry) bool {
	at := Stamp{f.Time, f.Position}
	changed := c.belongs(f)
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		c.fields(f, at, class, entries)
		if at.after(c.seen) {
			c.seen = at
		}
		c.active(f.Codes.Time("last_activity_at"))
		changed = true
	case event.ContactDeleted:
		if at.after(c.gone) {
			c.gone, changed = at, true
		}
	case event.ContactMerged, event.ContactUnmerged:
		changed = c.merge(edge{f.Codes.ID("into"), f.Type == event.ContactMerged, at}) || changed
	case event.InteractionRecorded:
		changed = fromPerson(f.Fact) && c.active(f.Time.Time) || changed
	case event.RestrictionPlaced:
		changed = first(&c.Restricted, at) || changed
	case event.PersonDeceased:
		changed = first(&c.Deceased, at) || changed
	}
	c.derive()
	return changed
}

// derive fills what follows from the stamps.
func (c *Contact) derive() {
	c.Deleted = Stamp{}
	if c.gone.after(c.seen) {
		c.Deleted = c.gone
	}
	c.MergedInto = nil
	for _, e := range c.edges {
		if e.merged {
			c.MergedInto = append(c.MergedInto, e.into)
		}
	}
}

func first(s *Stamp, at Stamp) bool {
	if s.IsZero() || s.after(at) {
		*s = at
		return true
	}
	return false
}

// active moves the last activity forward to t; a zero t says nothing.
func (c *Contact) active(t time.Time) bool {
	if t.IsZero() || !t.After(c.LastActivity.Time) {
		return false
	}
	c.LastActivity = domain.Time{Time: t}
	return true
}

// fromPerson reports an act of the person, which alone restarts a duration:
// opening a message or being called does not (délib. CNIL 2021-131).
func fromPerson(f *event.Fact) bool {
	switch f.Codes.String("kind") {
	case "purchase", "reply", "click", "visit", "login", "order", "callback_request":
		return true
	case "call":
		return f.Codes.String("direction") == "in"
	}
	return false
}

func (c *Contact) belongs(f projections.Fact) bool {
	changed := false
	if f.Controller != "" {
		if i, ok := slices.BinarySearch(c.Controllers, f.Controller); !ok {
			c.Controllers, changed = slices.Insert(c.Controllers, i, f.Controller), true
		}
	}
	if !f.Source.IsZero() {
		if i, ok := slices.BinarySearchFunc(c.Sources, f.Source, compareIDs); !ok {
			c.Sources, changed = slices.Insert(c.Sources, i, f.Source), true
		}
	}
	return changed
}

func compareIDs(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) }

func (c *Contact) merge(e edge) bool {
	cmp := func(a edge, id domain.ID) int { return compareIDs(a.into, id) }
	i, ok := slices.BinarySearchFunc(c.edges, e.into, cmp)
	switch {
	case !ok:
		c.edges = slices.Insert(c.edges, i, e)
	case e.after(c.edges[i].Stamp):
		c.edges[i] = e
	default:
		return false
	}
	return true
}

// point moves the pointer of path if p holds over it.
func (c *Contact) point(p Pointer) bool {
	i, ok := slices.BinarySearchFunc(c.Fields, p.Path, func(f Pointer, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		c.Fields = slices.Insert(c.Fields, i, p)
		return true
	}
	if !p.after(c.Fields[i].Stamp) {
		return false
	}
	c.Fields[i] = p
	return true
}

func (c *Contact) fields(f projections.Fact, at Stamp, class func(string) string, entries []token.Entry) {
	for _, path := range f.Unset {
		if c.point(Pointer{Path: path, Event: f.ID, Unset: true, Stamp: at}) {
			c.code(path, event.Code{})
		}
	}
	for _, path := range f.Fields {
		c.point(Pointer{Path: path, Event: f.ID, Class: class(path), Stamp: at})
	}
	for _, code := range f.Codes {
		if code.Name != "reason" && c.point(Pointer{Path: code.Name, Event: f.ID, Stamp: at}) {
			c.code(code.Name, code)
		}
	}
	c.search(token.FieldEmails, at, entries, "person.emails")
	c.search(token.FieldPhones, at, entries, "person.phones")
	c.search(token.FieldName, at, entries, "person.given_name", "person.family_name")
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

// search replaces the tokens of a field if the fact at is the last that touched
// one of its paths. A name's token is made of what one event says of the name.
func (c *Contact) search(field token.Field, at Stamp, entries []token.Entry, paths ...string) {
	var last Stamp
	for _, p := range c.Fields {
		if slices.Contains(paths, p.Path) && p.after(last) {
			last = p.Stamp
		}
	}
	if last != at {
		return
	}
	c.tokens = slices.DeleteFunc(c.tokens, func(h held) bool { return h.field == field })
	for _, e := range entries {
		h := held{field, e.Kind, e.Token}
		if e.Field == field && e.Form == token.FormSearch && !slices.Contains(c.tokens, h) {
			c.tokens = append(c.tokens, h)
		}
	}
	slices.SortFunc(c.tokens, func(a, b held) int {
		if a.field != b.field {
			return int(a.field) - int(b.field)
		}
		return bytes.Compare(a.token[:], b.token[:])
	})
}
