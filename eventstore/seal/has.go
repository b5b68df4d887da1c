package seal

import (
	"context"
	"errors"

	"greffe/domain/part"
)

// Has tells, key by key, whether it is there and whether its owner was destroyed.
// A key whose row was altered is not there.
func (k *Keyring) Has(ctx context.Context, keys []part.KeyID) (have, destroyed []bool, err error) {
	var owners []part.Owner
	at := map[part.Owner]int{}
	for _, id := range keys {
		if _, ok := at[id.Owner]; !ok {
			at[id.Owner] = len(owners)
			owners = append(owners, id.Owner)
		}
	}
	sets, err := k.Load(ctx, owners)
	if errors.Is(err, ErrKeyRow) {
		sets, err = k.loadEach(ctx, owners)
	}
	if err != nil {
		return nil, nil, err
	}
	have, destroyed = make([]bool, len(keys)), make([]bool, len(keys))
	for i, id := range keys {
		s := sets[at[id.Owner]]
		_, have[i] = s.Key(id.Class, id.Epoch)
		destroyed[i] = s.Destroyed
	}
	return have, destroyed, nil
}

// loadEach is Load with an empty set for an owner whose row was altered.
func (k *Keyring) loadEach(ctx context.Context, owners []part.Owner) ([]*KeySet, error) {
	sets := make([]*KeySet, len(owners))
	for i, o := range owners {
		one, err := k.Load(ctx, owners[i:i+1])
		switch {
		case errors.Is(err, ErrKeyRow):
			sets[i] = &KeySet{Owner: o}
		case err != nil:
			return nil, err
		default:
			sets[i] = one[0]
		}
	}
	return sets, nil
}
