// Package migrate moves a ledger from one kind of stores to another: facts with their
// ids, order, positions and bytes unchanged, and everything of the vault.
//
// # Promises
//
//   - Until the last step the target refuses to be opened as a ledger: its vault answers
//     transfer.ErrPartial. The vault is committed when every fact is in the target's log.
//   - A run that stopped, or died, is begun again and goes on: the log where the target
//     ends, when what is there is the source's; the vault from its beginning.
//   - Run returns nil only after both logs were read whole and every fact is the same,
//     the RFC 9162 tree heads with it, and both vaults were read whole and counted alike,
//     record for record. It never returns nil on nothing.
//   - The source is only read. Memory is bounded, whatever the ledger's size.
//
// Assumed: nobody records into source or target meanwhile. The caller opens the stores
// so that nobody can; a source that grows is found out all the same (ErrMoved). Batches
// that the source prepared and did not append come along as they are: the ledger appends
// them when it is opened on the target, as it would have on the source.
//
// A crash leaves the target as far as it was; nothing of it shows.
package migrate

import (
	"errors"
	"fmt"

	"greffe/domain"
)

var (
	// ErrNothing: the source holds no facts.
	ErrNothing = errors.New("there is nothing to migrate: the source's log is empty")
	// ErrMoved: somebody recorded into the source. Stop everything that does, and run
	// again.
	ErrMoved = errors.New("the source was recorded into while it was migrated; stop it, and run again")
	// ErrOther: the target holds something that is not the source's. See OtherError.
	ErrOther = errors.New("the target holds something else than the source")
	// ErrDiverged: the source's log is shorter than its vault knows it was.
	ErrDiverged = errors.New("the source's log and vault disagree; verify the source first")
)

// OtherError names the first thing that differs.
type OtherError struct {
	Position domain.Position // of the first fact that is another; the head if it is the vault's
	Detail   string
}

func (e *OtherError) Error() string {
	return fmt.Sprintf("the target holds something else than the source: %s; migrate into empty stores", e.Detail)
}

// Is makes errors.Is(err, ErrOther) true.
func (e *OtherError) Is(target error) bool { return target == ErrOther }
