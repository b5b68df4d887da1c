package sqlite

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"greffe/domain"
)

// personSet counts different persons. Its memory is 22 to 43 bytes a person: a table
// of ids alone, filled to three quarters at most. The zero id stands for an empty
// place, and is counted apart.
type personSet struct {
	table [][16]byte
	n     int // without the zero id
	zero  bool
}

const smallestSet = 1 << 10

// add takes in ids of 16 bytes, one after another.
func (s *personSet) add(ids []byte) {
	for ; len(ids) >= 16; ids = ids[16:] {
		id := [16]byte(ids)
		if id == ([16]byte{}) {
			s.zero = true
			continue
		}
		if s.n >= len(s.table)/4*3 {
			s.grow()
		}
		if place := s.find(&id); *place != id {
			*place = id
			s.n++
		}
	}
}

// find is the place of an id, or the empty one where it belongs.
func (s *personSet) find(id *[16]byte) *[16]byte {
	const spread = 0x9E3779B97F4A7C15
	h := (binary.LittleEndian.Uint64(id[:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(id[8:])*spread, 29)) * spread
	mask := uint64(len(s.table) - 1)
	for i := h >> 20 & mask; ; i = (i + 1) & mask {
		if p := &s.table[i]; *p == *id || *p == ([16]byte{}) {
			return p
		}
	}
}

func (s *personSet) grow() {
	old := s.table
	s.table = make([][16]byte, max(smallestSet, 2*len(old)))
	for i := range old {
		if old[i] != ([16]byte{}) {
			*s.find(&old[i]) = old[i]
		}
	}
}

func (s *personSet) count() int64 {
	if s.zero {
		return int64(s.n) + 1
	}
	return int64(s.n)
}

// personPage keeps the first persons after one, at most limit, in order of their ids.
// Its memory is that of twice as many.
type personPage struct {
	after, last domain.ID // beyond the last none is needed
	limit       int
	kept        []domain.ID
}

func newPersonPage(after domain.ID, limit int) *personPage {
	return &personPage{after: after, last: domain.ID(bytes.Repeat([]byte{0xff}, len(domain.ID{}))), limit: limit}
}

// add takes in ids of 16 bytes, one after another.
func (p *personPage) add(ids []byte) {
	for ; len(ids) >= 16; ids = ids[16:] {
		id := ids[:16]
		if bytes.Compare(id, p.after[:]) <= 0 || bytes.Compare(id, p.last[:]) > 0 {
			continue
		}
		if p.kept = append(p.kept, domain.ID(id)); len(p.kept) >= 2*p.limit {
			if p.shrink(); len(p.kept) == p.limit && p.limit > 0 {
				p.last = p.kept[p.limit-1]
			}
		}
	}
}

func (p *personPage) shrink() {
	slices.SortFunc(p.kept, func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
	p.kept = slices.Compact(p.kept)
	p.kept = p.kept[:min(len(p.kept), p.limit)]
}
