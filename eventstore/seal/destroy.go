package seal

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

const (
	mostDooms    = 500 // owners in one destruction of the vault
	mostAttempts = 20  // against rows that are rewritten meanwhile
)

// Destroy carries destructions out: class keys, the parts they sealed, single
// parts. It can be repeated, in whole or in part, and is then without effect.
// After an error some of it may be done and the rest is not; the same call again
// finishes it. It asks nobody: what stands against a destruction is looked at
// before it is ordered.
func (k *Keyring) Destroy(ctx context.Context, all []erasure.Destruction) error {
	for len(all) > 0 {
		n, owners := 0, map[part.Owner]bool{}
		for n < len(all) && n < mostDooms && !owners[all[n].Owner] {
			owners[all[n].Owner] = true
			n++
		}
		if err := k.destroySome(ctx, all[:n]); err != nil {
			return fmt.Errorf("destroy keys: %w", err)
		}
		all = all[n:]
	}
	return nil
}

func (k *Keyring) destroySome(ctx context.Context, some []erasure.Destruction) error {
	var redact []vault.PartID
	keys := make([]erasure.Destruction, 0, len(some))
	for _, d := range some {
		for _, r := range d.Redacted {
			redact = append(redact, vault.PartID{Event: r.Event, Class: r.Class})
		}
		if len(d.Redacted) == 0 {
			keys = append(keys, d)
		}
	}
	for range mostAttempts {
		dooms, err := k.dooms(ctx, keys)
		if err != nil {
			return err
		}
		err = k.store.Destroy(ctx, dooms)
		if err == nil {
			return k.store.Redact(ctx, redact)
		}
		if !errors.Is(err, vault.ErrStale) {
			return err
		}
	}
	return fmt.Errorf("the key rows changed %d times meanwhile: %w", mostAttempts, vault.ErrStale)
}

// dooms makes of each destruction what the vault is to do, from the rows as they
// are now.
func (k *Keyring) dooms(ctx context.Context, some []erasure.Destruction) ([]vault.Doom, error) {
	owners := make([]part.Owner, len(some))
	for i, d := range some {
		owners[i] = d.Owner
	}
	sets, err := k.Load(ctx, owners)
	if err != nil {
		return nil, err
	}
	out := make([]vault.Doom, len(some))
	for i, d := range some {
		out[i] = vault.Doom{Owner: d.Owner, By: d.By, At: d.At.UnixMicro()}
		if len(d.Keys) == 0 || sets[i].Destroyed {
			continue // all of it
		}
		if out[i], err = k.partly(d, sets[i], out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// partly dooms some keys of an owner who keeps others.
func (k *Keyring) partly(d erasure.Destruction, set *KeySet, doom vault.Doom) (vault.Doom, error) {
	if d.Closed {
		set.Close(d.By, d.At)
		doom.Tokens = true
	}
	for _, c := range d.Keys {
		doom.Keys = append(doom.Keys, vault.ClassEpoch{Class: c.Class, Epoch: c.Epoch})
		doom.Indexed = doom.Indexed || indexed(c.Class)
		for !set.Erased() && !set.past(c.Class, c.Epoch) { // in a copy from before the order
			set.Retire(c.Class)
		}
	}
	set.Drop(d.Keys)
	if set.Dirty() {
		row, err := k.Wrap(set)
		if err != nil {
			return doom, err
		}
		doom.Row = &row
	}
	return doom, nil
}

// ClassIntake is the class of the key of an owner's body MACs; they are no parts.
const ClassIntake = "intake"

// indexed are the classes with which the blind indexes of a person go.
func indexed(class string) bool { return class == "identity" || class == "contact_details" }
