package audit

import (
	"cmp"
	"context"
	"iter"

	"greffe/domain"
	"greffe/domain/event"
)

// Deed is what an account did at a position: it caused an event, or read, or both,
// where an upstream reports a read of one of its accounts.
type Deed struct {
	Position domain.Position
	Event    *Event
	Access   *Access
}

// DeedFilter selects what an account did.
type DeedFilter struct {
	Account  domain.ID
	Type     event.Type // access.recorded gives the accesses alone
	Time     Span
	Recorded Span
	Cursor   domain.Position
	Before   domain.Position // exclusive; 0: as far as the dataset has got
	Newest   bool            // the highest position first
	Limit    int
}

// Deeds streams what an account did, events and accesses in one order of position,
// as far as d had got when it was asked.
func Deeds(ctx context.Context, d Dataset, f DeedFilter) iter.Seq2[Deed, error] {
	return func(yield func(Deed, error) bool) {
		end, err := d.Checkpoint(ctx)
		if err != nil || end == 0 {
			if err != nil {
				yield(Deed{}, err)
			}
			return
		}
		if f.Before > 0 {
			end = min(end, f.Before)
		}
		events, stopEvents := iter.Pull2(d.Events(ctx, Filter{Type: f.Type, Account: f.Account, Time: f.Time, Recorded: f.Recorded,
			Cursor: f.Cursor, Before: end, Newest: f.Newest, Limit: f.Limit}))
		defer stopEvents()
		accesses, stopAccesses := iter.Pull2(nothing[Access])
		if f.Type == "" || f.Type == event.AccessRecorded {
			accesses, stopAccesses = iter.Pull2(d.Accesses(ctx, AccessFilter{Account: f.Account, Time: f.Time, Recorded: f.Recorded,
				Cursor: f.Cursor, Before: end, Newest: f.Newest, Limit: f.Limit}))
		}
		defer stopAccesses()
		merge(events, accesses, &f, yield)
	}
}

func nothing[T any](func(T, error) bool) {}

func merge(events func() (Event, error, bool), accesses func() (Access, error, bool), f *DeedFilter, yield func(Deed, error) bool) {
	e, eErr, more := events()
	a, aErr, also := accesses()
	for n := 0; (more || also) && (f.Limit <= 0 || n < f.Limit); n++ {
		if eErr != nil || aErr != nil {
			yield(Deed{}, firstError(eErr, aErr))
			return
		}
		var d Deed
		by := cmp.Compare(e.Position, a.Position)
		if f.Newest {
			by = -by
		}
		takes, too := more && (!also || by <= 0), also && (!more || by >= 0)
		if takes {
			d = Deed{Position: e.Position, Event: &Event{}}
			*d.Event = e
			e, eErr, more = events()
		}
		if too {
			d.Position, d.Access = a.Position, &Access{}
			*d.Access = a
			a, aErr, also = accesses()
		}
		if !yield(d, nil) {
			return
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
