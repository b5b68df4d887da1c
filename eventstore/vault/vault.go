// Package vault is the port of everything that can be destroyed: sealed parts,
// the wrapped keys that open them, and the bookkeeping that makes recording
// exactly-once. It stores bytes; wrapping keys, sealing parts and making tokens
// are done by its callers (eventstore/seal, eventstore/ledger).
//
// Promises of every implementation (vaulttest.Run holds them to it):
//   - Prepare is one transaction, durable when it returns nil, without effect
//     when it returns ErrExists or ErrStale; after another error it is unknown.
//   - A batch's facts stay readable, byte for byte, through Pending until the
//     batch is said to be settled, however often the process dies.
//   - A role's lease has one holder at a time, by the store's clock, and a batch of an
//     earlier holder is not committed.
//   - What Destroy, Redact or Retoken returned for is gone from the store's files: bytes,
//     earlier revisions of them, free pages and the write-ahead log. After an error,
//     or a crash, some of it may be left; the same call again finishes it.
//   - The tokens that are shown are all of one generation: Retoken changes every one
//     of them or is not done yet, however often the process dies.
//   - Given slices are neither kept nor changed; what is returned is the caller's.
//     What Pending and Walk pass is valid during the call, which may use the store.
//
// Assumed: one ledger per vault; the KEK is elsewhere. A crash leaves each
// transaction whole or absent. Several nodes may use one vault if its implementation
// says so: batches carry no node, their numbers are one sequence of the vault.
package vault

import (
	"context"
	"errors"
	"time"

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
	// ErrDoom: a doom contradicts itself. Nothing was destroyed.
	ErrDoom = errors.New("a doom with a row or tokens names no keys, or its row is another owner's")
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
	Moves []Move          // links to move or remove; a token is in one of Links and Moves, once
	Keys  []KeyWrite      // key rows to create or rewrite
	Touch []KeyCheck      // key rows that must be as they were read
	Holds []Hold          // quarantine markers to add
	Lifts []token.Token   // quarantine markers to remove
	Done  []Settled       // as of Store.Done, if the batch is committed

	Generation int         // of the tokens in it; ErrGeneration if it is not the vault's; 0: not checked
	Lease      *LeaseCheck // ErrFenced if it does not hold; nil: not checked
}

// Settled is a batch that is in the log, and where its first fact is.
type Settled struct {
	Number int64
	Base   domain.Position
}

// Row is one fact with what the vault keeps of its event.
type Row struct {
	Event   domain.ID  // unique
	Fact    []byte     // verbatim
	Owner   part.Owner // BodyMAC is made with its key; BodyMAC and Tokens go when it does; zero when there is none
	BodyMAC []byte     // 16 bytes, or nil: no body to compare
	Tokens  []byte     // packed blind indexes (domain/token), or nil
	Parts   []Part
	MAC     MAC // stays when BodyMAC and Tokens go
}

// MAC is what the ledger makes over an entry, so that verification sees an edit of
// it (eventstore/ledger.MACs); the store keeps it as it is given. Zero is none: the
// entry is of before there were any.
type MAC [16]byte

// Part is one sealed part of a row's event; (event, class) is unique.
type Part struct {
	Key   part.KeyID
	Bytes []byte
}

// Link maps a token (external id, actor) to an id of ours, never the zero id,
// until a Move says otherwise.
type Link struct {
	Token token.Token
	ID    domain.ID
	MAC   MAC
}

// Move changes what a token is linked to. From is the id it must be linked to,
// zero for none, else ErrStale; with To zero the link goes. MAC is of what is linked
// then.
type Move struct {
	Token    token.Token
	From, To domain.ID
	MAC      MAC
}

// KeyRow is an owner's class keys, wrapped together. Rev counts its writes from
// 1; 0 means there is none. Destroyed tells an owner whose row was destroyed
// (Rev 0, no bytes, for ever) from one that never was; By and At are those of
// the Doom that did it first.
type KeyRow struct {
	Rev       int64
	Wrapped   []byte
	Destroyed bool
	By        domain.ID
	At        int64 // µs UTC
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
	MAC   MAC
}

// Intake says what is known of an event id.
type Intake struct {
	Found    bool
	Pending  bool // the batch is not known to be in the log; Position is where it was planned
	Position domain.Position
	Owner    part.Owner // stays when it is destroyed
	BodyMAC  []byte     // nil when there was none or its owner was destroyed
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
	// Done drops the facts of batches and fixes the positions of their rows, in one
	// transaction. Numbers that are unknown or settled already are passed over.
	Done(ctx context.Context, settled []Settled) error
	// Pending calls fn for each batch that is not settled, in order of number, and
	// returns fn's error as it is.
	Pending(ctx context.Context, fn func(Pending) error) error

	// End is the highest position behind the rows of a batch that is settled, 0 if
	// none is: a log that is shorter was rolled back.
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
	// Destroy carries dooms out: first the key rows, then what lies in rows, then
	// every trace in the files. An owner that had no key row is marked destroyed
	// too. ErrStale and ErrDoom mean that nothing was destroyed. The rows of dooms
	// that have one are written in one transaction: at most a thousand in a call.
	Destroy(ctx context.Context, dooms []Doom) error
	// Redact removes single parts and every trace of them in the files; other parts
	// of the event and all keys stay. A part that is not there is no error.
	Redact(ctx context.Context, parts []PartID) error
	// Generation says of which generation the tokens are.
	Generation(ctx context.Context) (Generation, error)
	// Retoken changes the tokens of links, holds and rows to those of the next
	// generation. From its beginning until a call of it returned nil, Prepare, Links,
	// Holds and Tokens answer ErrRetoken, so that nobody meets the tokens of two
	// generations; all else goes on. After an error or a crash it is called again
	// without its row, and goes on where it stopped. When it returned nil the old
	// tokens are gone from the store's files. ErrStale says that the row changed,
	// ErrTokens that the generation does not fit: nothing was done.
	Retoken(ctx context.Context, r Retoken) error
	// Walk calls fn for every stored part, in the order of recording: for
	// verification, which compares commitments. It returns fn's error as it is.
	Walk(ctx context.Context, fn func(event domain.ID, p Part) error) error
	Walker

	// Meta reads and SetMeta writes small named values (format version, ledger
	// id, the root key as the KEK wrapped it). Absent is nil.
	Meta(ctx context.Context, name string) ([]byte, error)
	SetMeta(ctx context.Context, name string, value []byte) error
	// SwapMeta changes a named value from old to new, nil being absent; ErrStale if it
	// is not old.
	SwapMeta(ctx context.Context, name string, old, new []byte) error

	// Lease takes a role that is free or expired, with the next term, or renews the
	// holder's own, with its term and the new note, to expire in ttl by the store's
	// clock. ErrHeld comes with the present lease. Terms outlive Release and Close.
	Lease(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (Lease, error)
	// Release gives a role back; it is no error if the holder does not have it.
	Release(ctx context.Context, role string, holder domain.ID) error
	// Leases are those of roles that begin with prefix and did not expire, by role.
	Leases(ctx context.Context, prefix string) ([]Lease, error)

	// AppendFence adds lines of the fence (eventstore/fence) for other nodes to copy,
	// the first at number first. Numbers are dense from 1. Lines that are there
	// already, byte for byte, are passed over; ErrStale if others are, or if there is a
	// gap before the first: nothing was added.
	AppendFence(ctx context.Context, first int64, lines [][]byte) error
	// FenceLines calls fn for each line with a number above after, in order, and
	// returns fn's error as it is. The line is valid during the call.
	FenceLines(ctx context.Context, after int64, fn func(number int64, line []byte) error) error

	Close() error
}
