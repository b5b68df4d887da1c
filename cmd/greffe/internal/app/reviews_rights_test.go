package app

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/review"
)

// TestRightsReviewIsPlanned: the policy's yearly review stands in the desk two months
// ahead, once, is due and overdue like any, and has a successor; a policy that asks for
// none gets none.
func TestRightsReviewIsPlanned(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), start
	a, err := Open(t.Context(), Config{Data: filepath.Join(dir, "data"), KEK: filepath.Join(dir, "kek"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	ctx, desk := t.Context(), a.Reviews()
	plans := func(want int) {
		t.Helper()
		if n, err := a.planRightsReview(ctx, now); err != nil || n != want {
			t.Errorf("%s: %d planned, want %d, %v", now, n, want, err)
		}
	}
	all := func() []casefile.Summary {
		t.Helper()
		items, _, err := desk.List(ctx, httpapi.DeskFilter{Kind: review.AccessRights}, httpapi.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
	plans(0)
	now = start.AddDate(0, 10, -5)
	plans(0)
	now = start.AddDate(0, 10, 5)
	plans(1)
	plans(0)
	one := all()
	if len(one) != 1 || !one[0].Due.Equal(start.AddDate(1, 0, 0)) || review.Months(&one[0]) != 12 || one[0].Overdue(now) || !one[0].Overdue(start.AddDate(1, 0, 1)) {
		t.Fatalf("%+v", one)
	}
	now = start.AddDate(1, 0, 0)
	h, err := a.Habilitations(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	m := h.Rights()
	sum, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r := review.Rights{SHA256: sum, By: domain.ID{1}}
	for _, x := range m.Roles {
		r.Decisions = append(r.Decisions, review.Decision{Role: x.Code, What: review.Kept})
	}
	on := httpapi.DeskOn{Actor: domain.ID{1}, Case: one[0].Case}
	if _, err := desk.Take(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) { return r.Draft(s, &m, now) }); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Close(ctx, on, "conform", "fin"); err != nil {
		t.Fatal(err)
	}
	if two := all(); len(two) != 2 || !two[1].Due.Equal(now.AddDate(1, 0, 0)) {
		t.Errorf("%+v", two)
	}
	now = now.AddDate(0, 11, 0)
	plans(0) // there is one
	if _, _, err := a.Ledger.PublishPolicy(ctx, domain.ID{1}, bytes.Replace(deploy.Policy(), []byte("  rights_review_months: 12\n"), nil, 1)); err != nil {
		t.Fatal(err)
	}
	if rules, _ := a.Ledger.Policy(); rules.RightsReview() != 0 {
		t.Error("a policy without the line asks for reviews")
	}
}
