package seal

import (
	"context"

	"greffe/domain/part"
)

// Has tells, key by key, whether it is there and whether its owner was destroyed.
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
