package app

import (
	"context"
	"fmt"
	"iter"
	"slices"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/audit"
)

// breachDesk implements httpapi.Breaches.
type breachDesk struct{ deskFiles }

// Breaches is the desk of personal data breaches.
func (a *App) Breaches() httpapi.Breaches { return breachDesk{a.deskFiles(casefile.Breach)} }

// Read implements httpapi.Breaches.
func (d breachDesk) Read(ctx context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *breach.File, error) {
	s, steps, err := d.caseFiles.Open(ctx, r, d.desk, id)
	if err != nil {
		return nil, nil, err
	}
	f, err := breach.Read(s, steps)
	if err != nil {
		return nil, nil, fmt.Errorf("breach %s: %w", id, err)
	}
	return s, f, nil
}

// Measure implements httpapi.Breaches. What is recorded after its beginning is not
// counted, so that those who are listed later are those who were counted.
func (d breachDesk) Measure(ctx context.Context, on httpapi.DeskOn, q *breach.Scope) (*breach.Counted, *httpapi.DeskTaken, error) {
	rules, _ := d.a.Ledger.Policy()
	if slices.ContainsFunc(q.Categories, func(class string) bool { return !rules.HasClass(class) }) { // it would stand in clear
		return nil, nil, &casefile.FieldError{Field: "categories"}
	}
	if _, err := d.decided(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) { return breach.Scoped(s, q, &breach.Counted{}) }); err != nil {
		return nil, nil, err
	}
	head, err := d.a.Ledger.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := (auditDesk{d.a}).seen(ctx, head); err != nil {
		return nil, nil, err
	}
	q.Before = head
	seen, err := d.a.Audit.Seen(ctx, seenBy(q))
	if err != nil {
		return nil, nil, err
	}
	counted := &breach.Counted{Accesses: seen.Accesses, Persons: seen.Persons, Unnamed: seen.Unnamed, ByClass: seen.ByCategory, First: seen.First.Time, Last: seen.Last.Time}
	taken, err := d.Take(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) { return breach.Scoped(s, q, counted) })
	return counted, taken, err
}

func seenBy(q *breach.Scope) audit.SeenFilter {
	return audit.SeenFilter{Accounts: q.Accounts, Sources: q.Sources, Categories: q.Categories, Time: audit.Span{From: q.From, To: q.To}, Before: q.Before}
}

// Measured implements httpapi.Breaches.
func (d breachDesk) Measured(ctx context.Context, id domain.ID, step int64) (*breach.Scope, error) {
	_, at, err := d.steps(ctx, d.desk, id)
	if err != nil {
		return nil, err
	}
	for i := len(at) - 1; i >= 0; i-- {
		if step >= 0 && int64(i) != step {
			continue
		}
		f, err := d.a.Dossier.At(ctx, at[i])
		if err != nil {
			return nil, fmt.Errorf("step at position %d: %w", at[i], err)
		}
		if f.Type == event.BreachScoped {
			return breach.ScopeOf(f), nil
		}
	}
	return nil, fmt.Errorf("no scope was measured by this step: %w", httpapi.ErrNotFound)
}

// Persons implements httpapi.Breaches.
func (d breachDesk) Persons(ctx context.Context, q *breach.Scope) iter.Seq2[domain.ID, error] {
	return audit.SeenPersons(ctx, d.a.Audit, seenBy(q), domain.ID{})
}
