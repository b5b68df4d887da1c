package dossier

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

// SubjectOf says whom an event is about, zero if it is about nobody known.
func (d *Dossiers) SubjectOf(ctx context.Context, id domain.ID) (domain.ID, error) {
	_, f, err := d.Fact(ctx, id)
	if err != nil {
		return domain.ID{}, err
	}
	return f.Subject, nil
}

// Event opens one event. What is about nobody known shows its codes alone; values
// that were destroyed show as erased.
func (d *Dossiers) Event(ctx context.Context, receipt access.Receipt, id domain.ID) (*contact.Item, error) {
	p, f, err := d.Fact(ctx, id)
	if err != nil {
		return nil, err
	}
	recs := []contact.Recorded{{Position: p, Fact: f}}
	if !f.Subject.IsZero() {
		if err := d.open(ctx, receipt, recs); err != nil {
			return nil, err
		}
	}
	it := contact.NewItem(recs[0])
	return &it, nil
}

// History lists what the ledger holds about a person, in the order of the
// ledger, from a position on and at most limit; next goes on, 0 at the end. Of
// somebody who was erased, the facts are listed as well, with what went as erased.
func (d *Dossiers) History(ctx context.Context, receipt access.Receipt, subject domain.ID, from domain.Position, limit int) ([]contact.Item, domain.Position, error) {
	return d.history(ctx, receipt, subject, from, limit, nil)
}

// Consents is History of consents, refusals, withdrawals and notices alone, with
// their proofs (art. 7(1)); of somebody who was erased it is an ErasedError.
func (d *Dossiers) Consents(ctx context.Context, receipt access.Receipt, subject domain.ID, from domain.Position, limit int) ([]contact.Item, domain.Position, error) {
	if err := d.erased(ctx, subject); err != nil {
		return nil, 0, err
	}
	return d.history(ctx, receipt, subject, from, limit, func(t event.Type) bool {
		return strings.HasPrefix(string(t), "consent.") || t == event.NoticeServed
	})
}

func (d *Dossiers) history(ctx context.Context, receipt access.Receipt, subject domain.ID, from domain.Position, limit int, of func(event.Type) bool) ([]contact.Item, domain.Position, error) {
	head, err := d.log.Head(ctx)
	if err != nil {
		return nil, 0, err
	}
	if !receipt.Covers(subject) {
		return nil, 0, access.ErrNotCovered
	}
	persons := receipt.Subjects()
	var recs []contact.Recorded
	for {
		some, end, err := d.window(ctx, persons, from, head, limit)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range some {
			if of == nil || of(r.Fact.Type) {
				recs = append(recs, r)
			}
		}
		from = end
		if end == head || len(recs) >= limit {
			break
		}
	}
	var next domain.Position
	if len(recs) > limit {
		from, recs = recs[limit].Position, recs[:limit]
	}
	if from < head {
		next = from
	}
	if err := d.open(ctx, receipt, recs); err != nil {
		return nil, 0, err
	}
	return contact.Items(recs), next, nil
}

// window reads the next facts of several subjects as one sequence: every fact
// below end is there, at most about limit of them.
func (d *Dossiers) window(ctx context.Context, persons []domain.ID, from, head domain.Position, limit int) (recs []contact.Recorded, end domain.Position, err error) {
	end = math.MaxInt64
	for _, p := range persons {
		some, err := d.facts(ctx, p, from, head, limit)
		if err != nil {
			return nil, 0, err
		}
		if len(some) == limit {
			end = min(end, some[limit-1].Position+1)
		}
		recs = append(recs, some...)
	}
	end = min(end, head)
	recs = slices.DeleteFunc(recs, func(r contact.Recorded) bool { return r.Position >= end })
	slices.SortFunc(recs, func(a, b contact.Recorded) int { return cmp.Compare(a.Position, b.Position) })
	return recs, end, nil
}

// All reads a whole file for a copy of it: the view as of now and every item.
func (d *Dossiers) All(ctx context.Context, receipt access.Receipt, subject domain.ID, asOf domain.Time) (*contact.View, []contact.Item, error) {
	head, err := d.log.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	recs, err := d.everything(ctx, receipt, subject, head)
	if err != nil {
		return nil, nil, err
	}
	return contact.Fold(subject, recs, asOf.Time), contact.Items(recs), nil
}
