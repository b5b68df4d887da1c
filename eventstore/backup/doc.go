// Package backup copies a ledger's vault and log at one position while it is
// being written, and puts such a copy back.
//
//	DST/<UTC time>-<position>/vault.db        the vault, as one file
//	                          log/…           the facts below the position
//	                          heads/…         signed heads of the log
//	                          manifest.json   what this is, and the hash of each file
//
// The vault is copied first; when its copy ends, and nothing can be written to it,
// the log's head is read: that is the barrier. The log is copied up to there. So
// the copy of the vault knows every fact of the copy of the log, and at most one
// prepared group more, which opening appends as after a crash. Read models are
// left out: they are rebuilt. The KEK is left out: it is elsewhere, and a backup
// opens only with the key that its manifest names.
//
// # A vault that is no file
//
// A vault on a server is copied by eventstore/vault/transfer into a file of the same
// form, from a snapshot during which recording goes on, on any node. No instant can be
// held there, so the log is cut at the higher of its head before the snapshot began and
// the end that the snapshot knows (vault.Store.End). That is right, because:
//
//   - A fact is prepared in the vault before it is appended. What was below the head
//     before the snapshot began was therefore prepared, and that committed, before it:
//     the copy knows it.
//   - The end is behind a batch that the snapshot knows to be settled. The log is dense
//     and an append whole, so every fact below the end was appended no later than that
//     batch, and prepared, and that committed, before it was settled: the copy knows
//     these too. And they are durable in the log, so they can be copied.
//   - Both are ends of appends, so no batch is cut in two.
//   - What the copy of the vault knows beyond the cut is not settled there. Opening
//     appends it, as after a crash, in the order of the batches' numbers: nothing that
//     was acknowledged before the snapshot is missing.
//
// The fence is marked after the snapshot: a restore asks for one that goes at least as
// far as what the copy of the vault shows destroyed.
//
// # Promises
//
//   - A directory under its final name is whole and durable: it is made under
//     another name, synced, and renamed. A crash leaves `.partial-<ledger id>`,
//     which the next backup of that ledger removes.
//   - The manifest is signed with a secret of the ledger; a file that was changed,
//     cut, exchanged with another backup's or left out is an error that names it.
//   - Nothing is read whole into memory.
//
// Assumed: the destination is private to the ledger's operator. A backup holds
// sealed data and facts; of persons it tells what the data directory would.
package backup

import "errors"

var (
	// ErrNone: the directory is no backup.
	ErrNone = errors.New("there is no backup of a known version in this directory")
	// ErrForged: the manifest is not what this ledger signed.
	ErrForged = errors.New("the backup's manifest was altered or is another ledger's")
	// ErrAltered: a file is not the one the manifest names. See AlteredError.
	ErrAltered = errors.New("the backup is not what its manifest says")
	// ErrExists: there is a backup of this second and position already.
	ErrExists = errors.New("there is a backup under this name already")
)

// AlteredError names the file.
type AlteredError struct{ File, Detail string }

func (e *AlteredError) Error() string {
	return "the backup is not what its manifest says: " + e.File + " " + e.Detail + "; use another backup"
}

// Is makes errors.Is(err, ErrAltered) true.
func (e *AlteredError) Is(target error) bool { return target == ErrAltered }
