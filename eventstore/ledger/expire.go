package ledger

import (
	"context"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Expiry orders to destroy keys that are no person's, at the end of their term: of the
// ledger itself those it names, of a desk's file all.
type Expiry struct {
	ID     domain.ID // of retention.destroyed
	Actor  domain.ID // zero: nobody decided it, the term ended
	Owner  part.Owner
	Keys   []erasure.ClassEpoch // of the ledger's, one at least; none of a file's
	Rule   string               // of the policy, a code
	Guards []domain.ID          // whom it is about, and who is one person with them: a hold on one refuses it
}

// ofFile names the file that retention.destroyed is about.
const ofFile = "case"

// Expire writes the order: from it on, what belongs to the same classes is sealed under
// other keys, and nothing is added to the file. Errors are those of Write, HeldError,
// and ErrErased for a file that was destroyed or is going to be.
func (l *Ledger) Expire(ctx context.Context, lease *vault.LeaseCheck, x Expiry) (Written, error) {
	codes := event.Codes{}.With("automatic", x.Actor.IsZero())
	switch {
	case x.ID.IsZero() || len(x.Guards) > MaxGuards:
		return Written{}, fmt.Errorf("%w: an expiry without id, or about too many persons", ErrInvalid)
	case x.Owner.Kind == part.Case && len(x.Keys) == 0:
		codes = codes.With(ofFile, x.Owner.ID.String())
	case x.Owner.Kind == part.Ledger && len(x.Keys) > 0:
		codes = codes.With("classes", classesOf(x.Keys)).With("epochs", erasure.Names(x.Keys))
	default:
		return Written{}, fmt.Errorf("%w: a term destroys a file, or some of the ledger's own keys", ErrInvalid)
	}
	if x.Rule != "" {
		codes = codes.With("rule", x.Rule)
	}
	own := Own{Type: event.RetentionDestroyed, ID: x.ID, Actor: x.Actor, Codes: codes, expire: &x}
	if len(x.Guards) > 0 {
		own.Subject = x.Guards[0]
	}
	w, err := l.WriteUnder(ctx, lease, []Own{own})
	if err != nil {
		return Written{}, err
	}
	return w[0], nil
}

func classesOf(keys []erasure.ClassEpoch) (out []string) {
	for _, k := range keys {
		out = append(out, k.Class)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Expired is what an order of Expire destroys; ok is false for another fact.
func Expired(at domain.Position, f *event.Fact) (d erasure.Destruction, ok bool) {
	if f.Type != event.RetentionDestroyed || f.Codes.ID("order") != (domain.ID{}) {
		return d, false
	}
	d = erasure.Destruction{Owner: part.LedgerOwner(), By: f.ID, Position: at, At: f.Recorded, Keys: erasure.Named(f.Codes.Strings("epochs"))}
	if file := f.Codes.ID(ofFile); !file.IsZero() {
		d.Owner = part.CaseOwner(file)
	}
	return d, d.Owner.Kind == part.Case || len(d.Keys) > 0
}

// expire decides such an order, in the transaction of the fact that says so.
func (g *group) expire(ctx context.Context, it *item) (refused, err error) {
	x := it.own.expire
	set, err := g.set(ctx, x.Owner)
	if err != nil {
		return nil, err
	}
	held, err := g.guarded(ctx, x.Guards)
	switch {
	case err != nil:
		return nil, err
	case set.Erased():
		g.reliesOnClosing(it, set)
		return ErrErased, nil
	case set.Held():
		return g.refusal(it, set), nil
	case held != nil:
		return g.refusal(it, held), nil
	}
	g.after = true
	if x.Owner.Kind == part.Case {
		set.Close(x.ID, g.now)
		return nil, nil
	}
	for _, class := range classesOf(x.Keys) {
		set.Retire(class)
	}
	return nil, nil
}
