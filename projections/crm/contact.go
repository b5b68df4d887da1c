package crm

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/part"
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
// the event, or, with no class, in the fact itself or in one of its parts. Epoch is
// that of the part's key, empty for a key without.
type Pointer struct {
	Path  string
	Event domain.ID
	Class string
	Epoch string
	Unset bool // the field was emptied by the event
	Stamp
}

// edge is the last merge or unmerge into another contact.
type edge struct {
	into   domain.ID
	merged bool
	Stamp
}

// Mark is something that stands until it is lifted, by the event that said it.
type Mark struct {
	Event domain.ID
	Stamp
}

// held is a current search token: where it lies, or, known to this process alone,
// what it is; a new one has no cell yet.
type held struct {
	field token.Field
	kind  token.Kind
	cell  int64
	known bool // token is set
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
	Restricted   Stamp       // earliest of Restrictions; zero: none
	Restrictions []Mark      // of art. 18 that stand, in the order of the ledger
	Holds        []Mark      // against destruction (art. 17(3)(e)) that stand
	Deceased     Stamp       // first notice of death known; zero: none
	Controllers  []string
	Sources      []domain.ID
	MergedInto   []domain.ID

	ref    int64
	slot   int64 // where its state lies; 0: nowhere yet
	seen   Stamp // last contact.created or contact.changed
	gone   Stamp // last contact.deleted
	edges  []edge
	tokens []held
	erased *tombstone // then nothing else holds
}

// keyOf names the key that seals a part: its class, and its epoch unless that is whole.
type keyOf struct{ class, epoch string }

func keyOfPart(ref *event.PartRef) keyOf {
	if ref.Epoch == part.EpochWhole {
		return keyOf{class: ref.Class}
	}
	return keyOf{ref.Class, ref.Epoch}
}

// epoch is that of the key which seals what p points to.
func (p *Pointer) epoch() string { return cmp.Or(p.Epoch, part.EpochWhole) }

// fold applies a fact about the contact, with the key of each path and the
// event's tokens. It reports whether anything changed.
func (c *Contact) fold(f projections.Fact, key func(path string) keyOf, entries []token.Entry) bool {
	at := Stamp{f.Time, f.Position}
	changed := c.belongs(f)
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		c.fields(f, at, key, entries)
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
		c.Restrictions, changed = append(c.Restrictions, Mark{f.ID, at}), true
	case event.RestrictionLifted:
		changed = lift(&c.Restrictions, f.Codes.ID("restriction"), true) || changed
	case event.HoldPlaced:
		c.Holds, changed = append(c.Holds, Mark{f.ID, at}), true
	case event.HoldReleased:
		changed = lift(&c.Holds, f.Codes.ID("hold"), false) || changed
	case event.PersonDeceased:
		changed = first(&c.Deceased, at) || changed
	default:
		if d, ok := contact.DestructionOf(f.Position, f.Fact); ok {
			changed = c.destroy(d) || changed
		}
	}
	c.derive()
	return changed
}

// derive fills what follows from the stamps.
func (c *Contact) derive() {
	c.Restricted = Stamp{}
	for _, m := range c.Restrictions {
		first(&c.Restricted, m.Stamp)
	}
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

// lift takes away what an event placed; the zero id takes all away, or nothing.
func lift(marks *[]Mark, placed domain.ID, all bool) bool {
	before := len(*marks)
	*marks = slices.DeleteFunc(*marks, func(m Mark) bool { return m.Event == placed || all && placed.IsZero() })
	return len(*marks) < before
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
