package transfer

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"

	"greffe/domain/part"
)

// Digest is the sum, modulo 2^256, of the SHA-256 of records, whatever their order:
// it tells a record that is lost, doubled or altered by mistake.
type Digest [4]uint64

func (d Digest) String() string {
	var b []byte
	for i := range d {
		b = binary.BigEndian.AppendUint64(b, d[len(d)-1-i])
	}
	return hex.EncodeToString(b)
}

func (d *Digest) add(h [sha256.Size]byte) {
	carry := uint64(0)
	for i := range d {
		d[i], carry = bits.Add64(d[i], binary.BigEndian.Uint64(h[8*(len(d)-1-i):]), carry)
	}
}

// Summary counts the records of each kind. Two vaults that answer alike have the same,
// but for State.Next.
type Summary struct {
	State  State
	Count  [kinds]int64
	Digest [kinds]Digest
}

// Records is how many there are in all.
func (s *Summary) Records() (n int64) {
	for _, c := range s.Count {
		n += c
	}
	return n
}

// Differs names what is not alike; empty if nothing is.
func (s *Summary) Differs(o *Summary) string {
	for k := range kinds {
		switch {
		case s.Count[k] != o.Count[k]:
			return fmt.Sprintf("%d %s, not %d", o.Count[k], k, s.Count[k])
		case s.Digest[k] != o.Digest[k]:
			return fmt.Sprintf("%d %s of which some are others", o.Count[k], k)
		}
	}
	return ""
}

// summing adds records up.
type summing struct {
	Summary
	buf []byte
}

func (s *summing) add(r Record) {
	if state, ok := r.(State); ok {
		s.State = state
	}
	s.buf = appendRecord(s.buf[:0], r)
	s.Count[r.kind()]++
	s.Digest[r.kind()].add(sha256.Sum256(s.buf))
}

// appendRecord appends bytes that no other record has.
func appendRecord(b []byte, r Record) []byte {
	switch r := r.(type) {
	case State: // Next may be higher in a copy
		return appendInts(b, int64(r.Generation), int64(r.End))
	case Meta:
		return appendLong(appendLong(b, []byte(r.Name)), r.Value)
	case FenceLine:
		return appendLong(appendInts(b, r.Number), r.Line)
	case Key:
		b = appendLong(appendInts(appendOwner(b, r.Owner), r.Rev), r.Wrapped)
		if r.Destroyed {
			b = appendInts(append(append(b, 1), r.By[:]...), r.At)
		}
		return b
	case Link:
		return append(append(append(b, r.Token[:]...), r.ID[:]...), r.MAC[:]...)
	case Hold:
		return append(append(append(b, r.Token[:]...), r.ID[:]...), r.MAC[:]...)
	case Batch:
		b = appendInts(b, r.Number, int64(r.Base), int64(r.Rows))
		if r.Pending {
			b = append(b, 1)
		}
		return b
	case Row:
		return appendRow(b, &r)
	}
	return b
}

func appendRow(b []byte, r *Row) []byte {
	b = appendInts(b, r.Number, int64(r.Index))
	b = appendOwner(append(append(b, r.Event[:]...), r.MAC[:]...), r.Owner)
	b = appendLong(appendLong(appendLong(b, r.Fact), r.BodyMAC), r.Tokens)
	order := make([]int, len(r.Parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(r.Parts[x].Key.Class, r.Parts[y].Key.Class) })
	for _, i := range order {
		p := &r.Parts[i]
		b = appendLong(appendLong(appendOwner(b, p.Key.Owner), []byte(p.Key.Class)), []byte(p.Key.Epoch))
		b = appendLong(b, p.Bytes)
	}
	return b
}

func appendInts(b []byte, all ...int64) []byte {
	for _, n := range all {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func appendLong(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}

func appendOwner(b []byte, o part.Owner) []byte {
	return append(append(b, byte(o.Kind)), o.ID[:]...)
}
