package notary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"greffe/domain"
	"greffe/domain/proof"
)

// view reads one tree's hashes for one caller: those of the edge from memory, others
// from tiles, each of which is believed only if its root is the hash that the tile
// above, or the edge, has of it. A tile that is missing or says something else is
// made again from the log.
type view struct {
	n    *Notary
	ctx  context.Context
	e    edge
	kept map[proof.Tile][]byte // full tiles, checked
}

func (n *Notary) view(ctx context.Context, e edge) *view {
	return &view{n: n, ctx: ctx, e: e, kept: map[proof.Tile][]byte{}}
}

// tile is a proof.TileReader.
func (v *view) tile(t proof.Tile) ([]byte, error) {
	if err := within(t, v.e.size); err != nil {
		return nil, err
	}
	if t.Index == v.e.count(t.Level)>>tileBits {
		return encode(v.e.levels[t.Level][:t.Width]), nil
	}
	b, err := v.full(proof.Tile{Level: t.Level, Index: t.Index, Width: proof.TileWidth})
	if err != nil {
		return nil, err
	}
	return b[: t.Width*hashBytes : t.Width*hashBytes], nil
}

// hash is the hash at index of a level of tiles; level 0 has the leaves.
func (v *view) hash(level int, index uint64) (proof.Hash, error) {
	if at := v.e.count(level); index>>tileBits == at>>tileBits {
		return v.e.levels[level][index%proof.TileWidth], nil
	}
	b, err := v.full(proof.Tile{Level: level, Index: index >> tileBits, Width: proof.TileWidth})
	if err != nil {
		return proof.Hash{}, err
	}
	return hashIn(b, index%proof.TileWidth), nil
}

func (v *view) full(t proof.Tile) ([]byte, error) {
	if b, ok := v.kept[t]; ok {
		return b, nil
	}
	want, err := v.hash(t.Level+1, t.Index)
	if err != nil {
		return nil, err
	}
	b, err := v.n.tiles.read(t)
	if err != nil || tileRoot(b) != want {
		if b, err = v.n.heal(v.ctx, t, want); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Path(), err)
		}
	}
	v.kept[t] = b
	return b, nil
}

func (v *view) root(size uint64) (proof.Hash, error) { return proof.RootOf(size, v.tile) }

// heal makes a tile again whose root is known. If the log gives another, its facts
// are not those that were signed, and the notary stops.
func (n *Notary) heal(ctx context.Context, t proof.Tile, want proof.Hash) ([]byte, error) {
	n.healing.Lock()
	defer n.healing.Unlock()
	b, err := n.tiles.read(t)
	if err == nil && tileRoot(b) == want {
		return b, nil // another caller was first
	}
	n.cfg.Logger.Warn("notary: a tile is made again from the log", "tile", t.Path(), "was", found(err))
	if b, err = n.fromBelow(t); err != nil || tileRoot(b) != want {
		if b, err = n.rebuild(ctx, t); err != nil {
			return nil, err
		}
	}
	if tileRoot(b) != want {
		first, end := span(t)
		return nil, n.fail(fmt.Errorf("%w: facts [%d, %d) of the log are not those that were signed", ErrForked, first, end))
	}
	if err := n.tiles.write(t, b, true); err != nil {
		return nil, fmt.Errorf("write the tile again: %w", err)
	}
	return b, nil
}

func found(err error) string {
	switch {
	case err == nil:
		return "wrong"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, errTileSize):
		return "cut or too long"
	default:
		return "unreadable"
	}
}

// span is the leaves below a full tile.
func span(t proof.Tile) (first, end uint64) {
	shift := tileBits * (t.Level + 1)
	return t.Index << shift, (t.Index + 1) << shift
}

// fromBelow makes a tile of the tiles below it, right or wrong.
func (n *Notary) fromBelow(t proof.Tile) ([]byte, error) {
	if t.Level == 0 {
		return nil, errTileSize
	}
	hashes := make([]proof.Hash, proof.TileWidth)
	for i := range hashes {
		b, err := n.tiles.read(proof.Tile{Level: t.Level - 1, Index: t.Index<<tileBits + uint64(i), Width: proof.TileWidth})
		if err != nil {
			return nil, err
		}
		hashes[i] = tileRoot(b)
	}
	return encode(hashes), nil
}

// rebuild makes a tile, and all below it, of the log's facts.
func (n *Notary) rebuild(ctx context.Context, t proof.Tile) (made []byte, err error) {
	first, end := span(t)
	e := edge{size: first} // its levels up to t's are empty: first is where t begins
	keep := func(full proof.Tile, hashes []proof.Hash) error {
		if full == t {
			made = encode(hashes)
			return nil
		}
		_, err := n.tiles.put(full, encode(hashes))
		return err
	}
	err = n.cfg.Log.Read(ctx, domain.Position(first), domain.Position(end), func(_ domain.Position, fact []byte) error {
		return e.add(proof.LeafHash(fact), keep)
	})
	if err != nil {
		return nil, fmt.Errorf("read facts [%d, %d): %w", first, end, err)
	}
	return made, nil
}
