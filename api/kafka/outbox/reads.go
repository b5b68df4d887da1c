package outbox

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections/changes"
)

// Reads is a Source out of the change feed. All fields are needed.
type Reads struct {
	Feed *changes.Feed
	// Policy is the one in force.
	Policy func() *policy.Policy
	// Open records the access to a page's people and opens it.
	Open func(ctx context.Context, page *changes.Page) ([]changes.Change, error)
}

var _ Source = (*Reads)(nil)

func (r *Reads) recipient(code string) (policy.Recipient, error) {
	x, ok := r.Policy().Recipient(code)
	if !ok {
		return x, ErrNoRecipient
	}
	return x, nil
}

// Key implements Source.
func (r *Reads) Key(code string) (key []byte, ids bool, err error) {
	x, err := r.recipient(code)
	if err != nil {
		return nil, false, err
	}
	key, err = changes.RefKey(r.Feed.Secret, code)
	return key, x.Source != "", err
}

// End implements Source.
func (r *Reads) End(ctx context.Context) (domain.Position, error) { return r.Feed.View.Checkpoint(ctx) }

// Known implements Source. What other nodes wrote may not be projected here yet.
func (r *Reads) Known(ctx context.Context, at domain.Position) (bool, error) {
	end, err := r.End(ctx)
	if err != nil || at < end {
		return err == nil, err
	}
	if end, err = r.Feed.Log.Head(ctx); err != nil || at >= end {
		return false, err
	}
	return true, r.Feed.Synced(ctx, at+1)
}

// Next implements Source.
func (r *Reads) Next(ctx context.Context, code string, from domain.Position, limit int) (b Batch, err error) {
	x, err := r.recipient(code)
	if err != nil {
		return b, err
	}
	page, err := r.Feed.Select(ctx, x, from, 0, limit)
	if err != nil {
		return b, err
	}
	if b.To = page.Next; page.Len() == 0 {
		if page.Next == from {
			err = r.Feed.Wait(ctx, from)
		}
		return b, err
	}
	opened, err := r.Open(ctx, page)
	if err != nil {
		return b, err
	}
	b.Changes, b.To = make([]Change, len(opened)), page.Last()+1
	for i := range opened {
		f, err := r.fact(ctx, opened[i].ID)
		if err != nil {
			return Batch{}, err
		}
		b.Changes[i] = Change{opened[i], f.ID}
	}
	return b, nil
}

func (r *Reads) fact(ctx context.Context, at domain.Position) (f *event.Fact, err error) {
	err = r.Feed.Log.Read(ctx, at, at+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	})
	if err == nil && f == nil {
		err = errors.New("it is not there")
	}
	if err != nil {
		return nil, fmt.Errorf("fact at position %s: %w", at, err)
	}
	return f, nil
}

// Count implements Source.
func (r *Reads) Count(ctx context.Context, code string, from, to domain.Position, limit int) (n int, last domain.Position, err error) {
	x, err := r.recipient(code)
	for err == nil && from < to {
		var page *changes.Page
		page, err = r.Feed.Select(ctx, x, from, to, limit)
		if err == nil && page.Len() > 0 {
			return page.Len(), page.Last(), nil
		}
		if err == nil && page.Next == from {
			break
		}
		if err == nil {
			from = page.Next
		}
	}
	return 0, 0, err
}

// At implements Source.
func (r *Reads) At(ctx context.Context, code string, at domain.Position) (id, order domain.ID, err error) {
	known, err := r.Known(ctx, at)
	if err != nil {
		return id, order, err
	}
	if !known {
		return id, order, ErrNoChange
	}
	n, _, err := r.Count(ctx, code, at, at+1, 1)
	if err != nil {
		return id, order, err
	}
	if n == 0 {
		return id, order, ErrNoChange
	}
	f, err := r.fact(ctx, at)
	if err != nil {
		return id, order, err
	}
	if f.Type == event.ErasureStaged {
		order = f.Codes.ID("order")
	}
	return f.ID, order, nil
}
