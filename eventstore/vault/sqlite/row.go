package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Rows lie one behind the other in chunks, so that a batch costs few
// statements. A row is
//
//	len(4) ‖ event(16) ‖ gone(1) ‖ owner(17) ‖ len(1) ‖ body MAC ‖ len(4) ‖ tokens ‖ parts(2) ‖ part…
//	part = gone(1) ‖ owner(17) ‖ len(1) ‖ class ‖ len(1) ‖ epoch ‖ len(4) ‖ bytes
//
// with big-endian lengths. Erasing sets gone and zeroes the bytes; no length
// changes, so SQLite overwrites the cell where it lies and no copy of it moves.
const (
	chunkTarget = 14 << 10 // bytes after which the next row starts a new chunk
	seqBits     = 20       // a seq is batch number ‖ index of the row in it
	maxRows     = 1 << seqBits
)

// errDamaged: what was read is not what was written.
var errDamaged = fmt.Errorf("%w", vault.ErrDamaged)

func seqOf(number int64, index int) int64 { return number<<seqBits | int64(index) }

// stored is a decoded row. Its slices share the chunk's memory.
type stored struct {
	event  domain.ID
	gone   *byte
	owner  part.Owner
	mac    []byte
	tokens []byte
	parts  []storedPart
}

type storedPart struct {
	gone  *byte
	key   part.KeyID
	bytes []byte
}

// checkRow reports a row that cannot be written.
func checkRow(r *vault.Row) error {
	if len(r.BodyMAC) > 255 || len(r.Parts) > 1<<16-1 {
		return errors.New("a row has a body MAC or a number of parts beyond what is stored")
	}
	for i := range r.Parts {
		k := &r.Parts[i].Key
		if len(k.Class) > 255 || len(k.Epoch) > 255 {
			return errors.New("a class or epoch is longer than 255 bytes")
		}
		for j := range i {
			if r.Parts[j].Key.Class == k.Class {
				return fmt.Errorf("two parts of one event and class: %w", vault.ErrExists)
			}
		}
	}
	return nil
}

func appendRow(b []byte, r *vault.Row) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = append(b, r.Event[:]...)
	b = append(b, 0)
	b = appendOwner(b, r.Owner)
	b = append(b, byte(len(r.BodyMAC)))
	b = append(b, r.BodyMAC...)
	b = appendLong(b, r.Tokens)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Parts)))
	for i := range r.Parts {
		p := &r.Parts[i]
		b = append(b, 0)
		b = appendOwner(b, p.Key.Owner)
		b = append(b, byte(len(p.Key.Class)))
		b = append(b, p.Key.Class...)
		b = append(b, byte(len(p.Key.Epoch)))
		b = append(b, p.Key.Epoch...)
		b = appendLong(b, p.Bytes)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

func appendOwner(b []byte, o part.Owner) []byte {
	return append(append(b, byte(o.Kind)), o.ID[:]...)
}

func appendLong(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}

// decodeRows calls fn for each row of a chunk that starts at seq first.
func decodeRows(first int64, chunk []byte, fn func(seq int64, r *stored) error) error {
	for seq := first; len(chunk) > 0; seq++ {
		r := reader{b: chunk}
		body := r.long()
		if r.bad {
			return errDamaged
		}
		chunk = r.b
		row, err := decodeRow(body)
		if err != nil {
			return err
		}
		if err := fn(seq, row); err != nil {
			return err
		}
	}
	return nil
}

// rowAt decodes the row seq of a chunk that starts at seq first; nil when the
// chunk ends before it.
func rowAt(first, seq int64, chunk []byte) (*stored, error) {
	r := reader{b: chunk}
	for ; first < seq && len(r.b) > 0; first++ {
		r.long()
	}
	if len(r.b) == 0 {
		return nil, nil
	}
	body := r.long()
	if r.bad {
		return nil, errDamaged
	}
	return decodeRow(body)
}

func decodeRow(b []byte) (*stored, error) {
	r := reader{b: b}
	s := &stored{event: domain.ID(r.take(16)), gone: &r.take(1)[0]}
	s.owner = r.owner()
	s.mac = r.short()
	s.tokens = r.long()
	s.parts = make([]storedPart, binary.BigEndian.Uint16(r.take(2)))
	for i := range s.parts {
		if r.bad {
			break
		}
		p := &s.parts[i]
		p.gone = &r.take(1)[0]
		p.key.Owner = r.owner()
		p.key.Class = string(r.short())
		p.key.Epoch = string(r.short())
		p.bytes = r.long()
	}
	if r.bad || len(r.b) != 0 {
		return nil, errDamaged
	}
	return s, nil
}

// wipe zeroes what is doomed, in place, and reports whether anything was left of
// it. It looks at the bytes too: a row is wiped when they are zero, whatever its
// marks say.
func (s *stored) wipe(d *vault.Doom) (was bool) {
	loses := slices.ContainsFunc(s.parts, func(p storedPart) bool { return d.Takes(p.key) })
	if d.TakesTokens(s.owner, loses) {
		was = *s.gone == 0 && len(s.mac)+len(s.tokens) > 0 || !zero(s.mac) || !zero(s.tokens)
		*s.gone = 1
		clear(s.mac)
		clear(s.tokens)
	}
	for i := range s.parts {
		if p := &s.parts[i]; d.Takes(p.key) {
			was = p.wipe() || was
		}
	}
	return was
}

// redact wipes the part of a class.
func (s *stored) redact(class string) (was bool) {
	for i := range s.parts {
		if p := &s.parts[i]; p.key.Class == class {
			was = p.wipe() || was
		}
	}
	return was
}

func (p *storedPart) wipe() (was bool) {
	was = *p.gone == 0 || !zero(p.bytes)
	*p.gone = 1
	clear(p.bytes)
	return was
}

func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// reader takes fields off b; past the end it gives zeroes and sets bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, min(n, 64))
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) short() []byte { return r.take(int(r.take(1)[0])) }

func (r *reader) long() []byte {
	return r.take(int(binary.BigEndian.Uint32(r.take(4))))
}

func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reader) owner() part.Owner {
	return part.Owner{Kind: part.OwnerKind(r.take(1)[0]), ID: domain.ID(r.take(16))}
}
