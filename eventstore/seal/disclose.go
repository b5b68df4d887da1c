package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// ErrGone: the part or its key was destroyed, or the fact has no such part.
var ErrGone = errors.New("the fact has no such part, or it was destroyed")

// Disclosed is one part as it is stored, with the key that opens it and no other.
type Disclosed struct {
	Part []byte
	Key  part.Key // K_part (design §4): says nothing of the class key it comes from
}

// Disclose gives one part of a fact away, for a proof: whoever gets it can open it
// without the ledger, and sees that it is the part the fact commits to. Errors are
// ErrGone, and an AlteredError for stored bytes that the fact does not commit to.
func (k *Keyring) Disclose(ctx context.Context, f *event.Fact, class string) (*Disclosed, error) {
	at := slices.IndexFunc(f.Parts, func(ref event.PartRef) bool { return ref.Class == class })
	if at < 0 {
		return nil, ErrGone
	}
	ref := &f.Parts[at]
	stored, err := k.store.Parts(ctx, []vault.PartID{{Event: f.ID, Class: class}})
	if err != nil {
		return nil, fmt.Errorf("disclose a part of event %s: %w", f.ID, err)
	}
	sets, err := k.Load(ctx, []part.Owner{ref.Owner})
	if err != nil {
		return nil, err
	}
	key, ok := sets[0].Key(ref.Class, ref.Epoch)
	if !ok || stored[0] == nil {
		return nil, ErrGone
	}
	// Open compares what is stored with the commitment, and looks at the keys again.
	opened, err := k.OpenAll(ctx, []*event.Fact{f}, func(r *event.PartRef) bool { return r.Class == class })
	if err != nil {
		return nil, err
	}
	if len(opened[0].Gone) > 0 {
		return nil, ErrGone
	}
	return &Disclosed{stored[0], part.DeriveKey(key, f.ID, class)}, nil
}
