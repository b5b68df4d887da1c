package proof

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"
)

// grown is a tree in memory, with its tiles.
type grown struct {
	roots []Hash // by size
	tiles map[Tile][]byte
}

func leafOf(i uint64) Hash { return LeafHash(binary.BigEndian.AppendUint64(nil, i)) }

func grow(size uint64) *grown {
	g := &grown{tiles: map[Tile][]byte{}, roots: []Hash{EmptyRoot()}}
	var f Frontier
	row := make([]Hash, size)
	for i := range size {
		row[i] = leafOf(i)
		f.Add(row[i])
		g.roots = append(g.roots, f.Root())
	}
	for level := 0; len(row) > 0; level++ {
		for i := 0; i < len(row); i += TileWidth {
			b := []byte{}
			for w, h := range row[i:min(i+TileWidth, len(row))] {
				b = append(b, h[:]...)
				g.tiles[Tile{level, uint64(i / TileWidth), w + 1}] = slices.Clone(b)
			}
		}
		var up []Hash
		for ; len(row) >= TileWidth; row = row[TileWidth:] {
			var f Frontier
			for _, h := range row[:TileWidth] {
				f.Add(h)
			}
			up = append(up, f.Root())
		}
		row = up
	}
	return g
}

func (g *grown) read(t Tile) ([]byte, error) {
	b, ok := g.tiles[t]
	if !ok {
		return nil, ErrTile
	}
	return b, nil
}

const grownSize = 70_000 // three levels of tiles

// An implementation that is not ours agrees with every path.
func TestPathsAsOthersCheckThem(t *testing.T) {
	t.Parallel()
	g := grow(grownSize)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.Uint64Range(1, grownSize), rapid.SampledFrom([]uint64{1, 2, 255, 256, 257, 65_535, 65_536, 65_537})).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		old := rapid.Uint64Range(0, size).Draw(t, "old")
		root := g.roots[size]
		path, err := Inclusion(index, size, g.read)
		if err != nil {
			t.Fatal(err)
		}
		leaf := leafOf(index)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], bytesOf(path), root[:]); err != nil {
			t.Errorf("a peer refuses: %v", err)
		}
		if err := CheckInclusion(path, index, size, leaf, root); err != nil {
			t.Error(err)
		}
		way, err := Consistency(old, size, g.read)
		if err != nil {
			t.Fatal(err)
		}
		oldRoot := g.roots[old]
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, bytesOf(way), oldRoot[:], root[:]); err != nil {
			t.Errorf("a peer refuses %d in %d: %v", old, size, err)
		}
		if err := CheckConsistency(way, old, size, oldRoot, root); err != nil {
			t.Error(err)
		}
		if got, err := RootOf(size, g.read); err != nil || got != root {
			t.Errorf("root of the tiles: %v, %v", got, err)
		}
		refused(t, g, path, way, index, old, size)
	})
}

// refused changes one thing of what was right.
func refused(t *rapid.T, g *grown, path, way []Hash, index, old, size uint64) {
	root, leaf := g.roots[size], leafOf(index)
	bit := rapid.IntRange(0, 255).Draw(t, "bit")
	flip := func(h Hash) Hash { h[bit/8] ^= 1 << (bit % 8); return h }
	var none []error
	none = append(none, CheckInclusion(path, index, size, flip(leaf), root), CheckInclusion(path, index, size, leaf, flip(root)),
		CheckInclusion(append(slices.Clone(path), leaf), index, size, leaf, root), CheckInclusion(path, size, size, leaf, root),
		CheckConsistency(append(slices.Clone(way), leaf), old, size, g.roots[old], root), CheckConsistency(way, size+1, size, root, root),
		CheckConsistency(way, old, size, flip(g.roots[old]), root))
	if old > 0 {
		none = append(none, CheckConsistency(way, old, size, g.roots[old], flip(root)))
	}
	for i := range path {
		bad := slices.Clone(path)
		bad[i] = flip(bad[i])
		none = append(none, CheckInclusion(bad, index, size, leaf, root), CheckInclusion(path[:i], index, size, leaf, root))
	}
	for i := range way {
		bad := slices.Clone(way)
		bad[i] = flip(bad[i])
		none = append(none, CheckConsistency(bad, old, size, g.roots[old], root))
	}
	for i, err := range none {
		if !errors.Is(err, ErrPath) {
			t.Fatalf("case %d of leaf %d, %d in %d: %v", i, index, old, size, err)
		}
	}
}

func bytesOf(path []Hash) [][]byte {
	var out [][]byte
	for _, h := range path {
		out = append(out, slices.Clone(h[:]))
	}
	return out
}

func TestPathsThatCannotBe(t *testing.T) {
	t.Parallel()
	g := grow(300)
	if _, err := Inclusion(300, 300, g.read); !errors.Is(err, ErrPath) {
		t.Error(err)
	}
	if _, err := Consistency(301, 300, g.read); !errors.Is(err, ErrPath) {
		t.Error(err)
	}
	short := func(t Tile) ([]byte, error) { return make([]byte, 31), nil }
	if _, err := Inclusion(0, 300, short); !errors.Is(err, ErrTile) {
		t.Error(err)
	}
	if _, err := RootOf(300, func(Tile) ([]byte, error) { return nil, errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestTilePaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tile          Tile
		path, entries string
	}{
		{Tile{0, 0, 256}, "tile/0/000", "tile/entries/000"},
		{Tile{0, 1234067, 5}, "tile/0/x001/x234/067.p/5", "tile/entries/x001/x234/067.p/5"},
		{Tile{2, 999, 255}, "tile/2/999.p/255", "tile/entries/999.p/255"},
	} {
		if got := c.tile.Path(); got != c.path {
			t.Error(got)
		}
		if got, entries, err := ParseTilePath(c.path); err != nil || entries || got != c.tile {
			t.Errorf("%v %v %v", got, entries, err)
		}
		c.tile.Level = 0
		if got := c.tile.EntriesPath(); got != c.entries {
			t.Error(got)
		}
		if got, entries, err := ParseTilePath(c.entries); err != nil || !entries || got != c.tile {
			t.Errorf("%v %v %v", got, entries, err)
		}
	}
	for _, bad := range []string{"", "tile/", "tile/8/0/000", "tile/data/000", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/-1/000", "tile/0/../000", "tile/entries/entries/000", "tile/64/000"} {
		if got, _, err := ParseTilePath(bad); !errors.Is(err, ErrTile) {
			t.Errorf("%q is %v, %v", bad, got, err)
		}
	}
}

func TestTilesOfATree(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{0, 1, 255, 256, 257, 65_536, grownSize} {
		n, hashes := 0, 0
		for tile := range TilesOf(size) {
			n++
			hashes += tile.Width
			if tile.Width < 1 || tile.Width > TileWidth {
				t.Errorf("%v", tile)
			}
		}
		want := int(size + size/256 + size/65_536)
		if hashes != want {
			t.Errorf("%d hashes in the %d tiles of %d leaves, want %d", hashes, n, size, want)
		}
	}
}
