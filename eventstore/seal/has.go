package seal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Has tells, key by key, whether it is there and whether it was destroyed: with
// its owner, or with its class. A key whose row was altered is not there.
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
		destroyed[i] = s.Destroyed || !have[i] && (s.Erased() || s.past(id.Class, id.Epoch))
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

// Row is what an owner's key row says, but for the keys themselves.
type Row struct {
	Keys     []vault.ClassEpoch
	Closed   domain.ID     // the event that ordered the owner's erasure; zero: none did
	Archived []ArchivedKey // of Keys, those that are
}

// ArchivedKey is a key that left the active base.
type ArchivedKey struct {
	vault.ClassEpoch
	Since domain.Time
}

// Tell gives what an owner's row says, as it was read. ErrKeyRow for one that was altered.
func (k *Keyring) Tell(o part.Owner, row vault.KeyRow) (out Row, err error) {
	if row.Destroyed || row.Rev == 0 {
		return Row{Closed: row.By}, nil
	}
	s := KeySet{Owner: o, Rev: row.Rev}
	if err := k.unwrap(&s, row.Wrapped); err != nil {
		return out, fmt.Errorf("read keys: %w", err)
	}
	for i := range s.keys {
		out.Keys = append(out.Keys, vault.ClassEpoch{Class: s.keys[i].class, Epoch: s.keys[i].epoch})
		clear(s.keys[i].key[:])
	}
	for _, a := range s.archive {
		out.Archived = append(out.Archived, ArchivedKey{vault.ClassEpoch{Class: a.class, Epoch: a.epoch}, domain.NewTime(time.UnixMicro(a.since))})
	}
	out.Closed = s.Closed
	return out, nil
}

// Named lists the keys of an owner's row as it was read, and the event that ordered the
// owner's erasure, if one did. ErrKeyRow for a row that was altered.
func (k *Keyring) Named(o part.Owner, row vault.KeyRow) (keys []vault.ClassEpoch, closed domain.ID, err error) {
	r, err := k.Tell(o, row)
	return r.Keys, r.Closed, err
}
