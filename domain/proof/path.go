package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrPath: a path that does not lead from what it begins with to the root.
var ErrPath = errors.New("the proof does not lead to the root")

// Inclusion is the path from a leaf to the root of the tree of size leaves (RFC 9162
// §2.1.3), from the leaf's sibling upwards.
func Inclusion(index, size uint64, read TileReader) ([]Hash, error) {
	if index >= size {
		return nil, fmt.Errorf("%w: leaf %d of a tree of %d", ErrPath, index, size)
	}
	p, err := tlog.ProveRecord(int64(size), int64(index), hashReader(size, read))
	if err != nil {
		return nil, fmt.Errorf("inclusion: %w", err)
	}
	return hashes(p), nil
}

// CheckInclusion says whether a path leads from a leaf to a root. The error is ErrPath.
func CheckInclusion(path []Hash, index, size uint64, leaf, root Hash) error {
	if index >= size {
		return fmt.Errorf("%w: leaf %d of a tree of %d", ErrPath, index, size)
	}
	if err := tlog.CheckRecord(tlogs(path), int64(size), tlog.Hash(root), int64(index), tlog.Hash(leaf)); err != nil {
		return fmt.Errorf("%w: leaf %d of a tree of %d", ErrPath, index, size)
	}
	return nil
}

// Consistency is the proof that the tree of size leaves begins with the tree of old
// leaves (RFC 9162 §2.1.4). Every tree begins with the empty one and with itself.
func Consistency(old, size uint64, read TileReader) ([]Hash, error) {
	if old > size {
		return nil, fmt.Errorf("%w: a tree of %d does not begin with one of %d", ErrPath, size, old)
	}
	if old == 0 || old == size {
		return nil, nil
	}
	p, err := tlog.ProveTree(int64(size), int64(old), hashReader(size, read))
	if err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	return hashes(p), nil
}

// CheckConsistency says whether a tree begins with another. The error is ErrPath.
func CheckConsistency(path []Hash, old, size uint64, oldRoot, root Hash) error {
	switch {
	case old == 0 && len(path) == 0 && oldRoot == EmptyRoot(), old == size && len(path) == 0 && oldRoot == root:
		return nil
	case old == 0 || old >= size:
		return fmt.Errorf("%w: trees of %d and %d leaves", ErrPath, old, size)
	}
	if err := tlog.CheckTree(tlogs(path), int64(size), tlog.Hash(root), int64(old), tlog.Hash(oldRoot)); err != nil {
		return fmt.Errorf("%w: trees of %d and %d leaves", ErrPath, old, size)
	}
	return nil
}

// RootOf is the root that a tree's tiles lead to.
func RootOf(size uint64, read TileReader) (Hash, error) {
	if size == 0 {
		return EmptyRoot(), nil
	}
	h, err := tlog.TreeHash(int64(size), hashReader(size, read))
	if err != nil {
		return Hash{}, fmt.Errorf("root: %w", err)
	}
	return Hash(h), nil
}

func hashes(p []tlog.Hash) []Hash {
	out := make([]Hash, len(p))
	for i, h := range p {
		out[i] = Hash(h)
	}
	return out
}

func tlogs(p []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(p))
	for i, h := range p {
		out[i] = tlog.Hash(h)
	}
	return out
}
