package dossier

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/policy"
	"greffe/projections/index"
)

// stood is what was worked out of a person: its standings under a policy, at every
// instant of [from, until), whose end is zero if there is none. It is kept with the
// index's person and so is gone when a fact about any of its contacts comes.
type stood struct {
	rules       *policy.Policy
	from, until time.Time
	standings   map[domain.ID]disclosure.Standing
}

func (s *stood) holds(rules *policy.Policy, at time.Time) bool {
	return s.rules == rules && !at.Before(s.from) && (s.until.IsZero() || at.Before(s.until))
}

// Standing says why each of the subjects is held and by whom it is looked after, as of
// an instant; it opens nothing. The portfolios are the person's, by all its contacts;
// who was erased or is not known has no standing. The answer is shared: it is not changed.
func (d *Dossiers) Standing(ctx context.Context, rules *policy.Policy, subjects []domain.ID, asOf time.Time) (map[domain.ID]disclosure.Standing, error) {
	var out map[domain.ID]disclosure.Standing
	for _, s := range subjects {
		if _, done := out[s]; done {
			continue
		}
		p, err := d.person(ctx, s)
		if errors.Is(err, ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		known, ok := p.Memo.Load().(*stood)
		if !ok || !known.holds(rules, asOf) {
			if known, err = d.stand(ctx, rules, p, asOf); err != nil {
				return nil, err
			}
			p.Memo.Store(known)
		}
		if len(subjects) == 1 {
			return known.standings, nil
		}
		if out == nil {
			out = make(map[domain.ID]disclosure.Standing, len(subjects))
		}
		maps.Copy(out, known.standings)
	}
	return out, nil
}

// stand works out the standings of a person's contacts.
func (d *Dossiers) stand(ctx context.Context, rules *policy.Policy, p *index.Person, asOf time.Time) (*stood, error) {
	least := slices.MinFunc(p.Contacts, func(a, b index.Contact) int { return slices.Compare(a.ID[:], b.ID[:]) })
	out := &stood{rules: rules, from: asOf, standings: map[domain.ID]disclosure.Standing{}}
	var portfolios []string
	for i := range p.Contacts {
		c := &p.Contacts[i]
		if c.Erased() {
			continue
		}
		recs, err := d.facts(ctx, c.ID, 0, math.MaxInt64, maxFacts+1)
		if err != nil {
			return nil, err
		}
		if len(recs) > maxFacts {
			return nil, ErrLarge
		}
		purposes, portfolio, until := disclosure.Of(rules, recs, asOf)
		if portfolio != "" {
			portfolios = append(portfolios, portfolio)
		}
		out.standings[c.ID] = disclosure.Standing{Person: least.ID, Purposes: purposes}
		if !until.IsZero() && (out.until.IsZero() || until.Before(out.until)) {
			out.until = until
		}
	}
	for c, s := range out.standings {
		s.Portfolios = portfolios
		out.standings[c] = s
	}
	return out, nil
}
