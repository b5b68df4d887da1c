// Package vault is the port of everything that can be destroyed: sealed parts,
// the wrapped keys that open them, and the bookkeeping that makes recording
// exactly-once. It stores bytes; wrapping keys, sealing parts and making tokens
// are done by its callers (eventstore/seal, eventstore/ledger).
//
// Promises of every implementation (vaulttest.Run holds them to it):
//   - Prepare is one transaction, durable when it returns nil, without effect
//     when it returns ErrExists or ErrStale; after another error it is unknown.
//   - A batch's facts stay readable, byte for byte, through Pending until the
//     batch is said to be done, however often the process dies.
//   - What Destroy returned for is gone from the store's files: rows, index rows,
//     free pages and the write-ahead log. After an error of Destroy, or a crash in
//     it, some of it may be left; the same call again finishes it.
//   - Given slices are neither kept nor changed; what is returned is the caller's.
//     What Pending and Walk pass is valid during the call, which may use the store.
//
// Assumed: one ledger per vault; the KEK is elsewhere. A crash leaves each
// transaction whole or absent.
package vault

import (
	"context"
	"errors"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
)

var (
	// ErrExists: an event id of the batch has an intake row already, or the batch
	// names an event, or a class of an event, twice. Not committed.
	ErrExists = errors.New("an event of the batch is recorded already")
	// ErrStale: a key row or a link changed since it was read, its owner was
	// destroyed, or the batch names it twice. Not committed.
	ErrStale = errors.New("the vault changed since it was read")
	// ErrClosed: the vault was closed. Not committed.
	ErrClosed = errors.New("the vault is closed")
	// ErrFull: the disk has no room. Not committed.
	ErrFull = errors.New("the vault's disk is full")
	// ErrFailed: an earlier write failed and its outcome is unknown; the vault
	// takes no more writes until the process is restarted.
	ErrFailed = errors.New("the vault stopped after a failed write; restart to recover")
	// ErrNewer: the files were written by a newer version of this program.
	ErrNewer = errors.New("the vault was written by a newer version")
)

// Batch is what one group of facts needs stored before it is appended.
type Batch struct {
	Base  domain.Position // planned position of Rows[0]
	Rows  []Row           // one per fact, in the order of their positions
	Links []Link          // new links; ErrStale if a token is linked already
	Keys  []KeyWrite      // key rows to create or rewrite
	Touch []KeyCheck      // key rows that must be as they were read
	Holds []Hold          // quarantine markers to add
	Lifts []token.Token   // quarantine markers to remove
	Done  int64           // batches up to this number are in the log: their facts may go
}

// Row is one fact with what the vault keeps of its event.
type Row struct {
	Event   domain.ID  // unique
	Fact    []byte     // verbatim
	Owner   part.Owner // BodyMAC is made with its key; BodyMAC and Tokens go when it does; zero when there is none
	BodyMAC []byte     // 16 bytes, or nil: no body to compare
	Tokens  []byte     // packed blind indexes (domain/token), or nil
	Parts   []Part
}

// Part is one sealed part of a row's event; (event, class) is unique.
type Part struct {
	Key   part.KeyID
	Bytes []byte
}

// Link maps a token (external id, actor) to an id of ours, for good.
type Link struct {
	Token token.Token
	ID    domain.ID
}

// KeyRow is an owner's class keys, wrapped together. Rev counts its writes from
// 1; 0 means there is none. Destroyed tells an owner whose row was destroyed
// (Rev 0, no bytes, for ever) from one that never was.
type KeyRow struct {
	Rev       int64
	Wrapped   []byte
	Destroyed bool
}

// KeyWrite creates (Rev 0) or rewrites (the Rev that was read) an owner's row.
type KeyWrite struct {
	Owner   part.Owner
	Rev     int64
	Wrapped []byte
}

// KeyCheck demands that an owner's row has this revision before the batch's own
// writes; 0 that there is none. A destroyed owner passes no check.
type KeyCheck struct {
	Owner part.Owner
	Rev   int64
}

// Hold marks an input as quarantined: Token is made of its source and id, or of
// its bytes; ID is the quarantine item.
type Hold struct {
	Token token.Token
	ID    domain.ID
}

// Intake says what is known of an event id.
type Intake struct {
	Found    bool
	Position domain.Position // planned until the batch is in the log
	Owner    part.Owner      // stays when it is destroyed
	BodyMAC  []byte          // nil when there was none or its owner was destroyed
}

// Pending is a prepared batch that may or may not be in the log.
type Pending struct {
	Number int64
	Base   domain.Position
	Facts  [][]byte
}

// PartID names a stored part.
type PartID struct {
	Event domain.ID
	Class string
}

// Store is the port. Methods may be called concurrently; answers come in the
// order of the arguments, zero values where nothing is stored.
type Store interface {
	// Prepare stores a batch and returns its number; numbers grow, with gaps. A
	// batch without rows is never pending.
	Prepare(ctx context.Context, b *Batch) (int64, error)
	// Rebase moves a pending batch that lost the race for its positions; ErrStale
	// if it is not pending.
	Rebase(ctx context.Context, number int64, base domain.Position) error
	// Done drops the facts of batches up to number, as Batch.Done does.
	Done(ctx context.Context, number int64) error
	// Pending calls fn for each batch that is not done, in order of number, and
	// returns fn's error as it is.
	Pending(ctx context.Context, fn func(Pending) error) error

	// End is the position behind the newest batch of rows that is done, 0 if none is: a
	// log that is shorter was rolled back.
	End(ctx context.Context) (domain.Position, error)

	Intake(ctx context.Context, events []domain.ID) ([]Intake, error)
	Links(ctx context.Context, tokens []token.Token) ([]domain.ID, error)
	Holds(ctx context.Context, tokens []token.Token) ([]domain.ID, error)
	Keys(ctx context.Context, owners []part.Owner) ([]KeyRow, error)
	Parts(ctx context.Context, ids []PartID) ([][]byte, error)
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)

	// RewriteKeys creates or replaces key rows outside a batch, all or none, under
	// their revisions.
	RewriteKeys(ctx context.Context, w []KeyWrite) error
	// Destroy removes the owners' key rows (leaving them marked destroyed), then
	// all their parts, tokens and body MACs, and every trace in the files. An owner
	// that had no row is marked too.
	Destroy(ctx context.Context, owners []part.Owner) error
	// Walk calls fn for every stored part, in the order of recording: for
	// verification, which compares commitments. It returns fn's error as it is.
	Walk(ctx context.Context, fn func(event domain.ID, p Part) error) error

	// Meta reads and SetMeta writes small named values (format version, ledger
	// id, the root key as the KEK wrapped it). Absent is nil.
	Meta(ctx context.Context, name string) ([]byte, error)
	SetMeta(ctx context.Context, name string, value []byte) error

	Close() error
}
