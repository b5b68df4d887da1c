package index_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/index"
)

// own says a fact of the ledger's own about subject n, with codes in pairs.
func (l *log) own(typ event.Type, n byte, codes ...any) *event.Fact {
	l.Helper()
	f := &event.Fact{Type: typ, Subject: id(n), Time: domain.NewTime(time.Date(2026, 11, 1+int(l.at), 8, 0, 0, 0, time.UTC))}
	for i := 0; i+1 < len(codes); i += 2 {
		f.Codes = f.Codes.With(codes[i].(string), codes[i+1])
	}
	l.say(f)
	return f
}

func (l *log) unfinished(want ...*event.Fact) {
	l.Helper()
	var got []index.Order
	for from := domain.Position(0); ; {
		page, err := l.x.Unfinished(l.Context(), from, 2)
		if err != nil {
			l.Fatal(err)
		}
		got = append(got, page...)
		if len(page) < 2 {
			break
		}
		from = page[1].Position + 1
	}
	if len(got) != len(want) {
		l.Fatalf("%d unfinished orders, want %d: %+v", len(got), len(want), got)
	}
	for i, f := range want {
		op := f.Codes.ID("operation")
		if op.IsZero() {
			op = f.ID
		}
		if got[i].Event != f.ID || got[i].Subject != f.Subject || got[i].Operation != op {
			l.Errorf("order %d is %+v, want that of event %s", i, got[i], f.ID)
		}
		if at, err := l.x.Position(l.Context(), f.ID); err != nil || at != got[i].Position {
			l.Errorf("order %d stands at %d, %v; not %d", i, at, err, got[i].Position)
		}
	}
}

func (l *log) erased(n byte, by *event.Fact) {
	l.Helper()
	got, at, ok, err := l.x.Erased(l.Context(), id(n))
	if err != nil || ok != (by != nil) || ok && (got != by.ID || !at.Equal(by.Time.Time)) {
		l.Fatalf("subject %d: erased is %v by %s at %s, %v", n, ok, got, at, err)
	}
}

// TestErasures follows orders to their certificates.
func TestErasures(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	l.own(event.ContactCreated, 1)
	held := l.own(event.IngestQuarantined, 1)
	l.own(event.ContactCreated, 2)
	op := id(70).String()
	first := l.own(event.ErasureOrdered, 1, "whole", true, "operation", op, "classes", []string{"identity"}, "kept", []string{"billing"})
	second := l.own(event.ErasureOrdered, 2, "whole", true, "operation", op)
	part := l.own(event.ErasureOrdered, 3, "classes", []string{"notes"})
	one := l.own(event.ErasureOrdered, 4, "classes", []string{"notes"}, "event", id(71).String())
	l.erased(1, first)
	l.erased(2, second)
	l.erased(3, nil)
	l.erased(99, nil)
	l.unfinished(first, second, part, one)
	l.own(event.ErasureStaged, 1, "order", first.ID.String())
	l.own(event.SubjectErased, 2, "order", second.ID.String(), "whole", true)
	l.unfinished(first, part, one)
	l.own(event.PartRedacted, 4, "order", one.ID.String(), "event", id(71).String(), "class", "notes")
	l.own(event.SubjectErased, 3, "order", part.ID.String())
	l.unfinished(first)
	again := l.own(event.ErasureOrdered, 1, "whole", true)
	l.erased(1, first)
	l.own(event.SubjectErased, 1, "order", first.ID.String(), "whole", true)
	l.unfinished(again)
	restored := l.own(event.SubjectErased, 5, "order", id(72).String(), "whole", true, "restored", true)
	partly := l.own(event.SubjectErased, 6, "order", id(73).String(), "restored", true, "classes", []string{"notes"})
	l.own(event.SubjectErased, 7, "order", id(74).String(), "whole", true) // says that an order was carried out, and there is none
	l.erased(5, restored)
	l.erased(6, nil)
	l.erased(7, nil)
	l.unfinished(again)
	got, err := l.x.Destructions(t.Context(), id(1))
	if want := []domain.Position{3, 11, 12}; err != nil || !slices.Equal(got, want) {
		t.Errorf("destructions at %v, want %v; %v", got, want, err)
	}
	if got, err := l.x.Destructions(t.Context(), partly.Subject); err != nil || len(got) != 1 {
		t.Errorf("destructions of a partly restored erasure: %v, %v", got, err)
	}
	all, err := l.x.Positions(t.Context(), id(1), 0, math.MaxUint64, 100)
	if want := []domain.Position{0, 1, 3, 7, 11, 12}; err != nil || !slices.Equal(all, want) {
		t.Errorf("an erased person's facts are at %v, want %v; %v", all, want, err)
	}
	if at, err := l.x.Position(t.Context(), held.ID); err != nil || !slices.Contains(all, at) {
		t.Errorf("the quarantined input about the person is at %d, not among its facts; %v", at, err)
	}
}

// TestContested: a source that goes on sending is listed until it acknowledges.
func TestContested(t *testing.T) {
	t.Parallel()
	l := &log{T: t, x: newIndex(t)}
	from := func(typ event.Type, n, source byte, codes ...any) {
		l.Helper()
		f := &event.Fact{Type: typ, Subject: id(n), Source: id(source)}
		for i := 0; i+1 < len(codes); i += 2 {
			f.Codes = f.Codes.With(codes[i].(string), codes[i+1])
		}
		l.say(f)
	}
	check := func(want ...index.Contested) {
		t.Helper()
		for _, limit := range []int{1, 2, 100} {
			var got []index.Contested
			for cursor := ""; ; {
				page, next, err := l.x.Contested(t.Context(), cursor, limit)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page...)
				if cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("contested by pages of %d: %v, want %v", limit, got, want)
			}
		}
	}
	from(event.ErasureContested, 1, 101)
	from(event.ErasureContested, 1, 102)
	from(event.ErasureContested, 2, 101)
	from(event.ErasureContested, 1, 101) // said again: the first counts
	l.own(event.ErasureContested, 3, "source", id(103).String())
	c := func(n, source byte, at domain.Position) index.Contested {
		return index.Contested{id(n), id(source), at}
	}
	check(c(1, 101, 0), c(1, 102, 1), c(2, 101, 2), c(3, 103, 4))
	from(event.NotificationTaken, 1, 101, "recipient", "source")
	l.own(event.NotificationTaken, 2, "recipient", "processor") // another recipient's
	from(event.NotificationTaken, 2, 102)
	check(c(1, 102, 1), c(2, 101, 2), c(3, 103, 4))
	from(event.ErasureContested, 1, 101)
	l.own(event.NotificationTaken, 3, "source", id(103).String())
	check(c(1, 101, 8), c(1, 102, 1), c(2, 101, 2))
	for _, bad := range []string{"!", "AAAA", "_____________________________________________w"} {
		if _, _, err := l.x.Contested(t.Context(), bad, 5); !errors.Is(err, index.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}
