package dossier

import (
	"context"
	"errors"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/policy"
)

// Standing says why each of the subjects is held and by whom it is looked after, as of
// an instant; it opens nothing. The portfolios are the person's, by all its contacts;
// who was erased or is not known has no standing.
func (d *Dossiers) Standing(ctx context.Context, rules *policy.Policy, subjects []domain.ID, asOf time.Time) (map[domain.ID]disclosure.Standing, error) {
	head, err := d.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	out := map[domain.ID]disclosure.Standing{}
	for _, s := range subjects {
		if _, done := out[s]; done {
			continue
		}
		if err := d.stand(ctx, rules, s, head, asOf, out); err != nil && !errors.Is(err, ErrUnknown) {
			return nil, err
		}
	}
	return out, nil
}

// stand adds the standings of everybody who is one person with subject.
func (d *Dossiers) stand(ctx context.Context, rules *policy.Policy, subject domain.ID, head domain.Position, asOf time.Time, out map[domain.ID]disclosure.Standing) error {
	contacts, err := d.Everybody(ctx, subject, head)
	if err != nil {
		return err
	}
	person := slices.MinFunc(contacts, func(a, b domain.ID) int { return slices.Compare(a[:], b[:]) })
	var portfolios []string
	var living []domain.ID
	for _, c := range contacts {
		if err := d.erased(ctx, c); errors.Is(err, ErrErased) {
			continue
		} else if err != nil {
			return err
		}
		recs, err := d.facts(ctx, c, 0, head, maxFacts+1)
		if err != nil {
			return err
		}
		if len(recs) > maxFacts {
			return ErrLarge
		}
		purposes, portfolio := disclosure.Of(rules, recs, asOf)
		if portfolio != "" {
			portfolios = append(portfolios, portfolio)
		}
		out[c], living = disclosure.Standing{Person: person, Purposes: purposes}, append(living, c)
	}
	for _, c := range living {
		s := out[c]
		s.Portfolios = portfolios
		out[c] = s
	}
	return nil
}
