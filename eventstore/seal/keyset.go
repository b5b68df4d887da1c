package seal

import (
	"errors"
	"fmt"
	"io"

	"greffe/domain"
	"greffe/domain/part"
)

// KeySet is one owner's class keys, unwrapped, and what stands against using or
// destroying them. It is not safe for concurrent use.
type KeySet struct {
	Owner part.Owner
	Rev   int64 // of the row it was read from; 0 for none

	// Destroyed: the owner was erased and has no keys and never gets any again.
	Destroyed bool
	// Closed: the event that ordered the owner's erasure; nothing new is recorded
	// about the owner from then on. Zero while open.
	Closed   domain.ID
	ClosedAt domain.Time // when it was ordered

	keys    []classKey
	holds   []Hold
	retired []retired
	archive []archived
	dirty   bool
}

type classKey struct {
	class, epoch string
	key          part.Key
}

// retired counts how often a class was destroyed; its next keys are of the next
// generation, so that the id of a destroyed key never comes back.
type retired struct {
	class      string
	generation uint16
}

// HoldKind says what stands against a destruction.
type HoldKind byte

// The kinds of holds.
const (
	HoldClaim       HoldKind = 1 // hold.placed: litigation, an inspection (art. 17(3)(e))
	HoldRestriction HoldKind = 2 // restriction.placed: art. 18
)

// Hold is one reason not to destroy, by the event that gave it.
type Hold struct {
	Kind  HoldKind
	Event domain.ID
}

// ErrKeyRow: a wrapped key row cannot be read: damaged, moved from another
// owner or revision, or wrapped under another root key.
var ErrKeyRow = errors.New("a key row of the vault was altered or belongs to another vault")

// Key returns the key of a class and epoch.
func (s *KeySet) Key(class, epoch string) (part.Key, bool) {
	for i := range s.keys {
		if k := &s.keys[i]; k.class == class && k.epoch == epoch {
			return k.key, true
		}
	}
	return part.Key{}, false
}

// Ensure returns the key of a class and epoch, making one of rand if there is
// none; the set is then dirty and must be written before what it sealed.
func (s *KeySet) Ensure(class, epoch string, rand io.Reader) (part.Key, error) {
	if k, ok := s.Key(class, epoch); ok {
		return k, nil
	}
	if s.Erased() {
		return part.Key{}, fmt.Errorf("new key for %s: the owner is erased", s.Owner.String())
	}
	k := classKey{class: class, epoch: epoch}
	if _, err := io.ReadFull(rand, k.key[:]); err != nil {
		return part.Key{}, fmt.Errorf("new class key: %w", err)
	}
	s.keys = append(s.keys, k)
	s.dirty = true
	return k.key, nil
}

// Dirty reports whether the set must be written.
func (s *KeySet) Dirty() bool { return s.dirty }

// Written marks the set as stored under its next revision.
func (s *KeySet) Written() {
	if s.dirty {
		s.Rev++
		s.dirty = false
	}
}
