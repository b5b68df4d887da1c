package notary

import (
	"fmt"

	"greffe/domain/proof"
)

const (
	hashBytes = len(proof.Hash{})
	tileBytes = proof.TileWidth * hashBytes
	tileBits  = 8 // levels of the tree in a tile: 1<<tileBits is proof.TileWidth
	maxLevels = 64 / tileBits
)

// edge is a tree without what full tiles hold: its size, and at each level of tiles
// the hashes right of the last full one, fewer than proof.TileWidth. Copying an edge
// copies the tree: hashes once added are never written again. Of two copies only one
// may grow.
type edge struct {
	size   uint64
	levels [maxLevels][]proof.Hash
}

// count is how many hashes the tree has at a level of tiles.
func (e *edge) count(level int) uint64 { return countAt(e.size, level) }

func countAt(size uint64, level int) uint64 {
	if level >= maxLevels {
		return 0
	}
	return size >> (tileBits * level)
}

// add appends a leaf and gives each tile that it fills to full, lower levels first.
// After an error e is void.
func (e *edge) add(leaf proof.Hash, full func(t proof.Tile, hashes []proof.Hash) error) error {
	for level := range e.levels {
		if e.levels[level] == nil {
			e.levels[level] = make([]proof.Hash, 0, proof.TileWidth)
		}
		e.levels[level] = append(e.levels[level], leaf)
		if len(e.levels[level]) < proof.TileWidth {
			break
		}
		t := proof.Tile{Level: level, Index: e.count(level) >> tileBits, Width: proof.TileWidth}
		if err := full(t, e.levels[level]); err != nil {
			return err
		}
		leaf = subtree(e.levels[level])
		e.levels[level] = nil
	}
	e.size++
	return nil
}

// subtree is the root of a full tile's hashes.
func subtree(hashes []proof.Hash) proof.Hash {
	var row [proof.TileWidth / 2]proof.Hash
	for i := range row {
		row[i] = proof.NodeHash(hashes[2*i], hashes[2*i+1])
	}
	for n := len(row) / 2; n > 0; n /= 2 {
		for i := range n {
			row[i] = proof.NodeHash(row[2*i], row[2*i+1])
		}
	}
	return row[0]
}

// encode writes the bytes of a tile.
func encode(hashes []proof.Hash) []byte {
	b := make([]byte, 0, len(hashes)*hashBytes)
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}

// hashIn is hash i of a tile's bytes.
func hashIn(tile []byte, i uint64) proof.Hash {
	return proof.Hash(tile[i*uint64(hashBytes):][:hashBytes])
}

// tileRoot is subtree of a full tile's bytes.
func tileRoot(tile []byte) proof.Hash {
	var hashes [proof.TileWidth]proof.Hash
	for i := range hashes {
		hashes[i] = hashIn(tile, uint64(i))
	}
	return subtree(hashes[:])
}

// within says that a tile's hashes are all in a tree of size leaves.
func within(t proof.Tile, size uint64) error {
	if t.Level < 0 || t.Level >= maxLevels || t.Width < 1 || t.Width > proof.TileWidth {
		return proof.ErrTile
	}
	if n := countAt(size, t.Level); t.Index > n>>tileBits || t.Index<<tileBits+uint64(t.Width) > n {
		return fmt.Errorf("%w: %s of %d facts", ErrNotShown, t.Path(), size)
	}
	return nil
}
