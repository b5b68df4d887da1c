package screening

import (
	"sync/atomic"
)

// slots counts what runs at the same time.
type slots struct{ n atomic.Int64 }

func (s *slots) take(most int64) bool {
	if s.n.Add(1) > most {
		s.n.Add(-1)
		return false
	}
	return true
}

func (s *slots) give() { s.n.Add(-1) }

const (
	shards    = 256
	firstRoom = 64
	// remembered bounds the different addresses of one file that are known again: 8
	// to 16 bytes each, and a fifth more.
	remembered = 10_000_000
)

// seen counts addresses that came before, each told by 64 bits of its digests. Tables
// grow one at a time, so that growing takes no second copy of all.
type seen struct {
	tables  [shards]table
	held    int
	doubled int64
	full    bool // not all could be remembered
}

type table struct {
	keys []uint64 // 0 is an empty place
	held int
}

func (s *seen) add(k uint64) {
	if k == 0 {
		k = 1
	}
	t := &s.tables[k%shards]
	if t.has(k) {
		s.doubled++
		return
	}
	if s.held == remembered {
		s.full = true
		return
	}
	s.held++
	t.put(k)
}

func (t *table) has(k uint64) bool {
	if len(t.keys) == 0 {
		return false
	}
	mask := uint64(len(t.keys) - 1)
	for i := k >> 8 & mask; t.keys[i] != 0; i = (i + 1) & mask {
		if t.keys[i] == k {
			return true
		}
	}
	return false
}

func (t *table) put(k uint64) {
	if t.held*5 >= len(t.keys)*4 {
		old := t.keys
		t.keys, t.held = make([]uint64, max(firstRoom, 2*len(old))), 0
		for _, k := range old {
			if k != 0 {
				t.put(k)
			}
		}
	}
	mask := uint64(len(t.keys) - 1)
	i := k >> 8 & mask
	for t.keys[i] != 0 {
		i = (i + 1) & mask
	}
	t.keys[i] = k
	t.held++
}
