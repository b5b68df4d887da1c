package vault

import (
	"context"
	"errors"
	"fmt"
)

// ErrDamaged: stored bytes are not what was written, in a way that the store itself
// sees. See DamageError.
var ErrDamaged = errors.New("stored bytes of the vault are damaged; restore it")

// DamageError names what is damaged.
type DamageError struct {
	Table  string // as the store calls it
	Number int64  // of the batch, 0 if it is none's: WalkRows from the next goes on behind it
	Key    string // of the entry, empty if unknown
}

// Checker is a store that keeps things twice, such as in indexes, and can compare them.
type Checker interface {
	// Check calls fn for what differs, some hundreds at most. It reads the whole store,
	// as it is at one instant.
	Check(ctx context.Context, fn func(*DamageError)) error
}

func (e *DamageError) Error() string {
	switch {
	case e.Key != "":
		return fmt.Sprintf("%v (table %s, entry %s)", ErrDamaged, e.Table, e.Key)
	case e.Number == 0:
		return fmt.Sprintf("%v (table %s)", ErrDamaged, e.Table)
	}
	return fmt.Sprintf("%v (table %s, batch %d)", ErrDamaged, e.Table, e.Number)
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }
