package event

import (
	"greffe/domain"
	"greffe/domain/part"
)

// Type is a name of the catalogue, such as "contact.created".
type Type string

// Fact is what the log keeps of an event, for ever: no personal data, only our
// own ids, codes of the policy or the catalogue, field paths, numbers, times and
// commitments. AppendFact writes its one byte form, DecodeFact reads it.
type Fact struct {
	ID         domain.ID
	Type       Type
	Subject    domain.ID // zero when the event is about no known person
	Source     domain.ID // producer; zero for the ledger's own events
	Actor      domain.ID // account that acted; zero for the ledger itself
	Controller string    // code of the policy; empty for the ledger's own events
	Time       domain.Time
	Recorded   domain.Time
	Policy     int64  // version of the policy in force at recording
	Sequence   *int64 // the producer's own number, if it counts
	Codes      Codes  // "data" on the wire
	Fields     []string
	Unset      []string
	Parts      []PartRef
	Lacks      []string  // what a consent's proof lacks; non-empty means unproven
	Warnings   []Warning // what the guard left out
}

// PartRef names and commits to one sealed part of the fact's event.
type PartRef struct {
	Owner      part.Owner // whose key seals it
	Class      string
	Epoch      string
	Commitment part.Commitment
}

// KeyID is the key that the part needs.
func (p PartRef) KeyID() part.KeyID {
	return part.KeyID{Owner: p.Owner, Class: p.Class, Epoch: p.Epoch}
}

// Warning says what the guard left out or altered, never the value.
type Warning struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

// Field is one personal value on its way to a part: a path such as
// "person.emails" and its JSON value.
type Field struct {
	Path  string
	Value []byte
}
