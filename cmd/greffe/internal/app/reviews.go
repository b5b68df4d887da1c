package app

import (
	"context"
	"errors"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/review"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
)

const useReviewNext = "review/next"

// reviewDesk implements httpapi.Reviews.
type reviewDesk struct{ deskFiles }

// Reviews is the desk of reviews.
func (a *App) Reviews() httpapi.Reviews { return reviewDesk{a.deskFiles(casefile.Review)} }

// Read implements httpapi.Reviews.
func (d reviewDesk) Read(ctx context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *review.File, error) {
	s, steps, err := d.caseFiles.Open(ctx, r, d.desk, id)
	if err != nil {
		return nil, nil, err
	}
	f, err := review.Read(s, steps)
	if err != nil {
		return nil, nil, fmt.Errorf("review %s: %w", id, err)
	}
	return s, f, nil
}

// Close implements httpapi.Reviews. The next review stands in the log under an id that
// follows from this one's, before this one is closed: a crash between leaves a plan, and
// closing again makes no second one.
func (d reviewDesk) Close(ctx context.Context, on httpapi.DeskOn, result, conclusion string) (*httpapi.DeskTaken, error) {
	var next *review.Plan
	decide := func(s *casefile.Summary) (draft casefile.Draft, err error) {
		draft, next, err = review.Close(s, result, conclusion, d.a.cfg.Now())
		return draft, err
	}
	draft, err := d.decided(ctx, on, decide)
	if err != nil {
		return nil, err
	}
	var id *domain.ID
	if next != nil {
		if id, err = d.plan(ctx, on.Actor, draft.Controller, next); err != nil {
			return nil, err
		}
	}
	w, err := d.Write(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &httpapi.DeskTaken{ID: on.Case, EventID: w.Event, Position: w.Position, Revision: draft.Revision + 1, Next: id}, nil
}

// plan opens the review that follows another, once.
func (d reviewDesk) plan(ctx context.Context, actor domain.ID, controller string, next *review.Plan) (*domain.ID, error) {
	id, err := d.a.Ledger.Derived(useReviewNext, next.Previous[:])
	if err != nil {
		return nil, err
	}
	draft, err := next.Draft(d.a.cfg.Now())
	if err != nil {
		return nil, err
	}
	_, err = d.a.Ledger.Write(ctx, []ledger.Own{{Type: draft.Type, ID: id, Actor: actor, Controller: controller, Time: d.a.cfg.Now(), Codes: draft.Codes}})
	if err != nil && !errors.Is(err, ledger.ErrTaken) {
		return nil, fmt.Errorf("plan the next review: %w", err)
	}
	return &id, nil
}
