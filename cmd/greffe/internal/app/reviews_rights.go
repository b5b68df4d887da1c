package app

import (
	"context"
	"errors"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain/casefile"
	"greffe/domain/review"
	"greffe/projections/cases"
)

const useRightsReview = "review/rights"

// A review of rights is planned so long before its date, and never for sooner.
const (
	rightsAhead = 60 * 24 * time.Hour
	rightsFloor = 30 * 24 * time.Hour
)

// planRightsReview plans the review of rights that the policy asks for, unless one is
// open: months after the last one was closed, or after the first policy. Its id follows
// from that, so that several nodes plan one.
func (a *App) planRightsReview(ctx context.Context, now time.Time) (int, error) {
	rules, _ := a.Ledger.Policy()
	months := rules.RightsReview()
	if months == 0 {
		return 0, nil
	}
	files := a.caseFiles()
	last, open, err := lastRightsReview(ctx, files)
	if err != nil || open {
		return 0, err
	}
	plan := review.Plan{Kind: review.AccessRights, Months: months, Previous: last.Case, Scope: "Matrice d'habilitations"}
	after := last.Closed
	if last.Case.IsZero() {
		versions, err := a.Ledger.PolicyVersions(ctx)
		if err != nil || len(versions) == 0 {
			return 0, err
		}
		after = versions[0].Published.Time
	}
	if plan.For = review.NextDate(after, months); now.Before(plan.For.Add(-rightsAhead)) {
		return 0, nil
	}
	if plan.For.Before(now.Add(rightsFloor)) {
		plan.For = now.Add(rightsFloor)
	}
	d, err := plan.Draft(now)
	if err != nil {
		return 0, err
	}
	if d.ID, err = a.Ledger.Derived(useRightsReview, last.Case[:]); err != nil {
		return 0, err
	}
	d.Time, d.Controller = now, rules.DefaultController()
	_, err = files.Write(ctx, d)
	if errors.Is(err, httpapi.ErrConflict) {
		return 0, nil // another node did
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (a *App) caseFiles() caseFiles { return caseFiles{a} }

// lastRightsReview is the one that was closed last, zero if none was, and whether one
// is open.
func lastRightsReview(ctx context.Context, files caseFiles) (last casefile.Summary, open bool, err error) {
	const some = 100
	for page := (httpapi.Page{Limit: some}); ; {
		items, next, err := files.List(ctx, cases.Filter{Desk: casefile.Review, Kind: review.AccessRights}, false, page)
		if err != nil {
			return last, false, err
		}
		for _, s := range items {
			if s.Closed.IsZero() {
				return last, true, nil
			}
			if s.Closed.After(last.Closed) {
				last = s
			}
		}
		if page.Cursor = next; next == "" {
			return last, false, nil
		}
	}
}
