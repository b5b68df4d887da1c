package crm

import (
	"context"
	"fmt"

	"greffe/domain/token"
)

// Follow brings what MayHold knows up to the view as it is now.
func (v *View) Follow(ctx context.Context) error {
	if err := v.sieve.Follow(ctx); err != nil {
		return fmt.Errorf("contacts: %w", err)
	}
	return nil
}

// MayHold reports whether a contact may have the address of a search token, by e-mail
// or phone. False is certain, of the view as it was when Follow was called last; true
// is to be asked of FindAll. It reads memory alone.
func (v *View) MayHold(t token.Token) bool { return v.sieve.May((*[32]byte)(&t)) }
