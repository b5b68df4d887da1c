// Package notary proves what the fact log held. It follows the log, builds the Merkle
// tree of RFC 9162 over its facts, signs the tree's head (a C2SP checkpoint: a signed
// note, Ed25519) at most Config.Every after a fact and at once on demand, and gives
// proofs that a fact is in the log and that a later log begins with an earlier one.
// It is the same over every eventstore.Log.
//
// Promised:
//   - A head covers durable facts only, and is shown only when it is in the heads stream,
//     a second log, and copied outside the data. Under one origin all heads ever shown
//     are consistent, and no size has two roots.
//   - A log shorter than its last head or than the copy of it (ErrRolledBack), facts with
//     another root than the signed one (ErrForked), and a second notary (ErrSecond) end
//     the notary, and nothing is signed until an operator has looked.
//   - Every path, tile and entry given out is checked first: up to the head's root, or
//     to the tree that has it. Reads of 10 million leaves or more need two or three tiles.
//   - Memory does not grow with the log: 8 KiB for each level of tiles, 16 bytes for each
//     anchor.
//
// Assumed: Signs is true on one node at a time, as a lease says it; the key is known to
// this ledger's nodes only; each node has its own Dir and its own Copies.
//
// # Files
//
//	Dir/tile/L/x001/067   full tiles of 256 hashes, c2sp.org/tlog-tiles
//	Dir/mark              how far tiles are durable and the heads stream was read
//	Copies/head           the last record of a head, as the heads stream has it
//
// Tiles that are not full are served from memory. Tiles and mark are derived: they are
// written without fsync and synced in the background, and a tile that is missing, cut
// or wrong is made again from the log when it is needed, with a line in the program's
// log. Deleting Dir costs one reading of the log. Who can write Dir can slow the
// notary down but not make it sign or give out anything wrong: what a tile says counts
// only if it leads to a root that was signed or computed from facts.
//
// # Crashes
//
//	between                       leaves                     opening then
//	facts durable, tiles          facts without tiles        writes the tiles again
//	tiles, signing                tiles                      compares them with the log
//	signing, heads stream         a signature nobody saw     signs what there is then
//	heads stream, copy            a copy that is behind      verifies, copies, shows
//	copy, showing                 nothing                    verifies, shows
//
// A heads stream that is behind its copy was itself rolled back. If the log has the
// facts and the root, the copied head is appended again by the next node that signs,
// and until then nothing is shown; else the notary does not open. At opening the last
// heads and the copy are compared with the tree, and the facts after the mark are read
// again. Facts before it are not: an edit there is found when the fact or its tile is
// given out, and by greffe verify, which reads all facts, and all heads by Walk.
//
// # Lineages
//
// After a restore that lost facts which a head had covered, the log continues under a
// new origin. Heads of Config.Older are the same ledger's; they stay as evidence, and
// bind nothing: they may be larger than the log. Anchors that stand after the first
// head of Config.Origin are of its heads.
//
// # Several nodes
//
// Every node builds its own tree. One that does not sign follows the heads stream and
// compares each head with its own tree before showing it. When a node's term begins, it
// takes first what is in the stream; once it has appended, any other's record is
// ErrSecond.
package notary
