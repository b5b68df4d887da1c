package index

import (
	"context"
	"database/sql"
	"slices"
	"sync/atomic"
	"time"

	"greffe/domain"
)

// Contact is one of the contacts that are one person.
type Contact struct {
	ID domain.ID
	// By ordered the erasure of the whole contact, At that time; zero if nothing did.
	By domain.ID
	At time.Time
}

// Erased reports that the contact's erasure was ordered.
func (c *Contact) Erased() bool { return !c.By.IsZero() }

// Person is somebody as the facts say that were applied. It is shared between readers,
// who change nothing but the memo.
type Person struct {
	// Contacts are one person by the merges and unmerges applied, in order of first
	// appearance.
	Contacts []Contact
	// Below is the position below which facts are counted.
	Below domain.Position
	// Memo is for what a reader works out from the facts about these contacts: it
	// goes with the person, before the next fact about any of them is committed.
	Memo atomic.Value
}

// Of is the contact with an id that is one of the person's.
func (p *Person) Of(id domain.ID) *Contact {
	return &p.Contacts[slices.IndexFunc(p.Contacts, func(c Contact) bool { return c.ID == id })]
}

// IDs lists the contacts, subject first, the others in order of first appearance.
func (p *Person) IDs(subject domain.ID) []domain.ID {
	out := make([]domain.ID, len(p.Contacts))
	for i := range p.Contacts {
		out[i] = p.Contacts[i].ID
	}
	return first(subject, out)
}

// Person is who subject is, or ErrUnknown. Some thousand persons are kept in memory; one
// that is kept is what the file says (see persons).
func (x *Index) Person(ctx context.Context, subject domain.ID) (*Person, error) {
	p, asked := x.persons.get(subject)
	if p != nil {
		return p, nil
	}
	p, err := x.person(ctx, subject)
	if err != nil {
		return nil, err
	}
	x.persons.put(p, asked)
	return p, nil
}

const lookPerson = "SELECT (SELECT position FROM checkpoint),s.ref,e.event,e.at," +
	"EXISTS(SELECT 1 FROM edge WHERE a=s.ref) OR EXISTS(SELECT 1 FROM edge WHERE b=s.ref) " +
	"FROM subject s LEFT JOIN erased e ON e.subject=s.ref WHERE s.value=?"

// person reads who subject is: with one query, unless it was ever merged.
func (x *Index) person(ctx context.Context, subject domain.ID) (*Person, error) {
	var below, ref int64
	var by []byte
	var at sql.NullInt64
	var edges bool
	if err := x.file.Row(ctx, lookPerson, []any{subject[:]}, &below, &ref, &by, &at, &edges); err != nil {
		return nil, unknown("person", err)
	}
	p := &Person{Below: domain.Position(below)}
	if !edges {
		c := Contact{ID: subject}
		if at.Valid {
			c.By, c.At = domain.ID(by), time.UnixMicro(at.Int64).UTC()
		}
		p.Contacts = []Contact{c}
		return p, nil
	}
	refs, err := x.connected(ctx, ref, p.Below)
	if err != nil {
		return nil, err
	}
	ids, err := x.names(ctx, refs)
	if err != nil {
		return nil, err
	}
	p.Contacts = make([]Contact, len(ids))
	for i, id := range ids {
		c := &p.Contacts[i]
		c.ID = id
		if c.By, c.At, _, err = x.Erased(ctx, id); err != nil {
			return nil, err
		}
	}
	return p, nil
}
