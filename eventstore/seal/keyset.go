package seal

import (
	"errors"
	"fmt"
	"io"

	"greffe/domain/part"
)

// KeySet is one owner's class keys, unwrapped. It is not safe for concurrent use.
type KeySet struct {
	Owner     part.Owner
	Rev       int64 // of the row it was read from; 0 for none
	Destroyed bool  // the owner was erased: it has no keys and never gets any again
	keys      []classKey
	dirty     bool
}

type classKey struct {
	class, epoch string
	key          part.Key
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
	if s.Destroyed {
		return part.Key{}, fmt.Errorf("new key for %s: the owner is destroyed", s.Owner.String())
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

const keySetVersion = 1

// encode: version(1)=1 then, per key, len(class)(1) class len(epoch)(1) epoch key(32).
func (s *KeySet) encode() []byte {
	b := []byte{keySetVersion}
	for _, k := range s.keys {
		b = append(b, byte(len(k.class)))
		b = append(b, k.class...)
		b = append(b, byte(len(k.epoch)))
		b = append(b, k.epoch...)
		b = append(b, k.key[:]...)
	}
	return b
}

func (s *KeySet) decode(b []byte) error {
	if len(b) == 0 || b[0] != keySetVersion {
		return ErrKeyRow
	}
	for b = b[1:]; len(b) > 0; {
		var k classKey
		for _, into := range []*string{&k.class, &k.epoch} {
			if len(b) < 1 || len(b) < 1+int(b[0]) {
				return ErrKeyRow
			}
			*into = string(b[1 : 1+b[0]])
			b = b[1+int(b[0]):]
		}
		if len(b) < len(k.key) {
			return ErrKeyRow
		}
		k.key = part.Key(b[:len(k.key)])
		b = b[len(k.key):]
		s.keys = append(s.keys, k)
	}
	return nil
}
