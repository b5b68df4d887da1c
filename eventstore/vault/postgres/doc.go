// Package postgres is the vault in a PostgreSQL schema (version 15 or newer), for
// several nodes at once.
//
// # How writers meet
//
// Prepare is one round trip: its statements go in one pipeline, which the server
// commits when it has done them all, whether the client is still there or not. A node
// that is stopped between two words holds no lock. There is a statement per table, or
// bucket of one, for all rows together, never one per row.
//
// The isolation is read committed. Every check locks what it looks at until the commit
// (FOR SHARE, FOR NO KEY UPDATE) or makes it: an event, a link, an owner that must not
// be there is inserted ON CONFLICT DO NOTHING and counted, so the unique index decides
// between nodes, the later one waits for the earlier one's commit, and neither is told
// ErrExists or ErrStale untruthfully. Serializable would add failures that no order
// explains, and statements that fail by a unique violation would write key values into
// the server's log. Rows are locked in the order of their keys; what deadlocks all the
// same is tried again, since it is not committed.
//
// Each step ends by the context's deadline or after Config.Limit (10 s; rewriting,
// checkpoints and imports: 60 s), whichever is first; the server has the same limits
// for us. vault.ErrUnavailable says whether the outcome is unknown. Reads, and writes
// that may happen twice, are tried again on another connection; Prepare, RewriteKeys,
// SwapMeta and Lease are not, unless nothing was sent. The pool is bounded and dials by
// itself when the server is back.
//
// # How destroying works
//
// An UPDATE or DELETE of PostgreSQL leaves the old row where it is; VACUUM leaves its
// bytes in the holes of pages, VACUUM FULL copies it while anybody's snapshot may still
// want it; ANALYZE copies values into a catalogue; the write-ahead log has everything
// twice, and old log files are written over only when their turn comes. So:
//
//   - What can be destroyed lies in tables by the hash of its owner: wrapped keys in
//     wrapped_k, and sealed parts, body MACs and tokens in cell_k. All else (owners'
//     revisions and marks, event ids, links) is in tables that hold nothing secret.
//   - Destroy deletes and marks, key rows first, then has each bucket it touched
//     rewritten into new files (an ALTER TABLE that changes nothing): they hold the rows
//     that are visible now and no others, whoever still reads; the old files are cut to
//     nothing by the commit.
//   - Then it switches to a new log file, has a checkpoint made, and looks (pg_ls_waldir)
//     whether every older log file is gone. Only then it returns nil.
//   - What remains to be rewritten or looked at is kept in the table dirty, in the
//     transactions that make and end it: the same call after an error or a crash does
//     what is left, and one that finds nothing left costs no rewriting.
//   - Statistics of personal columns are off, statements that carry values do not sort
//     on disk, and refusals are raised without values.
//
// Retoken makes new tables of links and markers, drops the old ones with their files,
// and rewrites the buckets one by one, and ends in the same way.
//
// TestDestroyLeavesNoByte searches all files of a server, its log too, for eight bytes
// in a row of anything destroyed, with nothing accepted but none: key rows of every
// revision, parts, body MACs, tokens, before and after a kill. There is no later sweep.
//
// What it costs: one erasure rewrites 1/64 of the cells and 1/16 of the keys, two
// hundred or more in one call nearly all, so many owners belong in one call, and
// Config.Buckets in proportion to the vault. Others wait for a bucket while it is
// rewritten, at most 8 MiB or one bucket at a time. In a vault of 100,000 owners and
// 300,000 rows (330 MB), server and client on two cores that others used as well
// (BenchmarkDestroy): one owner 0.4 s, 200 in one call 4.2 s, 1,000 in one call 4.0 s.
// Prepare took 7,400 rows/s in batches of 1,000 where the embedded vault took 9,400 in
// the same run, and 226 single rows/s where that took 179 (BenchmarkPrepare).
//
// # What the server must be
//
// Open refuses (ErrServer, with what to change) unless:
//
//	wal_recycle = off, wal_keep_size = 0, fsync = on
//	log_parameter_max_length = 0 if statements are logged, log_parameter_max_length_on_error = 0
//	GRANT pg_checkpoint, pg_monitor TO greffe
//	GRANT EXECUTE ON FUNCTION pg_switch_wal() TO greffe   -- in the vault's database
//
// The role owns the schema, or may make it (CREATE on the database; an import needs
// that always; TEMPORARY for snapshots). synchronous_commit is set to on for every
// connection, unless the server's is remote_apply. Warnings: archive_mode,
// full_page_writes off.
//
// A standby erases as it replays; its log files go with its own restart points, so it
// needs wal_recycle = off as well. A replication slot that lags keeps log files on the
// primary: then Destroy answers that traces may be left, and the same call finishes it.
// Archived log files, base backups and snapshots of a file system are copies of what is
// destroyed later: like backups of any vault they end by the destruction of the KEK's
// older versions or by their own term, and after a restore the fence is replayed.
//
// # Assumed
//
// A file system with working fsync. Bytes are erased from files, not from a disk's
// spare blocks, memory or swap. Nobody else writes the schema. Connections are the
// vault's own: no pooler that shares them between transactions. Old values of SetMeta
// are not erased, only replaced. Several hosts in the URL: the one that takes writes is
// used; a standby that was promoted without having all commits is a rollback.
//
// # A crash
//
// of the server leaves each transaction whole or absent; new files of a rewriting that
// did not end are left as orphans, which hold nothing destroyed. Of a node, nothing;
// a snapshot's temporary tables end with its connection, an import that did not end
// shows nothing (transfer.ErrPartial) on any node and begins anew.
//
// # What loss, rollback or a hostile edit costs
//
// As of the embedded vault (package sqlite): loss makes sealed parts unreadable for
// good; a rollback brings back destroyed owners until the fence is replayed; edits of
// parts and keys are found, not believed, those of rows, links and markers by
// verification, which knows their MACs. Without the KEK the database discloses no
// personal value: it shows ids of ours, blind indexes, sizes and times.
package postgres
