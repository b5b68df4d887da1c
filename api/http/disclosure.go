package httpapi

import (
	"context"
	"slices"
	"strings"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
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
	return c.reveal(r, l)
}

// revealHeader asks for masked field groups in clear.
const revealHeader = "X-Greffe-Reveal"

// asks are the field groups that a request asks for in clear. Only routes that show one
// person take them, and the reason has to be given for the request itself: a token's
// default is nobody's reason to look closer.
func (c *Call) asks(takes bool) ([]string, error) {
	text := c.r.Header.Get(revealHeader)
	if text == "" {
		return nil, nil
	}
	groups := strings.Split(text, ",")
	for i := range groups {
		if groups[i] = strings.TrimSpace(groups[i]); !c.rules.HasFieldGroup(groups[i]) {
			return nil, problem.At(problem.HeaderInvalid, revealHeader)
		}
	}
	switch {
	case !takes:
		return nil, problem.At(problem.HeaderInvalid, revealHeader)
	case c.reason.Defaulted:
		return nil, problem.At(problem.ReasonMissing, "X-Greffe-Reason")
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

// reveal sets the lens of a reading: with what the caller asked for in clear, and may
// have so. A group of which nothing is masked is not asked for in vain: it is left out.
func (c *Call) reveal(r *access.Reading, l disclosure.Lens) error {
	r.Lens = l
	for _, group := range c.asked {
		switch l.Asked(group, r.Subjects) {
		case disclosure.Refused:
			return problem.At(problem.RevealForbidden, revealHeader)
		case disclosure.Given:
			r.Revealed = append(r.Revealed, group)
		}
	}
	if len(r.Revealed) > 0 {
		r.Action, r.Lens = event.Reveals, l.Revealing(r.Revealed...)
	}
	return nil
}

// Revealable is a field group that the caller may ask for in clear, or did.
type Revealable struct {
	Group  string   `json:"group" doc:"For X-Greffe-Reveal."`
	Fields []string `json:"fields" doc:"Paths of its fields, as the policy declares them."`
}

// offered are the field groups that the caller is shown masked of these contacts and may
// ask for in clear, and those that were asked for.
func (c *Call) offered(receipt access.Receipt) (may, given []Revealable) {
	l := receipt.Lens()
	for _, g := range c.rules.FieldGroups() {
		switch {
		case slices.Contains(l.Revealed(), g.Code):
			given = append(given, Revealable{g.Code, g.Fields})
		case l.Asked(g.Code, receipt.Subjects()) == disclosure.Given:
			may = append(may, Revealable{g.Code, g.Fields})
		}
	}
	return may, given
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
