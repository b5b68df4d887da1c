package notary

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"greffe/domain"
	"greffe/domain/proof"
)

// at is a view of the tree, and the root of size facts, if a head shown covers them.
func (n *Notary) at(ctx context.Context, size uint64) (*view, proof.Hash, error) {
	v, latest, err := n.covers(ctx, size)
	if err != nil {
		return nil, proof.Hash{}, err
	}
	if size == latest.Size {
		return v, latest.Root, nil
	}
	root, err := v.root(size)
	return v, root, err
}

func (n *Notary) covers(ctx context.Context, size uint64) (*view, *shown, error) {
	n.mu.Lock()
	latest, e := n.latest, n.tree
	n.mu.Unlock()
	if latest == nil || latest.Size < size {
		return nil, nil, fmt.Errorf("%d facts: %w", size, ErrNotShown)
	}
	return n.view(ctx, e), latest, nil
}

// Inclusion is the path from the leaf of the fact at index to the root of the first
// size facts, checked. size need not be a head's; At and Latest give those that were
// signed. ErrNotShown beyond the last head.
func (n *Notary) Inclusion(ctx context.Context, index, size uint64) ([]proof.Hash, error) {
	v, root, err := n.at(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("inclusion: %w", err)
	}
	path, err := proof.Inclusion(index, size, v.tile)
	if err != nil {
		return nil, err
	}
	leaf, err := v.hash(0, index)
	if err != nil {
		return nil, fmt.Errorf("inclusion: %w", err)
	}
	return path, proof.CheckInclusion(path, index, size, leaf, root)
}

// Consistency is the proof that the first size facts begin with the first old ones,
// checked. ErrNotShown beyond the last head.
func (n *Notary) Consistency(ctx context.Context, old, size uint64) ([]proof.Hash, error) {
	v, root, err := n.at(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	path, err := proof.Consistency(old, size, v.tile)
	if err != nil {
		return nil, err
	}
	oldRoot, err := v.root(old)
	if err != nil {
		return nil, err
	}
	return path, proof.CheckConsistency(path, old, size, oldRoot, root)
}

// Tile is a tile's bytes, full or of any smaller width, checked against the tree.
// ErrNotShown beyond the last head, proof.ErrTile for what is no tile.
func (n *Notary) Tile(ctx context.Context, t proof.Tile) ([]byte, error) {
	v, latest, err := n.covers(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("tile: %w", err)
	}
	if err := within(t, latest.Size); err != nil {
		return nil, fmt.Errorf("tile: %w", err)
	}
	b, err := v.tile(t)
	if err != nil {
		return nil, fmt.Errorf("tile: %w", err)
	}
	return b, nil
}

// Entries is the C2SP entry bundle of the facts below a tile of level 0: each as two
// bytes of length, big-endian, and its bytes. The facts are checked against their
// leaves. Errors as of Tile; ErrTooLong for a fact that the form cannot hold.
func (n *Notary) Entries(ctx context.Context, t proof.Tile) ([]byte, error) {
	if t.Level != 0 {
		return nil, fmt.Errorf("entries: %w", proof.ErrTile)
	}
	leaves, err := n.Tile(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	var out []byte
	first := t.Index << tileBits
	err = n.cfg.Log.Read(ctx, domain.Position(first), domain.Position(first+uint64(t.Width)), func(p domain.Position, fact []byte) error {
		if proof.LeafHash(fact) != hashIn(leaves, uint64(p)-first) {
			return fmt.Errorf("%w: fact %d of the log is not the one that was signed", ErrForked, p)
		}
		if len(fact) > math.MaxUint16 {
			return fmt.Errorf("%w: fact %d has %d bytes", ErrTooLong, p, len(fact))
		}
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(fact))), fact...)
		return nil
	})
	if errors.Is(err, ErrForked) {
		err = n.fail(err)
	}
	if err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	return out, nil
}
