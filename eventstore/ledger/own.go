package ledger

import (
	"context"
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

	lifts   []token.Token
	destroy []part.Owner // after the fact is in the log
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

// Write records facts of the ledger itself, durable on return. Errors are as
// for Record.
func (l *Ledger) Write(ctx context.Context, owns []Own) ([]Written, error) {
	req, err := l.enter(ctx, len(owns))
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(owns))
	now := l.cfg.Now()
	for i := range owns {
		o := owns[i]
		if o.ID.IsZero() {
			if o.ID, err = domain.RandomID(l.cfg.Rand); err != nil {
				l.room.Release(req.room)
				return nil, err
			}
		}
		req.items = append(req.items, &item{req: req, result: &results[i], now: now, rules: l.rules.Load(), own: &o, id: o.ID})
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
