package audit

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func read(account byte, minutes int, position domain.Position, count int64) Read {
	return Read{FlowCursor{domain.ID{account}, domain.NewTime(epoch.Add(time.Duration(minutes) * time.Minute)), position}, count}
}

func flowOf(t *testing.T, f FlowFilter, reads ...Read) (out []Flow) {
	t.Helper()
	_, err := FlowOf(func() iter.Seq2[Read, error] {
		return func(yield func(Read, error) bool) {
			for _, r := range reads {
				if !yield(r, nil) {
					return
				}
			}
		}
	}, f, func(x Flow) bool { out = append(out, x); return true })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFlowWindow: a read leaves the window when it is as old as the window is long;
// those of one instant count for each other; accounts do not.
func TestFlowWindow(t *testing.T) {
	t.Parallel()
	reads := []Read{read(1, 0, 1, 5), read(1, 59, 2, 5), read(1, 60, 3, 1), read(1, 60, 9, 1), read(1, 200, 10, 7), read(2, 200, 11, 7), read(2, 201, 12, 2)}
	f := FlowFilter{Window: time.Hour, Over: 6}
	var got []int64
	for _, x := range flowOf(t, f, reads...) {
		got = append(got, int64(x.Position), x.Persons)
	}
	if want := []int64{2, 10, 3, 7, 9, 7, 10, 7, 11, 7, 12, 9}; !slices.Equal(got, want) {
		t.Errorf("positions and persons %v, want %v", got, want)
	}
	f.After = FlowCursor{domain.ID{1}, reads[2].Time, 3}
	if got := flowOf(t, f, reads...); len(got) != 4 || got[0].Position != 9 {
		t.Errorf("after the third: %v", got)
	}
}

// TestFlowError: an error ends the flow, on either way through the reads.
func TestFlowError(t *testing.T) {
	t.Parallel()
	broken := errors.New("injected")
	for way := range 2 {
		n := 0
		_, err := FlowOf(func() iter.Seq2[Read, error] {
			mine := n
			n++
			return func(yield func(Read, error) bool) {
				if yield(read(1, 0, 1, 1), nil) && mine == way {
					yield(Read{}, broken)
				} else if mine != way {
					yield(read(1, 90, 2, 1), nil)
				}
			}
		}, FlowFilter{Window: time.Hour}, func(Flow) bool { return true })
		if !errors.Is(err, broken) {
			t.Errorf("way %d: %v", way, err)
		}
	}
}

// moving is a dataset that goes on between two answers: accesses reach further than
// the checkpoint that was told.
type moving struct {
	Dataset
	at       domain.Position
	events   []Event
	accesses []Access
	err      error
}

func (m *moving) Checkpoint(context.Context) (domain.Position, error) { return m.at, m.err }

func (m *moving) Events(_ context.Context, f Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, e := range m.events {
			if (f.Before == 0 || e.Position < f.Before) && !yield(e, nil) {
				return
			}
		}
	}
}

func (m *moving) Accesses(_ context.Context, f AccessFilter) iter.Seq2[Access, error] {
	return func(yield func(Access, error) bool) {
		for _, a := range m.accesses {
			if (f.Before == 0 || a.Position < f.Before) && !yield(a, nil) {
				return
			}
		}
	}
}

// TestDeedsEnd: what came in after the question is left for the next page, on both
// sides, so that none is passed over; a deed that is both is one.
func TestDeedsEnd(t *testing.T) {
	t.Parallel()
	m := &moving{at: 10, events: []Event{{Position: 2}, {Position: 7, Type: event.AccessRecorded}}, accesses: []Access{{Position: 3}, {Position: 7}, {Position: 12}}}
	var got []domain.Position
	for d, err := range Deeds(t.Context(), m, DeedFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, d.Position); d.Position == 7 && (d.Event == nil || d.Access == nil) {
			t.Errorf("%+v", d)
		}
	}
	if !slices.Equal(got, []domain.Position{2, 3, 7}) {
		t.Errorf("deeds at %v", got)
	}
	m.err = errors.New("injected")
	for _, err := range Deeds(t.Context(), m, DeedFilter{}) {
		if !errors.Is(err, m.err) {
			t.Errorf("%v", err)
		}
	}
}
