package app

import (
	"context"

	"greffe/domain"
	"greffe/domain/casefile"
	domainretention "greffe/domain/retention"
	"greffe/domain/rights"
	"greffe/projections/cases"
)

// asked are the requests of persons that could not be answered once their data is
// gone (art. 12(3), 15, 18(1)(c), 20).
func (a *App) asked(ctx context.Context, persons []domain.ID) (out []domain.ID, err error) {
	for _, p := range persons {
		if p.IsZero() {
			continue
		}
		files, err := a.Cases.Of(ctx, p)
		if err != nil {
			return nil, err
		}
		for i := range files {
			if rights.Needs(&files[i]) {
				out = append(out, files[i].Case)
			}
		}
	}
	return out, nil
}

// askedFor are all such requests, by person: for those who look at everybody.
func (a *App) askedFor(ctx context.Context) (map[domain.ID][]domain.ID, error) {
	if err := a.upToDate(ctx, a.Cases.Name()); err != nil {
		return nil, err
	}
	out := map[domain.ID][]domain.ID{}
	q := cases.Filter{Desk: casefile.Request, Standing: casefile.Open, Limit: statisticsPage}
	for {
		page, err := a.Cases.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if s := &page[i]; rights.Needs(s) && !s.Subject.IsZero() {
				out[s.Subject] = append(out[s.Subject], s.Case)
			}
		}
		if len(page) < statisticsPage {
			return out, nil
		}
		q.Cursor = page[len(page)-1].Position + 1
	}
}

// stopped adds to exits the requests that they wait for. To ask is no loss, nor is the
// archive: an answer opens it.
func stopped(exits []domainretention.Exit, asked []domain.ID) {
	for i := range exits {
		if x := &exits[i]; x.Action != domainretention.Archive && x.Action != domainretention.Ask {
			x.Blocked = append(x.Blocked[:len(x.Blocked):len(x.Blocked)], asked...)
		}
	}
}
