package opposition

import (
	"context"
	"fmt"

	"greffe/domain/token"
)

// Follow brings what MayStand knows up to the list as it is now.
func (l *List) Follow(ctx context.Context) error {
	if err := l.sieve.Follow(ctx); err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	return nil
}

// MayStand reports whether an address may be on the list, in any scope, by one of its
// tokens. False is certain, of the list as it was when Follow was called last; true
// is to be asked of ByAddress. It reads memory alone.
func (l *List) MayStand(t token.Token) bool { return l.sieve.May((*[32]byte)(&t)) }
