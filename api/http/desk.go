package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/casefile"
)

// DeskOn is on which file, in which state, by whom a step is taken.
type DeskOn struct {
	Actor    domain.ID
	Case     domain.ID
	Revision *int64 // nil: whatever it is now
}

// DeskTaken answers a step.
type DeskTaken struct {
	ID       domain.ID       `json:"id" doc:"Of the file."`
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
	Revision int64           `json:"revision" doc:"Of the file with this step: give it with the next step, to be told when somebody else was faster."`
	Next     *domain.ID      `json:"next,omitempty" doc:"The file that was opened after this one was closed."`
}

// DeskFilter selects files of a desk; zero members select all.
type DeskFilter struct {
	Kind, Status, Standing, Mark string
	Assignee                     domain.ID
	DueBy, From, To              time.Time
	Overdue                      bool // only what is past its time when it is asked
}

// DeskQuery asks for a page of a desk's files.
type DeskQuery struct {
	Kind     string    `query:"kind" doc:"Of a breach: controller or processor. Of a review: what it reviews."`
	Status   string    `query:"status" doc:"Where it stands."`
	Standing string    `query:"standing" doc:"open or closed; both if absent."`
	Mark     string    `query:"mark" doc:"A code of the file, such as risk.high."`
	Overdue  bool      `query:"overdue" doc:"Only those of which something is overdue."`
	DueBy    time.Time `query:"due_by" doc:"Only those of which something is due by then (RFC 3339)."`
	From     time.Time `query:"from" doc:"Opened from then on (RFC 3339)."`
	To       time.Time `query:"to" doc:"Opened before then (RFC 3339)."`
	Paging
}

// filter checks the query.
func (q *DeskQuery) filter() (DeskFilter, error) {
	f := DeskFilter{Kind: q.Kind, Status: q.Status, Standing: q.Standing, Mark: q.Mark, DueBy: q.DueBy, From: q.From, To: q.To, Overdue: q.Overdue}
	switch {
	case q.Standing != "" && q.Standing != casefile.Open && q.Standing != casefile.Closed:
		return f, problem.At(problem.ParameterInvalid, "standing")
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return f, problem.At(problem.ParameterInvalid, "to")
	}
	return f, nil
}

// DeskItem is one file as its facts alone show it.
type DeskItem struct {
	ID         domain.ID       `json:"id"`
	Position   domain.Position `json:"position"`
	Revision   int64           `json:"revision"`
	Kind       string          `json:"kind"`
	Status     string          `json:"status"`
	Controller string          `json:"controller,omitempty"`
	Opened     time.Time       `json:"opened"`
	Due        time.Time       `json:"due,omitzero" doc:"When something is due next."`
	Overdue    bool            `json:"overdue,omitzero"`
	Closed     time.Time       `json:"closed,omitzero"`
	Marks      []string        `json:"marks,omitempty"`
}

// DeskItemOf is a file as a list shows it.
func DeskItemOf(s *casefile.Summary, now time.Time) DeskItem {
	return DeskItem{ID: s.Case, Position: s.Position, Revision: s.Revision, Kind: s.Kind, Status: s.Status, Controller: s.Controller,
		Opened: s.Opened, Due: s.Due, Overdue: s.Overdue(now), Closed: s.Closed, Marks: s.Marks}
}

// listDesk lists files by codes alone: no words of anybody.
func listDesk(find func(a *API) func(context.Context, DeskFilter, Page) ([]casefile.Summary, string, error)) endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *DeskQuery) (*List[DeskItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		now := a.cfg.Now()
		f, err := in.filter()
		if err != nil {
			return nil, err
		}
		items, next, err := find(a)(ctx, f, page)
		out := &List[DeskItem]{Items: []DeskItem{}, Next: next}
		for i := range items {
			out.Items = append(out.Items, DeskItemOf(&items[i], now))
		}
		return out, err
	})
}

// deskProblem names the field that a step's own check names, or what a file lacks.
func deskProblem(err error) error {
	var field *casefile.FieldError
	var state *casefile.StateError
	switch {
	case errors.As(err, &state):
		return &problem.Error{Code: problem.NotYet, Field: state.Lacks, Cause: err}
	case !errors.As(err, &field):
		return err
	case field.Missing:
		return problem.At(problem.FieldRequired, field.Field)
	}
	return problem.At(problem.FieldInvalid, field.Field)
}
