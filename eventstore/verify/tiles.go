package verify

import (
	"errors"
	"io/fs"

	"greffe/domain"
	"greffe/domain/proof"
)

// tiles recomputes the full tiles of the tree while it grows, and compares those that
// are stored.
type tiles struct {
	r      *run
	covers uint64 // facts that a signed head covers: their tiles must be there
	levels []level
}

// level is the tile that is being filled.
type level struct {
	index  uint64
	hashes []byte
	tree   proof.Frontier
}

func (t *tiles) add(leaf proof.Hash) error {
	h := leaf
	for n := 0; ; n++ {
		if n == len(t.levels) {
			t.levels = append(t.levels, level{})
		}
		l := &t.levels[n]
		l.hashes = append(l.hashes, h[:]...)
		l.tree.Add(h)
		if len(l.hashes) < proof.TileWidth*len(h) {
			return nil
		}
		if err := t.compare(n, l); err != nil {
			return err
		}
		h = l.tree.Root()
		*l = level{index: l.index + 1, hashes: l.hashes[:0]}
	}
}

func (t *tiles) compare(n int, l *level) error {
	tile := proof.Tile{Level: n, Index: l.index, Width: proof.TileWidth}
	first := l.index << (8 * (n + 1))
	f := Finding{Position: domain.Position(first), Where: tile.Path()}
	b, err := t.r.Tiles(tile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if first+1<<(8*(n+1)) > t.covers {
			return nil // not written yet
		}
		f.Code, f.Detail = TileMissing, "A tile that a signed head covers is not stored."
	case err != nil:
		return err
	case string(b) != string(l.hashes):
		f.Code, f.Detail = TileAltered, "The stored tile is not the one of the log's facts."
	default:
		t.r.sum.Tiles++
		return nil
	}
	t.r.find(f)
	return nil
}
