package sqlfile

import (
	"slices"
	"testing"
)

// TestFindAllCrowds looks for keys among which some have more entries than one
// query reads, at every place of a lot.
func TestFindAllCrowds(t *testing.T) {
	t.Parallel()
	f, b, _ := openBlind(t)
	m := newModel(3)
	const crowd = manyRows + 10
	var add []BlindEntry
	keys := make([]BlindKey, 0, 700)
	for i := range cap(keys) {
		e := m.some(1)[0]
		keys = append(keys, BlindKey{e.Tag, e.Token})
		n := i % 3
		if i == 0 || i == 400 || i == 401 || i == cap(keys)-1 {
			n = crowd
		}
		for j := range n {
			e.Ref = int64(j)
			add = append(add, e)
		}
	}
	update(t, f, func(tx *Tx) error { return b.Add(tx, add) })
	keys = append(keys, keys[1], keys[401], BlindKey{Tag: 9, Token: keys[2].Token})
	for _, limit := range []int{1, 2, crowd - 1} {
		got, err := b.FindAll(t.Context(), f.Rows, keys, limit)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range keys {
			want, err := b.Find(t.Context(), f.Rows, k.Tag, k.Token, 0, limit)
			if err != nil || !slices.Equal(got[i], want) {
				t.Fatalf("key %d: %d entries, want %d; %v", i, len(got[i]), len(want), err)
			}
		}
	}
	if got, err := b.FindAll(t.Context(), f.Rows, nil, 1); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
}
