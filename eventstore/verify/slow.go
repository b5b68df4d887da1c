package verify

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

type placed struct {
	at   domain.Position
	fact *event.Fact
}

// look compares a fact with the vault by its id: for those whose row did not come along,
// or did not seem right. What it finds is told.
func (r *run) look(ctx context.Context, f placed) error {
	known, err := r.Vault.Intake(ctx, []domain.ID{f.fact.ID})
	if errors.Is(err, vault.ErrDamaged) {
		r.find(Finding{Code: VaultDamaged, Position: f.at, Event: f.fact.ID.String(), Where: where("row", f.fact.ID.String()), Detail: "The vault's row of this event cannot be read."})
		return nil
	}
	if err != nil {
		return err
	}
	id := f.fact.ID.String()
	switch k := known[0]; {
	case !k.Found:
		r.find(Finding{Code: EventUnknown, Position: f.at, Event: id, Where: where("row", id), Detail: "The vault has no record of this event's intake."})
	case k.Position != f.at:
		r.find(Finding{Code: EventTwice, Position: f.at, Event: id, Where: where("row", id), Detail: fmt.Sprintf("The vault has this event at position %d.", k.Position)})
	}
	return r.lookParts(ctx, f)
}

func (r *run) lookParts(ctx context.Context, f placed) error {
	ids := make([]vault.PartID, len(f.fact.Parts))
	for i := range f.fact.Parts {
		ids[i] = vault.PartID{Event: f.fact.ID, Class: f.fact.Parts[i].Class}
	}
	stored, err := r.fresh(ctx, ids)
	if err != nil {
		return err
	}
	for i := range f.fact.Parts {
		ref := &f.fact.Parts[i]
		var h *held
		if stored[i] != nil {
			h = &held{key: ref.KeyID(), commitment: part.Commit(stored[i]), inPlace: true}
		}
		if err := r.part(ctx, f, ref, h, true); err != nil {
			return err
		}
	}
	return nil
}

// fresh reads parts such that all that had destroyed them is told of, and what is told
// to be destroyed was destroyed before.
func (r *run) fresh(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	for {
		more := false
		stored, err := r.Vault.Parts(ctx, ids)
		if errors.Is(err, vault.ErrDamaged) {
			stored, err = make([][]byte, len(ids)), nil
		}
		if err == nil {
			more, err = r.later(ctx)
		}
		if err != nil || !more {
			return stored, err
		}
	}
}

// held is a stored part, hashed.
type held struct {
	key        part.KeyID // under which the vault has it
	commitment [32]byte
	inPlace    bool // which is the one that seals it
}

// errAgain: something is not right; it is to be looked up.
var errAgain = errors.New("look again")

// part compares what is stored with what the log says of it. What is not right is told
// if that is sure, and else errAgain.
func (r *run) part(ctx context.Context, f placed, ref *event.PartRef, stored *held, sure bool) error {
	key, destroyed, err := r.key(ctx, ref)
	if err != nil {
		return err
	}
	at := Finding{Position: f.at, Event: f.fact.ID.String(), Class: ref.Class, Where: where("part", f.fact.ID.String()+"/"+ref.Class)}
	told := r.told.judge(f.at, f.fact, ref)
	switch {
	case stored != nil && stored.commitment != ref.Commitment:
		at.Code, at.Detail = PartAltered, "The stored part is not the one the fact commits to."
	case stored != nil && told.part == gone:
		at.Code, at.Detail = ErasedStillThere, "The part is stored, and a fact certifies that it was destroyed."
	case key && told.key == gone && !r.stillThere(ctx, ref):
		r.sum.Destroyed++
		return nil
	case key && told.key == gone:
		at.Code, at.Detail = ErasedStillThere, "The key of the part exists, and a fact certifies that it was destroyed."
	case told.part == stays && destroyed && (stored == nil || !key):
		at.Code, at.Detail = DestroyedWithoutEvent, "The part or its key is gone, the vault says that it was destroyed, and no fact ordered that."
	case told.part == stays && stored == nil:
		at.Code, at.Detail = PartMissing, "The part is gone and no destruction accounts for it."
	case told.part == stays && !key:
		at.Code, at.Detail = KeyMissing, "The part's key is gone or cannot be unwrapped, and no destruction accounts for it."
	case stored != nil && (!stored.inPlace || stored.key != ref.KeyID()):
		at.Code, at.Detail, sure = PartMisplaced, "The vault has this part under another key than the one that seals it: a destruction would pass it by.", true
	case stored == nil:
		r.sum.Destroyed++
		return nil
	default:
		r.sum.Parts++
		return nil
	}
	if !sure {
		return errAgain
	}
	r.find(at)
	return nil
}

// stillThere looks for a key again, that a walk saw a while ago.
func (r *run) stillThere(ctx context.Context, ref *event.PartRef) bool {
	have, _, err := r.Keys.Has(ctx, []part.KeyID{ref.KeyID()})
	return err != nil || have[0]
}
