package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
)

var (
	// ErrErased: the person was erased, or is being erased. Not committed.
	ErrErased = errors.New("the person was erased; nothing more is recorded about it")
	// ErrHeld: a hold or a restriction forbids the destruction. Not committed. See
	// HeldError.
	ErrHeld = errors.New("a hold or a restriction forbids to destroy anything of this person; release it first")
	// ErrNoHold: no such hold or restriction stands. Not committed.
	ErrNoHold = errors.New("no such hold or restriction stands")
)

// HeldError names what forbids a destruction.
type HeldError struct {
	Subject domain.ID
	Holds   []seal.Hold
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%v (%d on subject %s)", ErrHeld, len(e.Holds), e.Subject)
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// Erasure orders one: from its first fact on, nothing else is recorded about
// subjects that are erased whole. It is refused as a whole, with ErrErased or a
// HeldError, if any of the subjects cannot be erased.
type Erasure struct {
	Actor   domain.ID
	Orders  []SubjectOrder // of all who are one person; 1 to Fits
	Whole   bool
	Classes []string    // that are destroyed, at first
	Codes   event.Codes // of every order
	Parts   []PlainPart // of the first
	Redact  domain.ID   // instead of classes: the event whose part of Classes[0] goes
	// Guards are contacts of the same person, at most MaxGuards: a hold on one of them
	// refuses the order too.
	Guards []domain.ID
	// Operation is the first order of what these orders are a further part of; zero
	// if they begin one.
	Operation domain.ID
}

// SubjectOrder is the erasure.ordered fact about one subject.
type SubjectOrder struct{ ID, Subject domain.ID }

const maxOrders = 1000

// MaxGuards bounds the contacts whose holds one order looks at.
const MaxGuards = 200

// Fits is how many orders like e's go into one write, 1 at least.
func (e *Erasure) Fits() int {
	const rest = 300 // of a fact without codes, and a part's reference
	b, err := event.AppendFact(nil, &event.Fact{ID: domain.ID{1}, Type: event.ErasureOrdered, Subject: domain.ID{1}, Actor: e.Actor,
		Codes: slices.Clone(e.Codes).With("operation", domain.ID{1}.String())})
	if err != nil {
		return 1 // Erase says what is wrong
	}
	return max(1, min(maxOrders, maxGroupBytes/(len(b)+rest)))
}

// Erase writes an erasure's orders: one fact for each subject, in one group. The
// answer is where the first stands; the others follow it.
func (l *Ledger) Erase(ctx context.Context, e Erasure) (Written, error) {
	if n := e.Fits(); len(e.Orders) == 0 || len(e.Orders) > n {
		return Written{}, fmt.Errorf("%w: this erasure is about 1 to %d subjects", ErrInvalid, n)
	}
	e.Orders, e.Classes = slices.Clone(e.Orders), slices.Clone(e.Classes)
	operation := e.Operation
	if operation.IsZero() {
		operation = e.Orders[0].ID
	}
	codes := slices.Clone(e.Codes).With("operation", operation.String())
	w, err := l.Write(ctx, []Own{{Type: event.ErasureOrdered, ID: e.Orders[0].ID, Subject: e.Orders[0].Subject,
		Actor: e.Actor, Codes: codes, Parts: e.Parts, erase: &e}})
	if err != nil {
		return Written{}, err
	}
	return w[0], nil
}

// order decides an erasure: it closes the subjects, or retires the classes, in
// the transaction of the facts that say so.
func (g *group) order(ctx context.Context, i int, it *item) error {
	e := it.own.erase
	if held, err := g.guarded(ctx, e.Guards); err != nil || held != nil {
		it.err = g.refusal(it, held)
		return err
	}
	sets := make([]*seal.KeySet, len(e.Orders))
	for n, o := range e.Orders {
		set, err := g.set(ctx, part.SubjectOwner(o.Subject))
		if err != nil {
			return err
		}
		if known, ok := g.intake[o.ID]; ok || g.taken[o.ID] {
			it.err = ErrTaken
			g.relyOnRow(it, o.ID, known)
			return nil
		}
		if slices.ContainsFunc(e.Orders[:n], func(p SubjectOrder) bool { return p.Subject == o.Subject || p.ID == o.ID }) {
			it.err = fmt.Errorf("%w: two orders for one subject, or of one id", ErrInvalid)
			return nil
		}
		switch {
		case set.Destroyed, e.Whole && set.Erased():
			it.err = ErrErased
			g.reliesOnClosing(it, set)
			return nil
		case set.Held():
			it.err = g.refusal(it, set)
			return nil
		}
		sets[n] = set
	}
	g.after = true
	g.at[i] = len(g.rows)
	for n, o := range e.Orders {
		switch {
		case e.Whole:
			sets[n].Close(o.ID, g.now)
		case e.Redact.IsZero() && !sets[n].Erased():
			for _, class := range e.Classes {
				sets[n].Retire(class)
			}
		}
		r := g.ownRow(it)
		r.fact.ID, r.fact.Subject, r.fact.Codes = o.ID, o.Subject, slices.Clone(it.own.Codes)
		if n > 0 {
			r.own = nil
		}
		g.taken[o.ID] = true
		if err := g.add(ctx, r); err != nil {
			return err
		}
	}
	it.result.Status, it.result.Event, it.result.Subject = Recorded, e.Orders[0].ID, e.Orders[0].Subject
	return nil
}

// guarded is the key set of the first of some persons who is held, nil for none.
func (g *group) guarded(ctx context.Context, persons []domain.ID) (*seal.KeySet, error) {
	for _, p := range persons {
		set, err := g.set(ctx, part.SubjectOwner(p))
		if err != nil || set.Held() {
			return set, err
		}
	}
	return nil, nil
}

// refusal is what an order about somebody held is answered, once the holds are in the
// log; nil if nobody is.
func (g *group) refusal(it *item, held *seal.KeySet) error {
	if held == nil {
		return nil
	}
	for _, h := range held.Holds() {
		g.relies(it, h.Event)
	}
	return &HeldError{held.Owner.ID, held.Holds()}
}

// Destroy carries out what was ordered, in the vault, and makes the record path
// look at the owners' keys anew.
func (l *Ledger) Destroy(ctx context.Context, ds []erasure.Destruction) error {
	err := l.keys.Destroy(ctx, ds)
	l.stale.Lock()
	for _, d := range ds {
		l.staleOwners = append(l.staleOwners, d.Owner)
	}
	l.stale.Unlock()
	return err
}

// refresh drops from the cache whose key rows were rewritten beside the record path.
func (c *committer) refresh() {
	c.l.stale.Lock()
	defer c.l.stale.Unlock()
	for _, o := range c.l.staleOwners {
		c.sets.remove(o)
	}
	c.l.staleOwners = c.l.staleOwners[:0]
}

// outlives are the ledger's own facts about a person that go on after its erasure.
func outlives(t event.Type) bool {
	switch t {
	case event.ErasureStaged, event.ErasureContested, event.SubjectErased, event.PartRedacted, event.NotificationSent,
		event.NotificationTaken, event.OppositionLifted, event.AccessRecorded, event.RetentionDestroyed, event.RetentionArchived:
		return true
	}
	return t.Step()
}

// stands looks at what a command of the ledger meets: a person who was erased, a
// hold that is not there. What it places or releases is part of the group.
func (g *group) stands(ctx context.Context, it *item) (refused, err error) {
	o := it.own
	owners := o.owners()
	for _, owner := range owners {
		set, err := g.set(ctx, owner)
		if err != nil {
			return nil, err
		}
		if set.Erased() {
			g.reliesOnClosing(it, set)
			return ErrErased, nil
		}
	}
	if o.Subject.IsZero() {
		return nil, nil
	}
	switch o.Type {
	case event.RestrictionPlaced:
		return nil, g.restrict(ctx, owners[0], o.ID)
	case event.HoldPlaced:
		return nil, g.hold(ctx, owners[0], seal.Hold{Kind: seal.HoldClaim, Event: o.ID})
	case event.HoldReleased:
		return g.releaseHold(ctx, owners[0], seal.HoldClaim, o.Codes.ID("hold"))
	case event.RestrictionLifted:
		return g.releaseHold(ctx, owners[0], seal.HoldRestriction, o.Codes.ID("restriction"))
	}
	return nil, nil
}

// restrict places a restriction of processing: art. 18(1) forbids to erase.
func (g *group) restrict(ctx context.Context, owner part.Owner, by domain.ID) error {
	return g.hold(ctx, owner, seal.Hold{Kind: seal.HoldRestriction, Event: by})
}

func (g *group) hold(ctx context.Context, owner part.Owner, h seal.Hold) error {
	set, err := g.set(ctx, owner)
	if err == nil && owner.Kind == part.Subject {
		set.Hold(h)
	}
	return err
}

func (g *group) releaseHold(ctx context.Context, owner part.Owner, kind seal.HoldKind, placed domain.ID) (refused, err error) {
	set, err := g.set(ctx, owner)
	if err != nil {
		return nil, err
	}
	for _, h := range set.Holds() {
		if placed.IsZero() || h.Event == placed {
			g.relies(nil, h.Event)
		}
	}
	if !set.Release(kind, placed) {
		return ErrNoHold, nil
	}
	return nil, nil
}
