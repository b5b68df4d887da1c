package vault

import (
	"errors"
	"time"

	"greffe/domain"
)

var (
	// ErrUnavailable: the store cannot be reached now. Of Prepare and other writes: the
	// outcome is unknown. Else: nothing was done; try again.
	ErrUnavailable = errors.New("the vault's store cannot be reached; try again")
	// ErrHeld: another holder has the lease. Nothing was done.
	ErrHeld = errors.New("another holder has the lease")
	// ErrFenced: the batch's lease was taken by another, or released. Not committed.
	ErrFenced = errors.New("the lease is another's by now; nothing was written")
	// ErrGeneration: the batch's tokens are of another generation than the vault's.
	// Not committed.
	ErrGeneration = errors.New("the batch's tokens are of another generation than the vault's")
	// ErrNote: a lease's note is longer than MaxNote. Nothing was done.
	ErrNote = errors.New("a lease's note is too long")
)

// MaxNote bounds the bytes of a lease's note.
const MaxNote = 4 << 10

// Lease says who may do what one node alone may do. Its term grows each time it is
// taken, also by the one who let it expire: who held an earlier term knows that
// others may have acted between.
type Lease struct {
	Role   string
	Holder domain.ID
	Term   int64         // from 1
	Note   []byte        // the holder's own words to the others; nothing personal
	Left   time.Duration // until it expires, by the store's clock
}

// LeaseCheck demands that a role's lease has this term still. One that expired and
// was not taken passes: nobody else acted.
type LeaseCheck struct {
	Role string
	Term int64
}
