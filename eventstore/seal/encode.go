package seal

import (
	"encoding/binary"
	"time"

	"greffe/domain"
	"greffe/domain/part"
)

// The forms of a key set. Most owners have keys and nothing else, which is the
// first form; the second has what stands against them before the keys, the third
// between the two which of them are archived.
const (
	formKeys    = 1
	formState   = 2
	formArchive = 3
)

// encode:
//
//	form(1)=1 ‖ key…
//	form(1)=2 ‖ closed by(16) ‖ closed at(8, µs) ‖ holds(2) ‖ (kind(1) ‖ event(16))… ‖ retired(1) ‖ (len(1) ‖ class ‖ generation(2))… ‖ key…
//	form(1)=3 ‖ as the second up to the keys ‖ archived(2) ‖ (len(1) ‖ class ‖ len(1) ‖ epoch ‖ since(8, µs))… ‖ key…
//	key = len(1) ‖ class ‖ len(1) ‖ epoch ‖ key(32)
func (s *KeySet) encode() []byte {
	b := []byte{formKeys}
	if !s.Closed.IsZero() || len(s.holds)+len(s.retired)+len(s.archive) > 0 {
		if b[0] = formState; len(s.archive) > 0 {
			b[0] = formArchive
		}
		b = append(b, s.Closed[:]...)
		at := int64(0)
		if !s.Closed.IsZero() {
			at = s.ClosedAt.UnixMicro()
		}
		b = binary.BigEndian.AppendUint64(b, uint64(at))
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.holds)))
		for _, h := range s.holds {
			b = append(append(b, byte(h.Kind)), h.Event[:]...)
		}
		b = append(b, byte(len(s.retired)))
		for _, r := range s.retired {
			b = append(append(b, byte(len(r.class))), r.class...)
			b = binary.BigEndian.AppendUint16(b, r.generation)
		}
		if len(s.archive) > 0 {
			b = s.appendArchive(b)
		}
	}
	for _, k := range s.keys {
		b = append(append(b, byte(len(k.class))), k.class...)
		b = append(append(b, byte(len(k.epoch))), k.epoch...)
		b = append(b, k.key[:]...)
	}
	return b
}

// cut takes fields off the bytes of a key set; past the end it gives zeroes.
type cut struct {
	b   []byte
	bad bool
}

func (c *cut) take(n int) []byte {
	if n > len(c.b) {
		c.bad, c.b = true, nil
		return make([]byte, n)
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cut) byte() int      { return int(c.take(1)[0]) }
func (c *cut) uint16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cut) text() string   { return string(c.take(c.byte())) }

func (s *KeySet) decode(b []byte) error {
	c := &cut{b: b}
	switch c.byte() {
	case formKeys:
	case formState:
		s.state(c)
	case formArchive:
		s.state(c)
		s.readArchive(c)
	default:
		return ErrKeyRow
	}
	for len(c.b) > 0 && !c.bad {
		s.keys = append(s.keys, classKey{class: c.text(), epoch: c.text(), key: part.Key(c.take(len(part.Key{})))})
	}
	if c.bad {
		return ErrKeyRow
	}
	return nil
}

func (s *KeySet) state(c *cut) {
	s.Closed = domain.ID(c.take(16))
	at := int64(binary.BigEndian.Uint64(c.take(8)))
	if !s.Closed.IsZero() {
		s.ClosedAt = domain.NewTime(time.UnixMicro(at))
	}
	for n := c.uint16(); n > 0 && !c.bad; n-- {
		s.holds = append(s.holds, Hold{HoldKind(c.byte()), domain.ID(c.take(16))})
	}
	for n := c.byte(); n > 0 && !c.bad; n-- {
		s.retired = append(s.retired, retired{c.text(), c.uint16()})
	}
}
