// Package proof is the evidence that a log gives of itself: its Merkle tree (RFC 6962
// §2.1, RFC 9162 §2.1) over the bytes of facts as the log stores them, the tree's head
// as a signed checkpoint (c2sp.org/tlog-checkpoint), its tiles (c2sp.org/tlog-tiles),
// and the paths that show a fact in a tree and a tree in a later one.
//
//	empty root = SHA-256("")
//	leaf       = SHA-256(0x00 ‖ fact)
//	node       = SHA-256(0x01 ‖ left ‖ right)
//
// A Frontier computes the root of a log of any length in one pass, one leaf at
// a time, in a fixed 2 KiB; paths are found in tiles. Promised: the same facts in the
// same order give the same root on every store; whatever is read here has one form,
// so that no byte of it can change unseen. Assumed: the caller gives every fact, in
// order of position. There is no I/O here; a crash loses a Frontier, which is
// recomputed.
package proof

import (
	"crypto/sha256"
	"encoding/hex"
)

// Hash is a leaf, a node or a root.
type Hash [sha256.Size]byte

// String is lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

const (
	leafPrefix = 0
	nodePrefix = 1
)

// LeafHash hashes the stored bytes of a fact.
func LeafHash(fact []byte) Hash {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(fact)
	var out Hash
	h.Sum(out[:0])
	return out
}

// NodeHash joins two subtrees.
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// EmptyRoot is the root of a log without facts.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// Frontier is the tree of the leaves added so far, reduced to the roots of its
// perfect subtrees: one for each bit set in its size. The zero Frontier is the
// empty tree. Copying it copies the tree.
type Frontier struct {
	size uint64
	// subtree[h] is the root of the perfect subtree of 1<<h leaves, if bit h of
	// size is set; a larger h stands further left.
	subtree [64]Hash
}

// Add appends a leaf.
func (f *Frontier) Add(leaf Hash) {
	level := 0
	for ; f.size>>level&1 == 1; level++ {
		leaf = NodeHash(f.subtree[level], leaf)
	}
	f.subtree[level] = leaf
	f.size++
}

// Size is the number of leaves, and the position of the next one.
func (f *Frontier) Size() uint64 { return f.size }

// Root is the Merkle tree hash of the leaves added so far.
func (f *Frontier) Root() Hash {
	if f.size == 0 {
		return EmptyRoot()
	}
	var root Hash
	joined := false
	for level := range f.subtree {
		switch {
		case f.size>>level&1 == 0:
		case joined:
			root = NodeHash(f.subtree[level], root)
		default:
			root, joined = f.subtree[level], true
		}
	}
	return root
}
