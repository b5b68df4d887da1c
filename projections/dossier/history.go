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
// ledger, from a position on and at most limit; next goes on, 0 at the end. The newest
// come first if that is asked for: then from is the first position that is not listed
// any more, 0 at the beginning. Of somebody who was erased, the facts are listed as
// well, with what went as erased.
func (d *Dossiers) History(ctx context.Context, receipt access.Receipt, subject domain.ID, from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error) {
	return d.history(ctx, receipt, subject, listing{from, newest, limit, nil})
}

// listing says which facts of a person a page holds.
type listing struct {
	from   domain.Position
	newest bool
	limit  int
	of     func(event.Type) bool // nil: all
}

// Consents is History of consents, refusals, withdrawals and notices alone, with
// their proofs (art. 7(1)); of somebody who was erased it is an ErasedError.
func (d *Dossiers) Consents(ctx context.Context, receipt access.Receipt, subject domain.ID, from domain.Position, newest bool, limit int) ([]contact.Item, domain.Position, error) {
	if err := d.erased(ctx, subject); err != nil {
		return nil, 0, err
	}
	return d.history(ctx, receipt, subject, listing{from, newest, limit, func(t event.Type) bool {
		return strings.HasPrefix(string(t), "consent.") || t == event.NoticeServed
	}})
}

func (d *Dossiers) history(ctx context.Context, receipt access.Receipt, subject domain.ID, l listing) ([]contact.Item, domain.Position, error) {
	head, err := d.log.Head(ctx)
	if err != nil {
		return nil, 0, err
	}
	if !receipt.Covers(subject) {
		return nil, 0, access.ErrNotCovered
	}
	list := d.listed
	if l.newest {
		list = d.listedLast
	}
	recs, next, err := list(ctx, receipt.Subjects(), l, head)
	if err != nil {
		return nil, 0, err
	}
	if err := d.open(ctx, receipt, recs); err != nil {
		return nil, 0, err
	}
	items := contact.Items(recs)
	if l.newest {
		slices.Reverse(items)
	}
	return items, next, nil
}

// listed are the facts of a page, in order; next is 0 at the end.
func (d *Dossiers) listed(ctx context.Context, persons []domain.ID, l listing, head domain.Position) (recs []contact.Recorded, next domain.Position, err error) {
	from := l.from
	for {
		some, end, err := d.window(ctx, persons, from, head, l.limit)
		if err != nil {
			return nil, 0, err
		}
		recs, from = l.add(recs, some), end
		if end == head || len(recs) >= l.limit {
			break
		}
	}
	if len(recs) > l.limit {
		from, recs = recs[l.limit].Position, recs[:l.limit]
	}
	if from < head {
		next = from
	}
	return recs, next, nil
}

// listedLast are those of a page that ends before l.from, the newest first.
func (d *Dossiers) listedLast(ctx context.Context, persons []domain.ID, l listing, head domain.Position) (recs []contact.Recorded, next domain.Position, err error) {
	next = head
	if l.from > 0 {
		next = min(l.from, head)
	}
	for next > 0 && len(recs) < l.limit {
		some, start, err := d.lastWindow(ctx, persons, next, l.limit)
		if err != nil {
			return nil, 0, err
		}
		recs, next = l.add(recs, some), start
	}
	if len(recs) > l.limit {
		recs = recs[:l.limit]
		next = recs[l.limit-1].Position
	}
	return recs, next, nil
}

// add adds those facts that the listing is of.
func (l *listing) add(recs, some []contact.Recorded) []contact.Recorded {
	for _, r := range some {
		if l.of == nil || l.of(r.Fact.Type) {
			recs = append(recs, r)
		}
	}
	return recs
}

// lastWindow is window from its end: every fact from start on and below end is there,
// the newest first.
func (d *Dossiers) lastWindow(ctx context.Context, persons []domain.ID, end domain.Position, limit int) (recs []contact.Recorded, start domain.Position, err error) {
	for _, p := range persons {
		some, err := d.latest(ctx, p, 0, end, limit)
		if err != nil {
			return nil, 0, err
		}
		if len(some) == limit {
			start = max(start, some[limit-1].Position)
		}
		recs = append(recs, some...)
	}
	recs = slices.DeleteFunc(recs, func(r contact.Recorded) bool { return r.Position < start })
	slices.SortFunc(recs, func(a, b contact.Recorded) int { return cmp.Compare(b.Position, a.Position) })
	return recs, start, nil
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
