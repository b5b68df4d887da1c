package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// keyTable knows which class keys every owner has, as one walk through the key rows
// found them: owners with the same classes and epochs share a list.
type keyTable struct {
	owners *table
	lists  [][]vault.ClassEpoch
	number map[string]uint32
	closed map[domain.ID]bool // people whom the log says to be erased and whose row says so
}

const mostLists = 1 << 16

func newKeyTable() *keyTable {
	return &keyTable{owners: newTable(), number: map[string]uint32{}, closed: map[domain.ID]bool{}}
}

func (k *keyTable) add(o part.Owner, keys []vault.ClassEpoch) {
	var b strings.Builder
	for _, c := range keys {
		b.WriteString(c.Class + "/" + c.Epoch + " ")
	}
	n, ok := k.number[b.String()]
	if !ok {
		if len(k.lists) == mostLists {
			return // its keys are looked up one by one
		}
		n = uint32(len(k.lists))
		k.lists, k.number[b.String()] = append(k.lists, keys), n
	}
	k.owners.put(byte(o.Kind), o.ID, n)
}

// has reports a key that the walk saw.
func (k *keyTable) has(o part.Owner, class, epoch string) bool {
	n, ok := k.owners.get(byte(o.Kind), o.ID)
	return ok && slices.Contains(k.lists[n], vault.ClassEpoch{Class: class, Epoch: epoch})
}

// keys walks the key rows and compares marks of destruction and of archival with facts,
// both ways. What seems wrong is judged again with what was written meanwhile.
func (r *run) keys(ctx context.Context) error {
	var destroyed, archived []part.Owner
	err := r.Vault.WalkKeys(ctx, func(o part.Owner, row vault.KeyRow) error {
		told, err := r.Keys.Tell(o, row)
		if errors.Is(err, seal.ErrKeyRow) {
			r.find(Finding{Code: KeyAltered, Where: where("key", o.String()), Detail: "The owner's key row cannot be unwrapped: it was altered, or is another owner's or revision's."})
			return nil
		}
		if err != nil {
			return err
		}
		if !row.Destroyed {
			r.keyed.add(o, told.Keys)
		} else if _, wrong := r.mark(o, row); wrong {
			destroyed = append(destroyed, o)
		}
		if len(r.told.archived.strays(o, &told))+len(r.told.archived.missing(o, &told)) > 0 {
			archived = append(archived, o)
		}
		if o.Kind == part.Subject && r.told.erases(o.ID) > 0 && (row.Destroyed || !told.Closed.IsZero()) {
			r.keyed.closed[o.ID] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.marks(ctx, destroyed); err != nil {
		return err
	}
	if err := r.archived(ctx, archived); err != nil {
		return err
	}
	return r.unmarked(ctx)
}

// marks judges again the owners who seemed to be destroyed by nothing.
func (r *run) marks(ctx context.Context, suspects []part.Owner) error {
	if len(suspects) == 0 {
		return nil
	}
	if _, err := r.later(ctx); err != nil {
		return err
	}
	for some := range slices.Chunk(suspects, pageSize) {
		rows, err := r.Vault.Keys(ctx, some)
		if err != nil {
			return err
		}
		for i, o := range some {
			if f, wrong := r.mark(o, rows[i]); wrong {
				r.find(f)
			}
		}
	}
	return nil
}

// later takes in what was destroyed and archived since the log was read for it, and
// tells whether anything was.
func (r *run) later(ctx context.Context) (more bool, err error) {
	head, err := r.Log.Head(ctx)
	if err != nil || head <= r.upto {
		return false, err
	}
	more, err = r.told.read(ctx, r.Log, r.upto, head)
	if err != nil && !errors.Is(err, eventstore.ErrCorrupt) { // of what came later another verification tells
		return false, err
	}
	r.upto = head
	return more, nil
}

// mark judges that an owner is destroyed.
func (r *run) mark(o part.Owner, row vault.KeyRow) (f Finding, wrong bool) {
	f = Finding{Code: DestroyedWithoutEvent, Where: where("key", o.String())}
	switch o.Kind {
	case part.Subject:
		by, ok := r.told.orders[row.By]
		switch {
		case r.told.erases(o.ID) == 0 || !ok || by.subject != o.ID:
			f.Detail = "The vault says that the person was destroyed by an order that no fact is."
		case !by.time.IsZero() && by.time.UnixMicro() != row.At:
			f.Code, f.Position, f.Detail = MarkAltered, by.at, "The vault has another time for the person's erasure than the order."
		default:
			return f, false
		}
	case part.Quarantine:
		_, released := r.told.released[o.ID]
		x, held := r.told.held[o.ID]
		if released || !held || r.told.took(x) {
			return f, false
		}
		f.Position, f.Detail = x.at, "The vault says that a quarantined input was destroyed, and no fact released it."
	case part.Case:
		by, ok := r.told.orders[row.By]
		switch {
		case !ok || by.owner != o:
			f.Detail = "The vault says that a desk's file was destroyed by an order that no fact is."
		case !by.time.IsZero() && by.time.UnixMicro() != row.At:
			f.Code, f.Position, f.Detail = MarkAltered, by.at, "The vault has another time for the end of the file's term than the order."
		default:
			return f, false
		}
	case part.Ledger:
		f.Detail = "The vault says that the ledger's own keys were destroyed."
	default:
		return f, false // its parts are judged one by one
	}
	return f, true
}

// unmarked looks for people whose erasure is certified and whom the vault does not know
// to be erased: they could be recorded again.
func (r *run) unmarked(ctx context.Context) error {
	for id := range r.told.of {
		if r.told.erases(id) != gone || r.keyed.closed[id] {
			continue
		}
		o := part.SubjectOwner(id)
		rows, err := r.Vault.Keys(ctx, []part.Owner{o})
		if err != nil {
			return err
		}
		if told, err := r.Keys.Tell(o, rows[0]); err == nil && (rows[0].Destroyed || !told.Closed.IsZero()) {
			continue
		}
		r.find(Finding{Code: MarkMissing, Position: r.told.certified(id), Where: where("key", o.String()),
			Detail: "A fact certifies that the person was erased, and the vault does not say so: it would record the person again."})
	}
	return nil
}

// key is whether a part's key is there, and whether the vault says that it was destroyed.
func (r *run) key(ctx context.Context, ref *event.PartRef) (have, destroyed bool, err error) {
	if r.keyed.has(ref.Owner, ref.Class, ref.Epoch) {
		return true, false, nil
	}
	h, d, err := r.Keys.Has(ctx, []part.KeyID{ref.KeyID()})
	if err != nil {
		return false, false, err
	}
	return h[0], d[0], nil
}

// where names an entry of the vault by table and key; only ids of ours.
func where(table, key string) string { return fmt.Sprintf("vault/%s/%s", table, key) }
