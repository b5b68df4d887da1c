package inspection

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

func id(n uint64) domain.ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], n)
	return domain.DeriveID(b[:])
}

// TestDrawIsWhatSortingGives: those drawn are the first by rank, in whatever order
// they were offered.
func TestDrawIsWhatSortingGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		inspection := id(rapid.Uint64().Draw(t, "inspection"))
		most := rapid.IntRange(0, 12).Draw(t, "most")
		var all []domain.ID
		for _, n := range rapid.SliceOfDistinct(rapid.Uint64Range(0, 1<<40), rapid.ID[uint64]).Draw(t, "people") {
			all = append(all, id(n))
		}
		d := NewDraw(inspection, most)
		for _, p := range all {
			d.Offer(p)
		}
		slices.SortFunc(all, func(a, b domain.ID) int {
			if ra, rb := Rank(inspection, a), Rank(inspection, b); ra != rb {
				if ra < rb {
					return -1
				}
				return 1
			}
			return slices.Compare(a[:], b[:])
		})
		if got, want := d.Drawn(), all[:min(most, len(all))]; !slices.Equal(got, want) {
			t.Fatalf("drew %v, want %v", got, want)
		}
	})
}

// TestRankIsFixed: others draw again by this value; it must not change.
func TestRankIsFixed(t *testing.T) {
	t.Parallel()
	if got, want := Rank(id(1), id(2)), uint64(0); got == want || got == Rank(id(2), id(1)) || got == Rank(id(1), id(3)) {
		t.Errorf("rank %d does not depend on both ids", got)
	}
	const golden = uint64(17689108059607892093)
	if got := Rank(id(1), id(2)); got != golden {
		t.Errorf("the rank is %d, was %d", got, golden)
	}
}
