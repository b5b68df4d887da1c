package audit

import (
	"context"
	"iter"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
)

// Changed is what was recorded about one subject within a range of positions.
type Changed struct {
	Subject     domain.ID
	At          domain.Position // the first event that the filter asks for
	First, Last domain.Position
	Types       map[event.Type]int64 // how many of each
}

// ChangedFilter selects subjects with events in [From, To), and of these those with
// one of the Types, if any is given. Cursor is the first At looked at, to go on: the
// last one's plus one. Limit 0 means no limit.
type ChangedFilter struct {
	From, To domain.Position
	Types    []event.Type
	Cursor   domain.Position
	Limit    int
}

func (f *ChangedFilter) asks(t event.Type) bool {
	return len(f.Types) == 0 || slices.Contains(f.Types, t)
}

// remembered is how many subjects are known to have been met before.
const remembered = 1 << 16

// ChangedBy answers Changed for an implementation that finds a subject's events fast,
// by asking for those of each subject that it meets. Memory is bounded.
func ChangedBy(ctx context.Context, events func(context.Context, Filter) iter.Seq2[Event, error], f ChangedFilter) iter.Seq2[Changed, error] {
	return func(yield func(Changed, error) bool) {
		walk := Filter{Cursor: max(f.From, f.Cursor), Before: f.To}
		if walk.Cursor >= f.To {
			return
		}
		if len(f.Types) == 1 {
			walk.Type = f.Types[0]
		}
		met, n := map[domain.ID]struct{}{}, 0
		for e, err := range events(ctx, walk) {
			if err != nil {
				yield(Changed{}, err)
				return
			}
			if _, known := met[e.Subject]; known || e.Subject.IsZero() || !f.asks(e.Type) {
				continue
			}
			c, err := changedOne(ctx, events, e.Subject, f)
			if err != nil {
				yield(Changed{}, err)
				return
			}
			if len(met) >= remembered {
				clear(met)
			}
			met[e.Subject] = struct{}{}
			if c.At != e.Position { // given before the cursor, or forgotten
				continue
			}
			if n++; !yield(c, nil) || n == f.Limit {
				return
			}
		}
	}
}

func changedOne(ctx context.Context, events func(context.Context, Filter) iter.Seq2[Event, error], subject domain.ID, f ChangedFilter) (Changed, error) {
	c := Changed{Subject: subject, Types: map[event.Type]int64{}}
	asked := false
	for e, err := range events(ctx, Filter{Subject: subject, Cursor: f.From, Before: f.To}) {
		if err != nil {
			return c, err
		}
		if len(c.Types) == 0 {
			c.First = e.Position
		}
		if !asked && f.asks(e.Type) {
			asked, c.At = true, e.Position
		}
		c.Last = e.Position
		c.Types[e.Type]++
	}
	return c, nil
}
