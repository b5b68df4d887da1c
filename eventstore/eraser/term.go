package eraser

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
)

// GroundTerm is the ground of what a retention term ends: storage limitation.
const GroundTerm = "art5.1.e"

// ErrOthers: the person is merged with contacts that were not judged with it, so that
// it cannot be erased as a whole. Nothing was ordered.
var ErrOthers = errors.New("the person is merged with contacts that were not judged with it")

// Term says what the end of a retention term takes. Without Whole it is of the one
// contact alone, whoever it is merged with: their terms are their own.
type Term struct {
	Rule      string // of the policy, a code
	Automatic bool   // no person decided it
	// Epochs narrows Request.Classes to some of their keys, by class, as part references
	// have them ("2024", "2024.1"). A class that is not in it goes altogether. Of the
	// name and the addresses, by which a person is found, it must name every key.
	Epochs map[string][]string
	// Whole: the person is erased but for Kept; Classes is empty.
	Whole bool
	Kept  []erasure.Kept
	// Together are the contacts, with the subject, that are one person and were judged
	// as one; whoever else is merged with them is ErrOthers.
	Together []domain.ID
	Codes    event.Codes // further ones of every order: the run that it is the work of
}

// among narrows persons to those whom the request is about, and says who of the same
// person, held, stands against it.
func (r *Request) among(persons *[]domain.ID) (guards []domain.ID, err error) {
	all := *persons
	switch {
	case r.Term == nil && r.Redact.IsZero():
		return nil, nil
	case r.Term != nil && r.Term.Whole:
		for _, p := range all {
			if r.operation.IsZero() && p != r.Subject && !slices.Contains(r.Term.Together, p) {
				return nil, ErrOthers
			}
		}
		return nil, nil
	}
	*persons = all[:1]
	return all[1:min(len(all), 1+ledger.MaxGuards)], nil
}

// plan is what the request takes of the persons that facts are about.
func (r *Request) plan(rules *policy.Policy, facts []*event.Fact, now time.Time) (erasure.Order, error) {
	switch {
	case !r.Redact.IsZero():
		if !hasPart(facts, r.Redact, r.Classes) {
			return erasure.Order{}, ErrNothing
		}
		return erasure.Order{Classes: r.Classes}, nil
	case r.Term == nil:
		return erasure.Plan(rules, facts, r.Classes, now), nil
	case r.Term.Whole && len(r.Classes)+len(r.Term.Epochs) > 0:
		return erasure.Order{}, fmt.Errorf("%w: a whole person and some classes of it", ledger.ErrInvalid)
	}
	left := erasure.Left(facts)
	if r.Term.Whole {
		return erasure.Rest(left, r.Term.Kept), nil
	}
	o, err := erasure.Narrow(left[r.Subject], r.Classes, r.Term.Epochs, []string{contact.ClassIdentity, contact.ClassContactDetails})
	switch {
	case err != nil:
		return o, fmt.Errorf("%w: %w", ledger.ErrInvalid, err)
	case len(o.Classes) == 0:
		return o, ErrNothing
	}
	return o, nil
}

// codes are those of every order, but for what goes.
func (r *Request) codes() event.Codes {
	c := event.Codes{}.With("ground", r.Ground)
	if !r.Redact.IsZero() {
		c = c.With("event", r.Redact.String())
	}
	if t := r.Term; t != nil {
		c = c.With("ground", cmp.Or(r.Ground, GroundTerm)).With("automatic", t.Automatic)
		if t.Rule != "" {
			c = c.With("rule", t.Rule)
		}
		if t.Whole {
			c = c.With("judged", int64(r.judged))
		}
		for _, x := range t.Codes {
			c = c.With(x.Name, x.Value)
		}
	}
	return c
}

// termOf is the term whose end ordered a whole erasure, nil if none did.
func termOf(o *event.Fact) *Term {
	if !slices.ContainsFunc(o.Codes, func(c event.Code) bool { return c.Name == "automatic" }) {
		return nil
	}
	return &Term{Rule: o.Codes.String("rule"), Automatic: o.Codes.Bool("automatic"), Whole: true, Kept: keptOf(o)}
}

// narrowed reports an order of which every class keeps some keys: nobody is told of
// it, and nothing by which the person is found goes.
func narrowed(f *event.Fact) bool {
	keys := erasure.Named(f.Codes.Strings("epochs"))
	return len(keys) > 0 && !slices.ContainsFunc(f.Codes.Strings("classes"), func(class string) bool { return !erasure.Narrows(keys, class) })
}

// takes reports whether an order takes a part of its subject.
func takes(o *event.Fact, p *event.PartRef, whole bool, keys []erasure.ClassEpoch) bool {
	if p.Owner != part.SubjectOwner(o.Subject) {
		return false
	}
	if whole {
		return !slices.Contains(o.Codes.Strings("kept"), p.Class)
	}
	return erasure.Takes(o.Codes.Strings("classes"), keys, p.Class, p.Epoch)
}
