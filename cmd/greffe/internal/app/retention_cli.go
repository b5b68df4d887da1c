package app

import (
	"context"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/eventstore/access"
	engine "greffe/eventstore/retention"
)

// RetentionRun is the run of a day, the latest for "". httpapi.ErrNotFound.
func (a *App) RetentionRun(ctx context.Context, date string) (*httpapi.RetentionRun, error) {
	d := retentionDesk{a}
	if date == "" {
		last, err := a.Runs.List(ctx, 0, 1)
		if err != nil || len(last) == 0 {
			return nil, joinNotFound(err)
		}
		return d.shown(ctx, &last[0])
	}
	day, err := engine.ParseDay(date)
	if err != nil {
		return nil, fmt.Errorf("the day of a run: %w", err)
	}
	id, err := a.terms.RunOf(day)
	if err != nil {
		return nil, err
	}
	return d.Run(ctx, id)
}

func joinNotFound(err error) error {
	if err == nil {
		return httpapi.ErrNotFound
	}
	return err
}

// RetentionDeeds calls fn for what a run did, after record made the access to those
// whom it names durable, page by page.
func (a *App) RetentionDeeds(ctx context.Context, run domain.ID, record func([]domain.ID) error, fn func(*httpapi.RetentionDeed) error) error {
	for cursor := ""; ; {
		page, err := (retentionDesk{a}).Report(ctx, run, httpapi.Page{Cursor: cursor, Limit: access.MaxSubjects})
		if err != nil {
			return err
		}
		if len(page.Subjects) > 0 {
			if err := record(page.Subjects); err != nil {
				return err
			}
		}
		for i := range page.Items {
			if err := fn(&page.Items[i]); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}
