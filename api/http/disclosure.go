package httpapi

import (
	"context"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
)

// Standings tells what decides whether contacts are a caller's. It opens nothing.
type Standings interface {
	// Standing is of each of the subjects, as of now; one that is not known has none.
	Standing(ctx context.Context, subjects []domain.ID) (map[domain.ID]disclosure.Standing, error)
}

// lens is through what the caller sees, whoever is looked at.
func (c *Call) lens() disclosure.Lens {
	return disclosure.For(c.rules, c.principal.Roles, c.principal.Portfolio)
}

// through is the lens for these contacts.
func (a *API) through(ctx context.Context, c *Call, subjects []domain.ID) (disclosure.Lens, error) {
	l := c.lens()
	if !l.Kept() || len(subjects) == 0 {
		return l, nil
	}
	known, err := a.services.Standings.Standing(ctx, subjects)
	return l.Knowing(known), err
}

// disclose sets what a reading shows, and refuses one of contacts that the caller's
// roles are not for, one of people who are counted and not named by a caller who is
// kept to some, and a copy that would not be whole. Every reading comes through here
// (makeDurable); the few that say themselves what they show have set the lens.
func (a *API) disclose(ctx context.Context, c *Call, r *access.Reading) error {
	if !r.Lens.IsZero() {
		return nil
	}
	l, err := a.through(ctx, c, r.Subjects)
	if err != nil {
		return err
	}
	if _, missed := l.Missed(r.Subjects); missed || len(r.Subjects) == 0 && r.Count > 0 && l.Confined() {
		return problem.New(problem.SubjectForbidden)
	}
	if r.Complete {
		for _, s := range r.Subjects {
			if !l.Complete(s) {
				return problem.New(problem.DisclosurePartial)
			}
		}
		if len(r.Subjects) == 0 && !l.Complete(domain.ID{}) {
			return problem.New(problem.DisclosurePartial)
		}
	}
	r.Lens = l
	return nil
}

// admitted leaves of contacts that were found those that the caller's roles are for.
func (a *API) admitted(ctx context.Context, c *Call, found []domain.ID) ([]domain.ID, error) {
	l, err := a.through(ctx, c, found)
	if err != nil || !l.Kept() {
		return found, err
	}
	var out []domain.ID
	for _, s := range found {
		if l.Admits(s) {
			out = append(out, s)
		}
	}
	return out, nil
}
