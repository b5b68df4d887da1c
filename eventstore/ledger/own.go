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
)

// Own is a fact of the ledger itself: a policy published, an access, an account.
type Own struct {
	Type    event.Type
	ID      domain.ID // random when zero
	Subject domain.ID
	Actor   domain.ID
	Time    time.Time // the ledger's clock when zero
	Codes   event.Codes
	Parts   []PlainPart

	closes domain.ID   // the quarantine item that it ends, if it is held still
	hold   token.Token // its marker
	given  bool        // ID was not made here
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

// maxOwn bounds the bytes of one fact of the ledger itself.
const maxOwn = 64 << 10

// check sees that o makes a fact: what fails later would stop the ledger. size
// is the bytes of its fact and of what it seals.
func (o *Own) check(now time.Time) (size int, err error) {
	f := event.Fact{ID: o.ID, Type: o.Type, Subject: o.Subject, Actor: o.Actor, Codes: o.Codes, Time: domain.NewTime(o.Time), Recorded: domain.NewTime(now)}
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
// for Record, and ErrInvalid.
func (l *Ledger) Write(ctx context.Context, owns []Own) ([]Written, error) {
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
	results := make([]Result, len(owns))
	for i := range owns {
		req.items = append(req.items, &item{req: req, result: &results[i], now: now, rules: l.rules.Load(), own: &owns[i], id: owns[i].ID})
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
