package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// Own is a fact of the ledger itself: a policy published, an access, an account.
type Own struct {
	Type    event.Type
	ID      domain.ID // random when zero
	Subject domain.ID
	Actor   domain.ID
	// Controller is a code of the policy, of what a person said to the ledger itself.
	Controller string
	Time       time.Time // the ledger's clock when zero
	Codes      event.Codes
	Parts      []PlainPart

	closes  domain.ID   // the quarantine item that it ends, if it is held still
	hold    token.Token // its marker
	given   bool        // ID was not made here
	erase   *Erasure    // it orders an erasure
	archive *Archival   // it archives
	expire  *Expiry     // it orders to destroy keys that are no person's
}

// PlainPart is what to seal, and with which key. Fields are sorted by path.
type PlainPart struct {
	Key    part.KeyID
	Fields []event.Field
}

// Written says where a fact of the ledger itself stands.
type Written struct {
	Event    domain.ID
	Position domain.Position
}

// owners are those, other than the ledger, whose keys a fact of the ledger's own
// meets; whom it is about first, unless it goes on after an erasure.
func (o *Own) owners() []part.Owner {
	owners := make([]part.Owner, 0, 2+len(o.Parts))
	if !o.Subject.IsZero() && !outlives(o.Type) {
		owners = append(owners, part.SubjectOwner(o.Subject))
	}
	if into := o.Codes.ID("into"); o.Type == event.ContactMerged && !into.IsZero() { // whoever is merged with the erased is the erased
		owners = append(owners, part.SubjectOwner(into))
	}
	for _, p := range o.Parts {
		if p.Key.Owner.Kind != part.Ledger {
			owners = append(owners, p.Key.Owner)
		}
	}
	if o.erase != nil {
		for _, x := range o.erase.Orders {
			owners = append(owners, part.SubjectOwner(x.Subject))
		}
		for _, p := range o.erase.Guards {
			owners = append(owners, part.SubjectOwner(p))
		}
	}
	if o.expire != nil {
		owners = append(owners, o.expire.Owner)
		for _, p := range o.expire.Guards {
			owners = append(owners, part.SubjectOwner(p))
		}
	}
	return owners
}

// maxOwn bounds the bytes of one fact of the ledger itself.
const maxOwn = 64 << 10

// check sees that o makes a fact: what fails later would stop the ledger. size
// is the bytes of its fact and of what it seals.
func (o *Own) check(now time.Time) (size int, err error) {
	f := event.Fact{ID: o.ID, Type: o.Type, Subject: o.Subject, Actor: o.Actor, Controller: o.Controller, Codes: o.Codes, Time: domain.NewTime(o.Time), Recorded: domain.NewTime(now)}
	for i, p := range o.Parts {
		f.Parts = append(f.Parts, event.PartRef{Owner: p.Key.Owner, Class: p.Key.Class, Epoch: p.Key.Epoch})
		if slices.ContainsFunc(o.Parts[:i], func(q PlainPart) bool { return q.Key.Class == p.Key.Class }) {
			return 0, fmt.Errorf("%w: two parts of one class", ErrInvalid)
		}
		for _, x := range p.Fields {
			size += len(x.Value)
		}
	}
	b, err := event.AppendFact(nil, &f)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(b) > maxOwn {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrInvalid, maxOwn)
	}
	return size + len(b), nil
}

// Write records facts of the ledger itself, durable on return. Errors are as
// for Record, and ErrInvalid, ErrTaken.
func (l *Ledger) Write(ctx context.Context, owns []Own) ([]Written, error) {
	return l.WriteUnder(ctx, nil, owns)
}

// WriteUnder is Write by who holds a lease: ErrFenced if another took it meanwhile.
// Nil is no lease.
func (l *Ledger) WriteUnder(ctx context.Context, lease *vault.LeaseCheck, owns []Own) ([]Written, error) {
	owns = slices.Clone(owns)
	now, size := l.cfg.Now(), 0
	for i := range owns {
		o := &owns[i]
		if o.given = !o.ID.IsZero(); !o.given {
			var err error
			if o.ID, err = domain.RandomID(l.cfg.Rand); err != nil {
				return nil, err
			}
		}
		n, err := o.check(now)
		if err != nil {
			return nil, err
		}
		size += n
	}
	req, err := l.enter(ctx, len(owns), size)
	if err != nil {
		return nil, err
	}
	var under vault.LeaseCheck
	if lease != nil {
		under = *lease
	}
	results := make([]Result, len(owns))
	for i := range owns {
		req.items = append(req.items, &item{req: req, result: &results[i], now: now, rules: l.rules.Load(), own: &owns[i], id: owns[i].ID, lease: under})
	}
	if err := l.submit(ctx, req); err != nil {
		return nil, err
	}
	out := make([]Written, len(owns))
	for i := range results {
		out[i] = Written{results[i].Event, results[i].Position}
	}
	return out, nil
}
