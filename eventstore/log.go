// Package eventstore is the fact log: one dense, append-only sequence of
// immutable byte strings per ledger, behind a port that knows nothing of what
// they say.
//
// Promises of every implementation (storetest.Run holds them to it):
//   - Append returns nil only when all facts are durable (fsync or the store's
//     own quorum), at base, base+1, …; a reader sees all of an append or none.
//   - An append that returns ErrWrongHead or ErrTooLarge changed nothing.
//     After any other error the outcome is unknown: the caller reads back, or stops.
//   - Bytes never change, positions have no gaps, nothing is deleted.
//   - Read is complete up to the head it was given, or an error; never short.
//
// Assumed: the ledger's directory or stream has one history. A crash leaves
// each append whole or absent.
package eventstore

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
)

const (
	// MaxAppendBytes bounds the sum of the facts of one append.
	MaxAppendBytes = 900 << 10
	// MaxAppendFacts bounds their number.
	MaxAppendFacts = 10_000
)

var (
	// ErrWrongHead: the log's head is not the one expected. Not committed.
	ErrWrongHead = errors.New("the log's head moved")
	// ErrTooLarge: more bytes or facts than one append takes. Not committed.
	ErrTooLarge = errors.New("append is larger than the log takes")
	// ErrFailed: this or an earlier append's write or fsync failed; the log takes
	// no more appends until it is opened again. The outcome of the append that
	// failed first is unknown; reads of what is durable go on.
	ErrFailed = errors.New("the log stopped after a failed write; restart to recover")
	// ErrClosed: the log was closed. Not committed.
	ErrClosed = errors.New("the log is closed")
	// ErrUnavailable: the store cannot be reached now. Of Append: the outcome is
	// unknown, the same append may be tried again. Else: nothing was read.
	ErrUnavailable = errors.New("the log's store cannot be reached; try again")
	// ErrCorrupt: stored bytes are not what was written. See CorruptError.
	ErrCorrupt = errors.New("the log is damaged")
)

// CorruptError names the first position that can no longer be read.
type CorruptError struct {
	Position domain.Position
	Where    string // file and offset, or stream and revision
	Detail   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the log is damaged at position %d (%s): %s", e.Position, e.Where, e.Detail)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// WrongHeadError carries the head that was found instead.
type WrongHeadError struct{ Expected, Actual domain.Position }

func (e *WrongHeadError) Error() string {
	return fmt.Sprintf("the log's head is %d, not %d as expected", e.Actual, e.Expected)
}

// Is makes errors.Is(err, ErrWrongHead) true.
func (e *WrongHeadError) Is(target error) bool { return target == ErrWrongHead }

// Log is the port. Its methods may be called from any number of goroutines.
type Log interface {
	// Append writes facts at positions base, base+1, … if the head is exactly
	// base. The head is the position the next fact gets; an empty log's is 0.
	// A fact may have no bytes and is kept as such. No facts at the head is nil
	// and changes nothing. A log does not keep the given slices after returning
	// and never changes them. A ctx that ended before writing began stops the
	// append; one that ends later does not take it back.
	Append(ctx context.Context, base domain.Position, facts [][]byte) error

	// Read calls fn for each fact in [from, to), in order. The bytes are valid
	// only during the call; what fn does to them changes nothing stored. The
	// first error of fn ends the reading and is returned as it is. from beyond
	// to, or to beyond the head, is an error before the first call. An ended ctx
	// is an error. Reading needs no lock that stops appends: fn may append.
	Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error

	// Head is the position the next durable fact will get. Everything below it
	// is durable and readable.
	Head(ctx context.Context) (domain.Position, error)

	// Wait returns as soon as the head is greater than after, with that head,
	// or with ctx's error, or with ErrClosed when the log is closed meanwhile.
	// It is how followers subscribe: Wait, then Read.
	Wait(ctx context.Context, after domain.Position) (domain.Position, error)

	// Close releases the log, ends Reads and Waits with ErrClosed, and lets an
	// append that has begun finish. Appends that returned are durable already.
	// Closing again is nil; every other call then returns ErrClosed.
	Close() error
}

// CheckSize returns ErrTooLarge if facts are more, or have more bytes in sum,
// than one append takes. Every implementation asks it before writing.
func CheckSize(facts [][]byte) error {
	if len(facts) > MaxAppendFacts {
		return fmt.Errorf("%w: %d facts, at most %d", ErrTooLarge, len(facts), MaxAppendFacts)
	}
	sum := 0
	for _, f := range facts {
		sum += len(f)
	}
	if sum > MaxAppendBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, sum, MaxAppendBytes)
	}
	return nil
}
