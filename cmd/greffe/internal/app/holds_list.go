package app

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/projections/holds"
)

// Held implements httpapi.Holds.
func (e erasures) Held(ctx context.Context, f httpapi.HeldFilter, page httpapi.Page) (out httpapi.Found[httpapi.Held], err error) {
	pages := e.a.pages("holds", f.Subject, f.Reviewer, f.Kind, f.Code, f.ReviewBy.IsZero(), f.Ended)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	if err := e.a.upToDate(ctx, e.a.Holds.Name()); err != nil {
		return out, err
	}
	all, err := e.a.Holds.List(ctx, holds.Filter{Subject: f.Subject, Reviewer: f.Reviewer, Kind: f.Kind, Code: f.Code, ReviewBy: f.ReviewBy, Ended: f.Ended,
		Cursor: domain.Position(from), Limit: page.Limit + 1})
	if err != nil {
		return out, err
	}
	if len(all) > page.Limit {
		out.Next = pages.at(uint64(all[page.Limit].Position))
		all = all[:page.Limit]
	}
	now := e.a.cfg.Now()
	for i := range all {
		out.Items = append(out.Items, heldOf(&all[i], now))
		about(&out.Subjects, all[i].Subject)
	}
	return out, nil
}

func heldOf(h *holds.Hold, now time.Time) httpapi.Held {
	x := httpapi.Held{ID: h.Event, SubjectID: h.Subject, Kind: "hold", Code: h.Code, Account: h.Actor, Position: h.Position, Placed: h.Placed, Reviewer: h.Reviewer,
		Revision: heldRevision(h), Due: h.Ended.IsZero() && !h.ReviewAt.IsZero() && !now.Before(h.ReviewAt)}
	if h.Restriction {
		x.Kind = "restriction"
	}
	for _, t := range []struct {
		at   time.Time
		into **time.Time
	}{{h.ReviewAt, &x.ReviewAt}, {h.Reviewed, &x.Reviewed}, {h.Ended, &x.Ended}} {
		if !t.at.IsZero() {
			*t.into = &t.at
		}
	}
	return x
}

// heldRevision is the microsecond at which a hold was last looked at, 0 if it never was.
func heldRevision(h *holds.Hold) int64 {
	if h.Reviewed.IsZero() {
		return 0
	}
	return h.Reviewed.UnixMicro()
}

const useHoldReview = "hold/review"

// Review implements httpapi.Holds. One that names the revision stands under an id that
// derives from it, so that of several at once, on any nodes, one is recorded.
func (e erasures) Review(ctx context.Context, r httpapi.HoldReview) (httpapi.Placed, error) {
	if err := e.a.upToDate(ctx, e.a.Holds.Name()); err != nil {
		return httpapi.Placed{}, err
	}
	all, err := e.a.Holds.List(ctx, holds.Filter{Event: r.Hold})
	if err != nil {
		return httpapi.Placed{}, err
	}
	if len(all) == 0 {
		return httpapi.Placed{}, httpapi.ErrNotFound
	}
	own := ledger.Own{Type: event.HoldReviewed, Subject: all[0].Subject, Actor: r.Actor,
		Codes: event.Codes{}.With("hold", r.Hold.String()).With("review_at", domain.FormatTime(r.ReviewAt))}
	if !r.Reviewer.IsZero() {
		own.Codes = own.Codes.With("reviewer", r.Reviewer.String())
	}
	if err := e.words(&own, map[string]string{"hold.review": r.Note}); err != nil {
		return httpapi.Placed{}, err
	}
	if r.Revision != nil {
		if *r.Revision != heldRevision(&all[0]) {
			return httpapi.Placed{}, fmt.Errorf("review a hold: %w", httpapi.ErrConflict)
		}
		if own.ID, err = e.a.Ledger.Derived(useHoldReview, binary.BigEndian.AppendUint64(r.Hold[:], uint64(*r.Revision))); err != nil {
			return httpapi.Placed{}, err
		}
	}
	placed, err := e.write(ctx, own)
	if errors.Is(err, ledger.ErrTaken) {
		err = fmt.Errorf("review a hold: %w", httpapi.ErrConflict)
	}
	return placed, err
}

// UnderWay implements httpapi.Holds.
func (e erasures) UnderWay(ctx context.Context, subject domain.ID) (out []domain.ID, err error) {
	if err := e.a.indexed(ctx); err != nil {
		return nil, err
	}
	head, err := e.a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := e.a.Index.Connected(ctx, subject, head)
	if err != nil {
		return nil, err
	}
	const page = 1000
	for from := domain.Position(0); ; {
		some, err := e.a.Index.Unfinished(ctx, from, page)
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			if from = o.Position + 1; slices.Contains(persons, o.Subject) && !slices.Contains(out, o.Operation) {
				out = append(out, o.Operation)
			}
		}
		if len(some) < page {
			return out, nil
		}
	}
}

// HoldsDue counts the holds and restrictions whose review is due, and says so.
func (a *App) HoldsDue(ctx context.Context, now time.Time) (int, error) {
	due, err := a.Holds.List(ctx, holds.Filter{ReviewBy: now})
	if err != nil {
		return 0, fmt.Errorf("reviews of holds: %w", err)
	}
	return len(due), nil
}
