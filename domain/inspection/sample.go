package inspection

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"greffe/domain"
)

// sampling domain-separates the draw from every other hash.
const sampling = "greffe/sample/1\x00"

// Rank is the place of something in an inspection's draw: whoever has the lowest
// are drawn. Anybody who knows the inspection's id can draw again.
func Rank(inspection, of domain.ID) uint64 {
	b := make([]byte, 0, len(sampling)+2*len(of))
	b = append(append(append(b, sampling...), inspection[:]...), of[:]...)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

// Draw keeps those of the lowest rank among all that it was offered, whatever
// their order. Its memory is that of those it keeps.
type Draw struct {
	inspection domain.ID
	most       int
	kept       ranks
}

// NewDraw draws at most so many.
func NewDraw(inspection domain.ID, most int) *Draw { return &Draw{inspection: inspection, most: most} }

// Offer considers one; it must be offered once.
func (d *Draw) Offer(id domain.ID) {
	r := ranked{Rank(d.inspection, id), id}
	switch {
	case d.most <= 0:
	case len(d.kept) < d.most:
		heap.Push(&d.kept, r)
	case r.less(d.kept[0]):
		d.kept[0] = r
		heap.Fix(&d.kept, 0)
	}
}

// Drawn lists those drawn, the lowest rank first.
func (d *Draw) Drawn() []domain.ID {
	sorted := slices.Clone(d.kept)
	slices.SortFunc(sorted, func(a, b ranked) int {
		if a.less(b) {
			return -1
		}
		return 1
	})
	out := make([]domain.ID, len(sorted))
	for i, r := range sorted {
		out[i] = r.id
	}
	return out
}

type ranked struct {
	rank uint64
	id   domain.ID
}

func (r ranked) less(o ranked) bool {
	return r.rank < o.rank || r.rank == o.rank && slices.Compare(r.id[:], o.id[:]) < 0
}

// ranks is a heap with the highest rank on top.
type ranks []ranked

func (h ranks) Len() int           { return len(h) }
func (h ranks) Less(i, j int) bool { return h[j].less(h[i]) }
func (h ranks) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ranks) Push(x any)        { *h = append(*h, x.(ranked)) }
func (h *ranks) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
