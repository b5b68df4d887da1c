package app

import (
	"context"
	"time"

	rules "greffe/domain/minimisation"
	"greffe/projections/retention"
)

// dueList lists persons of whom something is past its term; retention.Store is one.
type dueList interface {
	Due(ctx context.Context, now time.Time, after string, limit int) (people []retention.Person, next string, err error)
}

// dueLists is the read model of terms, nil while there is none.
func (a *App) dueLists() (dueList, string) {
	for _, p := range a.all() {
		if d, ok := p.(dueList); ok {
			return d, p.Name()
		}
	}
	return nil, ""
}

// terms says of whom data is held beyond its term, by class; what a hold or a
// restriction keeps is kept rightly.
func (l *look) terms(ctx context.Context) error {
	due, name := l.a.dueLists()
	if due == nil {
		l.report.Unlooked = append(l.report.Unlooked, rules.BeyondTerm)
		return nil
	}
	if err := l.a.upToDate(ctx, name); err != nil {
		return err
	}
	const some = 1000
	for after := ""; ; {
		people, next, err := due.Due(ctx, l.context.Now, after, some)
		if err != nil {
			return err
		}
		for i := range people {
			for _, x := range people[i].Due {
				if len(x.Blocked) > 0 {
					continue
				}
				detail := x.Class
				if detail == "" {
					detail = string(x.Action)
				}
				if err := l.say(&rules.Finding{Kind: rules.BeyondTerm, Subject: x.Subject, Detail: detail}); err != nil {
					return err
				}
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}
