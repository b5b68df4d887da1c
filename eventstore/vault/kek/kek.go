// Package kek is the port of the key-encryption key and its simplest
// implementation, a file. The vault holds every owner's keys wrapped by the KEK;
// the KEK itself is elsewhere: neither in the data directory nor in a backup.
//
// Promises of every KEK (kektest.Run holds them to it):
//   - Unwrap returns what Wrap was given, for as long as the key that wrapped it
//     is kept, and an error for anything altered, cut, or wrapped with other aad.
//   - Wrapping the same twice gives different bytes.
//   - ID names the key that Wrap uses now; after a rotation it is another.
//
// Assumed: aad names what the wrapped bytes are for (ledger, owner, revision),
// so that they cannot be put in another's place.
//
// # What loss, disclosure, rollback or a hostile edit of the key file costs
//
//   - Loss, without a copy: everything sealed is unreadable for good, the whole
//     ledger as if erased; facts, proofs and opposition tokens in the log stay.
//     Keep a copy offline, apart from backups of the data.
//   - Disclosure: who has the file and the vault, or an old backup of it, reads
//     everything in it, owners erased since that backup included. Rotate, rewrap,
//     and destroy the old key once no backup is kept that needs it.
//   - Rollback to an older file: what newer keys wrapped does not unwrap
//     (ErrUnknownKey); nothing is lost if the newer file is put back.
//   - Hostile edit: a changed key does not unwrap (ErrWrongKey), a changed file is
//     refused by its checksum. An added key is used if it is first: what is
//     wrapped from then on is known to whoever added it. Watch the ID.
//
// # Rotation
//
// Add puts a new key first; what is stored wrapped is then wrapped again; Retire
// destroys the older keys. In between the file opens both. Retire overwrites the
// file's former bytes, which is as good as the disk is at overwriting: a file
// system that copies on write, flash, and copies of the file keep the old key
// until they are destroyed too.
package kek

import (
	"context"
	"errors"
)

var (
	// ErrUnknownKey: the bytes were wrapped with a key that is not kept here.
	ErrUnknownKey = errors.New("the key that wrapped this is not in the key file; put back the file that has it")
	// ErrWrongKey: the bytes, their aad or the key are not those of the wrapping.
	ErrWrongKey = errors.New("the wrapped key does not open: it or the key file was altered or belongs to another ledger; restore the right pair")
	// ErrFormat: the bytes were not made by Wrap, or by a newer version.
	ErrFormat = errors.New("not a wrapped key of a known version")
)

// KEK wraps small secrets. It may be used concurrently.
type KEK interface {
	// ID names the key that Wrap uses, in at most 255 printable bytes.
	ID() string
	// Wrap seals plain, at most MaxPlain bytes, bound to aad.
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	// Unwrap opens what Wrap returned, with the same aad.
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

// MaxPlain bounds what is wrapped at once, in bytes.
const MaxPlain = 1 << 20
