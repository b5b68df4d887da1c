// Package sqlite is the vault in one SQLite file: WAL, synchronous=FULL,
// secure_delete, one writing connection and a few reading ones.
//
// # How it is laid out, and why
//
// Random keys are what a b-tree pays for (four fifths of the time of a naive
// layout, measured), and moved cells are what leaves copies behind: a page that
// SQLite rebuilds keeps old bytes in its free space, secure_delete or not. In a
// table of parts with an index on their owner, after DELETE and an emptied log,
// dozens of deleted byte strings were still in the file (measured as
// TestDestroyLeavesNoByte does). So:
//
//   - What is personal (sealed parts, tokens, body MACs, wrapped keys) lies in
//     two append-only tables, chunk and keycell, keyed by growing integers. A
//     cell there never changes its length and is never deleted, so it never
//     moves: there is one copy, and destroying overwrites it where it lies.
//     What is erased keeps its room, in zeroes; the file does not shrink.
//   - What is found by random keys (event ids, links, owners, postings) is not
//     personal and narrow. New entries are durable in a journal, one blob per
//     transaction, and live in memory; when there are enough, they are moved
//     into the trees in key order, a slice with each transaction. After a crash
//     the journals that were not moved whole are read again.
//
// # Promises
//
// Those of the port, and about 25,000 rows/s in batches of 1,000 on two cores
// (BenchmarkPrepare). Besides: after a failed commit, failed input or output, or
// damage the store answers vault.ErrFailed to every write until it is opened
// again; a full disk is vault.ErrFull, not committed, and does not stop it. The
// write-ahead log stays under about 64 MiB plus one batch.
//
// Destroy and Redact go in transactions of a few milliseconds, the record path
// between them: one owner takes some milliseconds in a vault of a million rows, a
// thousand at once one to three seconds, and one Prepare beside waits 0.2 s at most
// (BenchmarkDestroy). Each call empties the write-ahead log once, so many owners
// belong in one call. Each reads back what it wrote.
//
// Backup copies the file while all this goes on (BenchmarkBackup). It holds the
// writer's turn a tenth of the time while others write, two MiB at a time.
//
// Snapshot is Backup beside the vault, read and removed again; Still reads in place
// while nobody writes. Import writes no journal and fills the trees in the order of
// their keys, a quarter of a million entries at a time (BenchmarkTransfer).
//
// # A change of all tokens
//
// Retoken writes new links and markers beside the old ones, in lots sorted in at
// most some 50 MiB, overwrites the tokens of rows where they lie, and then drops the
// old tables and the journal, so that every page an old token lay in is zeroed
// (retoken.go). It needs as much free room as links and markers take; the room of
// the old ones is used again, the file does not shrink. About 150,000 tokens/s
// (ledger's BenchmarkRotatePeppers).
//
// # A full disk
//
// Destroying overwrites, but what it writes goes through the write-ahead log, and
// what lies in the log may still have to be appended to the file before the log
// gives its room back. Destroy needs as much free room as the log is long: 96 MiB
// are always enough for batches under 16 MiB (64 MiB of log, a batch, a step).
// With less it tries smaller steps, then answers vault.ErrFull; nothing stops, and
// the same call finishes when there is room. Whoever watches the disk stops
// ingest while that much is left.
//
// # Assumed
//
// A local file system with working fsync and flock; one process at a time (held
// by a lock file beside); nobody else writes the file. So opening ends the leases of
// the process before; their terms stay. Bytes are erased from
// files, not from a disk's spare blocks, snapshots of the file system or
// backups: for those there is the destruction of keys. Old values of SetMeta are
// not erased, only replaced: the root key among them is of use to the KEK alone.
//
// # What loss, rollback or a hostile edit of the vault file costs
//
//   - Loss: every sealed part is unreadable for good and the log's commitments
//     to them cannot be checked against anything; facts and proofs stay whole.
//     A prepared batch that was not yet in the log is lost with it, but it was
//     never acknowledged; duplicates of old events are no longer recognised.
//   - Rollback to an older copy: destroyed owners are back, with their wrapped
//     keys; the fence, replayed before opening, destroys them again. Batches
//     recorded since lack their parts, which verification names by position.
//   - Hostile edit: a changed part no longer has the commitment in the log and a
//     changed wrapped key does not unwrap, so both are found, not believed. A
//     removed part looks like damage, not like an erasure, which is a fact of
//     the log. Rows, links and markers carry MACs of the ledger (table mac and
//     columns of that name), marks of destruction are compared with orders, and
//     Check compares the indexes with the rows: an edit of any shows in
//     verification (eventstore/verify), not when it is read. One of several links
//     of a person that is taken away whole does not.
//     Without the KEK the file discloses no personal value: it shows ids of
//     ours, blind indexes, sizes and times of writing.
package sqlite
