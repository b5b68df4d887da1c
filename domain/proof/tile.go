package proof

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is how many levels of the tree a tile spans (c2sp.org/tlog-tiles).
const tileHeight = 8

// TileWidth is how many hashes a full tile has.
const TileWidth = 1 << tileHeight

// ErrTile: not a tile's path, or not a tile's bytes.
var ErrTile = errors.New("not a tile")

// Tile names 1 to TileWidth hashes that stand beside each other in the tree: the
// roots of perfect subtrees of 256^Level leaves, the first of them number
// Index*TileWidth. Its bytes are the hashes, one after the other.
type Tile struct {
	Level int
	Index uint64
	Width int // full tiles have TileWidth; the last of a level may have fewer
}

func (t Tile) tlog() tlog.Tile {
	return tlog.Tile{H: tileHeight, L: t.Level, N: int64(t.Index), W: t.Width}
}

// Path is where a tile is served, such as tile/0/x001/067 or tile/1/000.p/5.
func (t Tile) Path() string {
	return "tile/" + strings.TrimPrefix(t.tlog().Path(), "tile/8/")
}

// EntriesPath is where the bundle of the facts below a tile of level 0 is served.
func (t Tile) EntriesPath() string {
	t.Level = 0
	return "tile/entries/" + strings.TrimPrefix(t.tlog().Path(), "tile/8/0/")
}

// ParseTilePath reads what Path and EntriesPath write. The error is ErrTile.
func ParseTilePath(path string) (t Tile, entries bool, err error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return t, false, ErrTile
	}
	if r, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest, entries = "0/"+r, true
	}
	p, err := tlog.ParseTilePath("tile/8/" + rest)
	if err != nil || p.L < 0 || p.L >= 64/tileHeight {
		return t, false, ErrTile
	}
	return Tile{Level: p.L, Index: uint64(p.N), Width: p.W}, entries, nil
}

// TilesOf are the tiles of a tree, level by level: full ones, and at the end of a
// level the one that is not.
func TilesOf(size uint64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level, n := 0, size; n > 0; level, n = level+1, n>>tileHeight {
			for i := range n / TileWidth {
				if !yield(Tile{Level: level, Index: i, Width: TileWidth}) {
					return
				}
			}
			if w := n % TileWidth; w > 0 && !yield(Tile{Level: level, Index: n / TileWidth, Width: int(w)}) {
				return
			}
		}
	}
}

// TileReader gives the bytes of a tile, Width*32 of them, and does not change them
// later.
type TileReader func(Tile) ([]byte, error)

// hashReader finds the hashes of a tree of size leaves in its tiles. It keeps the
// tiles it read: a path reads each of them many times.
func hashReader(size uint64, read TileReader) tlog.HashReader {
	kept := map[Tile][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			at := tlog.TileForIndex(tileHeight, x)
			t := Tile{Level: at.L, Index: uint64(at.N)}
			n := size>>(tileHeight*t.Level) - t.Index*TileWidth
			t.Width = int(min(n, TileWidth))
			b, ok := kept[t]
			if !ok {
				var err error
				if b, err = read(t); err != nil {
					return nil, fmt.Errorf("%s: %w", t.Path(), err)
				}
				if len(b) != t.Width*len(Hash{}) {
					return nil, fmt.Errorf("%s: %w: %d bytes", t.Path(), ErrTile, len(b))
				}
				kept[t] = b
			}
			h, err := tlog.HashFromTile(t.tlog(), b, x)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.Path(), err)
			}
			out[i] = h
		}
		return out, nil
	})
}
