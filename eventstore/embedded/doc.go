// Package embedded is the fact log in files of its own: append-only segments in
// one directory, one process at a time, one write and one fdatasync an append.
//
// It promises what eventstore.Log promises, on file systems whose fsync is one.
// Position to offset is an index in memory of at most 8 bytes per 16 KiB of
// frames, about 0.2 MB for a million facts of 400 bytes. One file descriptor is
// open per segment.
//
// # Bytes
//
// Integers are little-endian, checksums CRC-32C. BASE is the position of the
// segment's first fact in 20 decimal digits. Sums marked (s) are seeded with
// the CRC of the segment's salt: they continue it.
//
//	LOCK           held by flock while the log is open; empty
//	BASE.seg       header, frames back to back, then zeros or nothing
//	BASE.idx       derived: what a scan of BASE.seg would find; may be deleted
//	BASE.tmp       a segment whose creation did not finish; removed at opening
//
//	header   0  8  "GREFFLOG"
//	         8  4  format version, 1
//	        12  8  base position
//	        20  8  salt, random
//	        28  4  CRC of bytes 0–27
//
//	frame    0  4  "GFRM"; zeros here mean that the log ends, so no frame is all zero
//	(one     4  4  number of facts c, 1 to 10,000
//	append)  8  4  bytes of the facts n, at most 921,600
//	        12  8  position of the first fact
//	        20  4  (s) CRC of bytes 0–19 and of the table
//	        24  8c table: for each fact its length (4) and (s) CRC (4)
//	     24+8c  n  the facts
//
//	index    0  8  "GREFFIDX"
//	         8  4  format version, 1
//	        12  4  flags: 1 sealed, so a next segment exists
//	        16  8  base position
//	        24  8  salt of the segment
//	        32  8  next position, after the last frame
//	        40  8  offset after the last frame
//	        48  4  number of marks m
//	        52  8m marks: position less base (4), offset of its frame (4)
//	     52+8m  4  CRC of all before
//
// A frame is committed when its head, table and facts have their checksums. A
// fact is read without its frame's other facts; the table vouches for it.
//
// # Crashes
//
//	during                          leaves                          opening then
//	append, before the sync ends    frame whole, torn or absent     keeps a whole one, cuts a torn one
//	append, after                   frame whole                     keeps it
//	a new segment, before rename    BASE.tmp                        removes it
//	a new segment, after            an empty last segment           appends to it
//	sealing                         zero tail, index old or torn    scans the segment, writes the index
//	cutting a torn append           a shorter torn tail, or none    cuts again
//	writing an index                a torn index                    ignores it and scans
//
// Only the last frame can ever be not durable. So the tail is torn only if
// nothing right follows it; then it is cut. A wrong frame before a right one, a
// wrong frame in a sealed segment, a file that ends before what its index saw
// durable, and a missing segment are a *eventstore.CorruptError that names
// position, file and offset, and nothing is cut. A last append that was acked
// and damaged later looks torn unless the log was closed (or its segment
// sealed) after it; the notary's signed heads tell it from a torn one.
//
// A frame whose append failed but that is whole at opening is kept: its outcome
// was unknown. It is written once more and synced before anyone reads it,
// because a kernel may forget, after a failed fsync, that a page is not on disk.
//
// # A failed write or fsync
//
// It stops appends until the log is opened again (eventstore.ErrFailed): after
// a failed fsync nobody knows what is on disk, and asking again may be answered
// yes wrongly. Reads of what was durable before go on.
//
// # Trust
//
// Checksums find accidents: rot, lost and misplaced writes, cut files. They
// are no MAC: who can write here can make files that verify. Loss of the
// newest segments with their indexes, or a rollback of the directory to an
// older copy, opens as a shorter log. Both are seen by the notary's signed
// heads, kept elsewhere, and by nothing in this package. The facts hold no
// personal data; who reads the files learns random ids, codes and times.
package embedded
