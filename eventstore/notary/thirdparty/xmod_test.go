package thirdparty

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// height of tiles (c2sp.org/tlog-tiles).
const height = 8

// check reads a published log as a stranger would, with nothing of Greffe: the
// checkpoint's signature, the root that tiles lead to, each entry's leaf, and paths.
func check(dir string) (int64, error) {
	tree, err := checkpoint(dir)
	if err != nil {
		return 0, err
	}
	hashes := tlog.TileHashReader(tree, reader{dir}) // it checks each tile against the root
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return 0, fmt.Errorf("the tiles do not have the checkpoint's root: %w", err)
	}
	for first := int64(0); first < tree.N; first += 1 << height {
		if err := checkBundle(dir, tree, first, hashes); err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

// checkBundle compares a bundle's entries with their leaves, and follows the path of
// one of them.
func checkBundle(dir string, tree tlog.Tree, first int64, hashes tlog.HashReader) error {
	t := tlog.Tile{H: height, L: 0, N: first >> height, W: int(min(tree.N-first, 1<<height))}
	b, err := os.ReadFile(filepath.Join(dir, strings.Replace(served(t), "tile/0/", "tile/entries/", 1)))
	if err != nil {
		return err
	}
	indexes := make([]int64, t.W)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return fmt.Errorf("entry %d is cut", first+int64(i))
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		if leaf != tlog.RecordHash(b[2:end]) {
			return fmt.Errorf("entry %d is not the leaf's", first+int64(i))
		}
		b = b[end:]
	}
	if len(b) > 0 {
		return fmt.Errorf("more than %d entries in a bundle", t.W)
	}
	middle := t.W / 2
	path, err := tlog.ProveRecord(tree.N, first+int64(middle), hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, first+int64(middle), leaves[middle])
}

func checkpoint(dir string) (tlog.Tree, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		return tlog.Tree{}, err
	}
	v, err := note.NewVerifier(string(vkey))
	if err != nil {
		return tlog.Tree{}, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return tlog.Tree{}, err
	}
	name, rest, _ := strings.Cut(n.Text, "\n")
	if name != v.Name() {
		return tlog.Tree{}, errors.New("the checkpoint is of another origin")
	}
	// x/mod's form of a tree head has a first line of its own before the same two.
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

// served is a tile's C2SP path: x/mod's without the height.
func served(t tlog.Tile) string { return strings.Replace(t.Path(), "tile/8/", "tile/", 1) }

type reader struct{ dir string }

func (reader) Height() int                     { return height }
func (reader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r reader) ReadTiles(ts []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(ts))
	for i, t := range ts {
		b, err := os.ReadFile(filepath.Join(r.dir, served(t)))
		if err != nil {
			return nil, err
		}
		all[i] = b
	}
	return all, nil
}
