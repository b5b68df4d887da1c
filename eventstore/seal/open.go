package seal

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// ErrAltered: a stored part is not the one its fact committed to.
var ErrAltered = errors.New("a stored part is not the one its fact commits to")

// AlteredError names it.
type AlteredError struct {
	Event domain.ID
	Class string
}

func (e *AlteredError) Error() string {
	return fmt.Sprintf("the vault's part %s of event %s is not the one its fact commits to; run greffe verify", e.Class, e.Event)
}

// Is makes errors.Is(err, ErrAltered) true.
func (e *AlteredError) Is(target error) bool { return target == ErrAltered }

// Opened is what could be read of one fact.
type Opened struct {
	Fields []event.Field
	Gone   []event.PartRef // destroyed, or stored nowhere
	// Archived parts are there and were left out.
	Archived []Archived
	// Masked are paths of which Fields has a mask only, each with what tells its value
	// from others; eventstore/access fills it.
	Masked map[string]string

	spans []span
}

// span says which class the fields from an index on were sealed in.
type span struct {
	class string
	from  int
}

// Class is the class that the field with an index was sealed in.
func (o *Opened) Class(field int) (class string) {
	for _, s := range o.spans {
		if s.from <= field {
			class = s.class
		}
	}
	return class
}

// Open reads the parts of facts that want selects (nil: all). A part whose key
// or bytes were destroyed is in Gone, one that is archived in Archived; one that does
// not match its commitment is an AlteredError. Keys are looked at again after
// decrypting, so that what was destroyed meanwhile does not leave.
func (k *Keyring) Open(ctx context.Context, facts []*event.Fact, want func(*event.PartRef) bool) ([]Opened, error) {
	return k.openSome(ctx, facts, want, false)
}

// OpenAll is Open with what is archived: for those who may read archives, and for what
// the ledger itself decides by.
func (k *Keyring) OpenAll(ctx context.Context, facts []*event.Fact, want func(*event.PartRef) bool) ([]Opened, error) {
	return k.openSome(ctx, facts, want, true)
}

func (k *Keyring) openSome(ctx context.Context, facts []*event.Fact, want func(*event.PartRef) bool, archives bool) ([]Opened, error) {
	var ids []vault.PartID
	var owners []part.Owner
	at := map[part.Owner]int{}
	for _, f := range facts {
		for i := range f.Parts {
			ref := &f.Parts[i]
			if want != nil && !want(ref) {
				continue
			}
			ids = append(ids, vault.PartID{Event: f.ID, Class: ref.Class})
			if _, ok := at[ref.Owner]; !ok {
				at[ref.Owner] = len(owners)
				owners = append(owners, ref.Owner)
			}
		}
	}
	stored, err := k.store.Parts(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	sets, err := k.Load(ctx, owners)
	if err != nil {
		return nil, err
	}
	out := make([]Opened, len(facts))
	n := 0
	for fi, f := range facts {
		for i := range f.Parts {
			ref := &f.Parts[i]
			if want != nil && !want(ref) {
				continue
			}
			if err := out[fi].open(f, ref, stored[n], sets[at[ref.Owner]], archives); err != nil {
				return nil, err
			}
			n++
		}
	}
	return out, k.recheck(ctx, owners, sets, facts, out)
}

func (o *Opened) open(f *event.Fact, ref *event.PartRef, stored []byte, set *KeySet, archives bool) error {
	key, ok := set.Key(ref.Class, ref.Epoch)
	if stored == nil || !ok {
		o.Gone = append(o.Gone, *ref)
		return nil
	}
	if since, left := set.Archived(ref.Class, ref.Epoch); left && !archives {
		o.Archived = append(o.Archived, Archived{*ref, since})
		return nil
	}
	if part.Commit(stored) != ref.Commitment {
		return &AlteredError{f.ID, ref.Class}
	}
	plain, err := part.Open(key, part.Event{ID: f.ID, Type: string(f.Type)}, stored)
	if err != nil {
		return fmt.Errorf("open part %s of event %s: %w", ref.Class, f.ID, err)
	}
	fields, err := event.ParsePlaintext(plain)
	if err != nil {
		return fmt.Errorf("open part %s of event %s: %w", ref.Class, f.ID, err)
	}
	o.spans = append(o.spans, span{ref.Class, len(o.Fields)})
	o.Fields = append(o.Fields, fields...)
	return nil
}

// kept reports that a row still has every key that was read from it before.
func (k *Keyring) kept(was *KeySet, row vault.KeyRow) (bool, error) {
	if row.Rev == was.Rev && row.Destroyed == was.Destroyed {
		return true, nil
	}
	if row.Rev < was.Rev || row.Destroyed {
		return false, nil
	}
	now := &KeySet{Owner: was.Owner, Rev: row.Rev}
	if err := k.unwrap(now, row.Wrapped); err != nil {
		return false, err
	}
	for _, x := range was.keys {
		if _, there := now.Key(x.class, x.epoch); !there {
			return false, nil
		}
	}
	return true, nil
}

// recheck drops what was opened with keys that have been destroyed since.
func (k *Keyring) recheck(ctx context.Context, owners []part.Owner, sets []*KeySet, facts []*event.Fact, out []Opened) error {
	if len(owners) == 0 {
		return nil
	}
	rows, err := k.store.Keys(ctx, owners)
	if err != nil {
		return fmt.Errorf("look at keys again: %w", err)
	}
	changed := map[part.Owner]bool{}
	for i, row := range rows {
		kept, err := k.kept(sets[i], row)
		if err != nil {
			return fmt.Errorf("look at keys again: %w", err)
		}
		if !kept {
			changed[owners[i]] = true
		}
	}
	if len(changed) == 0 {
		return nil
	}
	for i, f := range facts {
		for j := range f.Parts {
			if changed[f.Parts[j].Owner] {
				out[i] = Opened{Gone: f.Parts}
				break
			}
		}
	}
	return nil
}
