package verify

import (
	"hash/maphash"

	"greffe/domain"
)

// table maps ids to small numbers in 12 bytes an entry, by fingerprints under a seed of
// its own. It holds a bounded number of ids.
type table struct {
	seed maphash.Seed
	fps  []uint64 // 0: free
	vals []uint32
	n    int
}

// mostIDs bounds a table: about 100 MiB, half as much more while it grows.
const mostIDs = 6_000_000

func newTable() *table {
	return &table{seed: maphash.MakeSeed(), fps: make([]uint64, 1<<10), vals: make([]uint32, 1<<10)}
}

func (t *table) fp(kind byte, id domain.ID) uint64 {
	var b [17]byte
	b[0] = kind
	copy(b[1:], id[:])
	return max(maphash.Bytes(t.seed, b[:]), 1)
}

// at is where a fingerprint stands, or would.
func (t *table) at(fp uint64) int {
	mask := uint64(len(t.fps) - 1)
	i := fp & mask
	for t.fps[i] != 0 && t.fps[i] != fp {
		i = (i + 1) & mask
	}
	return int(i)
}

func (t *table) get(kind byte, id domain.ID) (val uint32, ok bool) {
	fp := t.fp(kind, id)
	i := t.at(fp)
	return t.vals[i], t.fps[i] == fp
}

// put reports false if the table is full.
func (t *table) put(kind byte, id domain.ID, val uint32) bool {
	fp := t.fp(kind, id)
	i := t.at(fp)
	if t.fps[i] != fp {
		if t.n >= mostIDs {
			return false
		}
		if 4*t.n >= 3*len(t.fps) {
			t.grow()
			i = t.at(fp)
		}
		t.n++
	}
	t.fps[i], t.vals[i] = fp, val
	return true
}

func (t *table) grow() {
	fps, vals := t.fps, t.vals
	t.fps, t.vals = make([]uint64, 2*len(fps)), make([]uint32, 2*len(vals))
	for i, fp := range fps {
		if fp != 0 {
			j := t.at(fp)
			t.fps[j], t.vals[j] = fp, vals[i]
		}
	}
}
