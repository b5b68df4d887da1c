// Package erasure says what an erasure under article 17 destroys and what the
// law lets it keep, and in which words that is written down.
//
// Promised: Plan is a pure function of the policy and of the facts about the
// person; what it keeps names its ground (art. 17(3)) and its end. It keeps no
// class the person has nothing of. Requests and the opposition list are never
// among what a plan without classes destroys. Assumed: the facts are all those
// of the person and of the contacts merged with it. There is no I/O, so a crash
// leaves nothing.
package erasure

import (
	"greffe/domain"
	"greffe/domain/part"
)

// Destruction is what one erasure destroyed of one owner, as the fence keeps it
// to destroy it again in a restored copy. It names no person.
type Destruction struct {
	Owner    part.Owner
	By       domain.ID       // the event that ordered it
	Position domain.Position // of that event
	At       domain.Time     // when it was ordered
	// Keys are the class keys that went. None: all of them, and the owner never
	// gets any again.
	Keys []ClassEpoch
	// Closed, with Keys: the owner takes nothing new (a person erased but for what
	// the law keeps).
	Closed bool
	// Redacted parts were destroyed alone, for what they said; all keys stay then.
	Redacted []Redaction
}

// ClassEpoch names one of an owner's class keys.
type ClassEpoch struct{ Class, Epoch string }

// Redaction names one part.
type Redaction struct {
	Event domain.ID
	Class string
}
