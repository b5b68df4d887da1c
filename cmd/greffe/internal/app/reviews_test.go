package app

import (
	"testing"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/disclosure"
	"greffe/domain/review"
	"greffe/eventstore/access"
)

// TestNextReviewIsPlanned: closing a review that has a period opens the next one, once,
// due at its date; whoever closes it again meets a conflict.
func TestNextReviewIsPlanned(t *testing.T) {
	t.Parallel()
	a := open(t)
	desk, ctx := a.Reviews(), t.Context()
	draft, err := (&review.Plan{Kind: "file_review", For: start, Months: 12, Scope: "comptes de Zkqx"}).Draft(start)
	if err != nil {
		t.Fatal(err)
	}
	made, err := desk.Open(ctx, domain.ID{1}, draft)
	if err != nil {
		t.Fatal(err)
	}
	on := httpapi.DeskOn{Actor: domain.ID{1}, Case: made.ID}
	if n, err := a.Remind(ctx, start); err != nil || n != 1 {
		t.Errorf("%d reminders of a review that is due, %v", n, err)
	}
	if _, err := desk.Take(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) {
		return (&review.Session{Held: start}).Draft(s, start)
	}); err != nil {
		t.Fatal(err)
	}
	closed, err := desk.Close(ctx, on, "conform", "rien à signaler")
	if err != nil || closed.Next == nil || closed.Revision != 2 {
		t.Fatalf("%+v %v", closed, err)
	}
	if again, err := desk.Close(ctx, on, "conform", "encore"); err == nil {
		t.Errorf("closed twice: %+v", again)
	}
	all, _, err := desk.List(ctx, httpapi.DeskFilter{}, httpapi.Page{Limit: 10})
	if err != nil || len(all) != 2 || all[1].Case != *closed.Next || !all[1].Due.Equal(start.AddDate(1, 0, 0)) || all[1].Kind != "file_review" || review.Months(&all[1]) != 12 {
		t.Fatalf("%+v %v", all, err)
	}
	r, err := a.Journal.Record(ctx, access.Reading{Lens: disclosure.Whole(), Action: "read", Reason: "audit"})
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := desk.Read(ctx, r, made.ID)
	if err != nil || first.Scope != "comptes de Zkqx" || first.Conclusion != "rien à signaler" || !first.Next.Equal(start.AddDate(1, 0, 0)) {
		t.Errorf("%+v %v", first, err)
	}
	if _, next, err := desk.Read(ctx, r, *closed.Next); err != nil || next.Previous != made.ID {
		t.Errorf("%+v %v", next, err)
	}
}
