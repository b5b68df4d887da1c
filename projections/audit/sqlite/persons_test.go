package sqlite

import (
	"math/rand/v2"
	"slices"
	"testing"

	"greffe/domain"
)

// TestPersons: the set counts, and a page holds, what a map and a sort say, whatever
// repeats, through several growths, with the ids that mark an end and an empty place.
func TestPersons(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 5))
	for _, persons := range []int{1, 700, 5000} {
		var set personSet
		met := map[domain.ID]bool{}
		var pages []*personPage
		after := randomID(rng)
		for _, limit := range []int{1, 10, 600, 9000} {
			pages = append(pages, newPersonPage(domain.ID{}, limit), newPersonPage(after, limit))
		}
		known := make([]domain.ID, persons)
		for i := range known {
			known[i] = randomID(rng)
		}
		if persons > 1 {
			known[1], known[2] = domain.ID{}, domain.ID{}
			for i := range known[2] {
				known[2][i] = 0xff
			}
		}
		for range 3 * persons {
			var packed []byte
			for range rng.IntN(4) {
				id := known[rng.IntN(persons)]
				packed = append(packed, id[:]...)
				met[id] = true
			}
			set.add(packed)
			for _, p := range pages {
				p.add(packed)
			}
			if set.count() != int64(len(met)) {
				t.Fatalf("%d persons, want %d", set.count(), len(met))
			}
		}
		if set.n > 0 && (len(set.table) < set.n || len(set.table) > max(smallestSet, 3*set.n)) {
			t.Errorf("%d places for %d persons", len(set.table), set.n)
		}
		delete(met, domain.ID{}) // after no id, not even itself
		for _, p := range pages {
			want := slices.DeleteFunc(sortedIDs(met), func(id domain.ID) bool { return slices.Compare(id[:], p.after[:]) <= 0 })
			if p.shrink(); !slices.Equal(p.kept, want[:min(p.limit, len(want))]) || cap(p.kept) > 4*p.limit+16 {
				t.Errorf("%d of %d persons, %d kept, room for %d", persons, p.limit, len(p.kept), cap(p.kept))
			}
		}
	}
}
