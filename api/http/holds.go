package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
)

// Holds is the desk's list of what stands against destroying anything of a person, and
// looking at it again.
type Holds interface {
	// Held lists them, in the order in which they were placed.
	Held(ctx context.Context, f HeldFilter, page Page) (Found[Held], error)
	// Review records that one was looked at again and stays; ErrNotFound if it does not
	// stand, ErrConflict if its revision is another than it was decided on.
	Review(ctx context.Context, r HoldReview) (Placed, error)
	// UnderWay lists the operations that were ordered about a person, or whom it is
	// merged with, and are not done: a hold does not stop them.
	UnderWay(ctx context.Context, subject domain.ID) ([]domain.ID, error)
}

// HeldFilter chooses holds and restrictions; zero values choose all that stand.
type HeldFilter struct {
	Subject, Reviewer domain.ID
	Kind, Code        string
	ReviewBy          time.Time
	Ended             bool
}

// HoldReview is one look at a hold that stays.
type HoldReview struct {
	Hold, Actor, Reviewer domain.ID
	ReviewAt              time.Time // the next
	Revision              *int64    // nil: whatever it is now
	Note                  string    // sealed
}

// Held is a hold or a restriction.
type Held struct {
	ID        domain.ID       `json:"id" doc:"The event that placed it; end it by this."`
	SubjectID domain.ID       `json:"subject_id"`
	Kind      string          `json:"kind" enum:"hold,restriction"`
	Code      string          `json:"code" doc:"Why."`
	Account   domain.ID       `json:"account,omitzero" doc:"Who placed it; absent: an upstream."`
	Position  domain.Position `json:"position"`
	Placed    time.Time       `json:"placed"`
	Reviewer  domain.ID       `json:"reviewer,omitzero" doc:"The account that is to look at it again."`
	ReviewAt  *time.Time      `json:"review_at,omitempty" doc:"Absent: nobody said when."`
	Reviewed  *time.Time      `json:"reviewed,omitempty" doc:"When it was last looked at."`
	Due       bool            `json:"due" doc:"Its review is due."`
	Revision  int64           `json:"revision" doc:"Another number once it was looked at again: give it with a review, to be told when somebody else was faster."`
	Ended     *time.Time      `json:"ended,omitempty"`
}

// HoldPlaced answers a hold or a restriction.
type HoldPlaced struct {
	Placed
	UnderWay []domain.ID `json:"under_way,omitempty" doc:"Operations that were ordered before it about this person or a contact merged with it, and are carried out all the same: what is ordered is fenced, and a restore would carry it out. See /v1/operations/{id}."`
}

func holdRoutes() []Route {
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/holds", "subjects.hold", "What must not be destroyed, why, and when it is looked at again", read, false, listHolds(), nil},
		{http.MethodPost, "/v1/holds/{id}/review", "subjects.hold", "Say that a hold or a restriction was looked at and stays", change, true, postHoldReview(), writing(problem.Erased)},
	}
}

// HeldQuery asks for a page.
type HeldQuery struct {
	Subject  domain.ID `query:"subject_id" doc:"The person."`
	Kind     string    `query:"kind" doc:"hold or restriction; both if absent."`
	Code     string    `query:"code" doc:"Why it was placed."`
	Reviewer domain.ID `query:"reviewer" doc:"The account that is to look at it again."`
	Due      bool      `query:"due" doc:"Only those whose review is due."`
	ReviewBy time.Time `query:"review_by" doc:"Only those whose review is due by then (RFC 3339)."`
	Ended    bool      `query:"ended" doc:"Those that ended, instead of those that stand."`
	Paging
}

func listHolds() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"requests"}}, func(ctx context.Context, a *API, _ *Call, in *HeldQuery, page Page) (Found[Held], error) {
		if !slices.Contains([]string{"", "hold", "restriction"}, in.Kind) {
			return Found[Held]{}, problem.At(problem.ParameterInvalid, "kind")
		}
		if in.Due && in.ReviewBy.IsZero() {
			in.ReviewBy = a.cfg.Now()
		}
		return a.services.Erasures.Held(ctx, HeldFilter{Subject: in.Subject, Kind: in.Kind, Code: in.Code, Reviewer: in.Reviewer, ReviewBy: in.ReviewBy, Ended: in.Ended}, page)
	})
}

// HoldReviewInput is the body of a review.
type HoldReviewInput struct {
	ID       domain.ID `path:"id" doc:"The event that placed it."`
	Revision *int      `query:"revision" doc:"Of the hold as the caller saw it; another one is a conflict."`
	Body     struct {
		ReviewAt time.Time `json:"review_at" doc:"When it is to be looked at again."`
		Reviewer domain.ID `json:"reviewer,omitzero" doc:"By which account, if by another."`
		Note     string    `json:"note,omitempty" doc:"Why it stays; sealed." maxLength:"4000"`
	}
}

func postHoldReview() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *HoldReviewInput) (Placed, error) {
		if !in.Body.ReviewAt.After(a.cfg.Now()) {
			return Placed{}, problem.At(problem.FieldInvalid, "review_at")
		}
		r := HoldReview{Hold: in.ID, Actor: c.principal.Account, Reviewer: in.Body.Reviewer, ReviewAt: in.Body.ReviewAt, Note: in.Body.Note}
		if in.Revision != nil {
			n := int64(*in.Revision)
			r.Revision = &n
		}
		return a.services.Erasures.Review(ctx, r)
	})
}

// RestrictionEnd names a restriction that ends.
type RestrictionEnd struct {
	ID       domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Placed   domain.ID `path:"placed" doc:"The event that placed it."`
	WarnedAt time.Time `query:"warned_at" doc:"When the person was told that the restriction is to be lifted (RFC 3339): before it is (art. 18(3))."`
}

// deleteRestriction lifts one of which the person was told before.
func deleteRestriction() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *RestrictionEnd) (Placed, error) {
		if in.WarnedAt.IsZero() || in.WarnedAt.After(a.cfg.Now()) {
			return Placed{}, problem.At(problem.ParameterInvalid, "warned_at")
		}
		return a.services.Erasures.Release(ctx, HoldOrder{Subject: in.ID, Actor: c.principal.Account, Restriction: true, Placed: in.Placed, WarnedAt: in.WarnedAt})
	})
}
