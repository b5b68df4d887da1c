package app

import (
	"context"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/projections/cases"
)

// deskFiles are the files of one desk, as the API takes steps on them.
type deskFiles struct {
	caseFiles
	desk casefile.Desk
}

func (a *App) deskFiles(d casefile.Desk) deskFiles { return deskFiles{caseFiles{a}, d} }

// Open writes the first step of a file.
func (d deskFiles) Open(ctx context.Context, actor domain.ID, draft casefile.Draft) (*httpapi.DeskTaken, error) {
	draft.Actor, draft.Time = actor, d.a.cfg.Now()
	w, err := d.Write(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &httpapi.DeskTaken{ID: w.Event, EventID: w.Event, Position: w.Position}, nil
}

// decided is the step that decide makes of a file as it is now.
func (d deskFiles) decided(ctx context.Context, on httpapi.DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (draft casefile.Draft, err error) {
	s, err := d.Summary(ctx, d.desk, on.Case)
	if err != nil {
		return draft, err
	}
	if on.Revision != nil && *on.Revision != s.Revision {
		return draft, fmt.Errorf("the file is at another revision; read it again: %w", httpapi.ErrConflict)
	}
	if draft, err = decide(s); err != nil {
		return draft, err
	}
	draft.Case, draft.Revision, draft.Actor, draft.Time, draft.Controller = s.Case, s.Revision, on.Actor, d.a.cfg.Now(), s.Controller
	return draft, nil
}

// Take writes the step that decide makes.
func (d deskFiles) Take(ctx context.Context, on httpapi.DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (*httpapi.DeskTaken, error) {
	draft, err := d.decided(ctx, on, decide)
	if err != nil {
		return nil, err
	}
	w, err := d.Write(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &httpapi.DeskTaken{ID: on.Case, EventID: w.Event, Position: w.Position, Revision: draft.Revision + 1}, nil
}

// List is a page of the desk's files.
func (d deskFiles) List(ctx context.Context, f httpapi.DeskFilter, page httpapi.Page) ([]casefile.Summary, string, error) {
	return d.caseFiles.List(ctx, cases.Filter{Desk: d.desk, Kind: f.Kind, Status: f.Status, Standing: f.Standing, Mark: f.Mark, Assignee: f.Assignee,
		DueBy: f.DueBy, From: f.From, To: f.To}, f.Overdue, page)
}
