package casefile_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 7}) }

func TestDeskOf(t *testing.T) {
	t.Parallel()
	for typ, want := range map[event.Type]casefile.Desk{
		event.RequestReceived: casefile.Request, event.BreachOpened: casefile.Breach, event.DPIAScreened: casefile.DPIA,
		event.ActivityEnded: casefile.Activity, event.ReviewReminded: casefile.Review,
	} {
		if got, ok := casefile.DeskOf(typ); !ok || got != want {
			t.Errorf("%s: %s %v", typ, got, ok)
		}
	}
	for _, typ := range []event.Type{event.ContactCreated, event.RetentionRun, event.InspectionOpened, "", "request"} {
		if got, ok := casefile.DeskOf(typ); ok {
			t.Errorf("%s is a step at %s", typ, got)
		}
	}
}

// TestStepsOfDesks: what the catalogue calls a step belongs to a desk, and each desk
// has a reminder that is one.
func TestStepsOfDesks(t *testing.T) {
	t.Parallel()
	for _, d := range casefile.Desks() {
		r := casefile.Reminder(d)
		if !r.Step() || !r.Known() || !casefile.IsReminder(r) {
			t.Errorf("%s: %s is no reminder that the catalogue knows", d, r)
		}
		if got, _ := casefile.DeskOf(r); got != d {
			t.Errorf("%s reminds of %s", r, got)
		}
	}
	if casefile.IsReminder(event.RequestClosed) {
		t.Error("a closure is a reminder")
	}
}

func TestCaseOf(t *testing.T) {
	t.Parallel()
	first := &event.Fact{ID: id(1), Type: event.BreachOpened}
	if got, opens := casefile.CaseOf(first); got != id(1) || !opens {
		t.Errorf("the first: %s %v", got, opens)
	}
	next := &event.Fact{ID: id(2), Type: event.BreachClosed, Codes: event.Codes{}.With(casefile.CodeCase, id(1).String())}
	if got, opens := casefile.CaseOf(next); got != id(1) || opens {
		t.Errorf("the next: %s %v", got, opens)
	}
}

func TestMarksAreASortedSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c", "task.crm", "task.mailer"})
		var s casefile.Summary
		model := map[string]bool{}
		for _, w := range rapid.SliceOf(word).Draw(t, "words") {
			if rapid.Bool().Draw(t, "off") {
				s.Unmark(w)
				delete(model, w)
			} else {
				s.Mark(w)
				model[w] = true
			}
			if len(s.Marks) != len(model) || !slices.IsSorted(s.Marks) {
				t.Fatalf("%v, want %v", s.Marks, model)
			}
			for m := range model {
				if !s.Has(m) {
					t.Fatalf("%v lacks %s", s.Marks, m)
				}
			}
		}
	})
}

func TestReached(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		desk   casefile.Desk
		before time.Duration
		want   string
	}{
		{casefile.Request, 15 * 24 * time.Hour, ""}, {casefile.Request, 14 * 24 * time.Hour, "d14"}, {casefile.Request, 7*24*time.Hour + 1, "d14"},
		{casefile.Request, 7 * 24 * time.Hour, "d7"}, {casefile.Request, 48 * time.Hour, "d2"}, {casefile.Request, 1, "d2"},
		{casefile.Request, 0, "overdue"}, {casefile.Request, -900 * time.Hour, "overdue"},
		{casefile.Breach, 25 * time.Hour, ""}, {casefile.Breach, 24 * time.Hour, "h24"}, {casefile.Breach, 6 * time.Hour, "h6"}, {casefile.Breach, -1, "overdue"},
	} {
		s := casefile.Summary{Desk: x.desk, Due: due}
		if got, ok := s.Reached(due.Add(-x.before)); got.Code != x.want || ok != (x.want != "") {
			t.Errorf("%s, %s before: %q, want %q", x.desk, x.before, got.Code, x.want)
		}
	}
	if _, ok := (&casefile.Summary{}).Reached(due); ok {
		t.Error("nothing due is reached")
	}
}

func TestEndIsNotOverdue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	s := casefile.Begin(&event.Fact{ID: id(1), Type: event.RequestReceived, Subject: id(2), Controller: "acme", Time: domain.NewTime(now)}, 7)
	s.Due = now.AddDate(0, 1, 0)
	if s.Case != id(1) || s.Subject != id(2) || s.Controller != "acme" || s.Position != 7 || s.Status != casefile.Open || s.Overdue(now) || !s.Overdue(s.Due.Add(1)) {
		t.Errorf("%+v", s)
	}
	s.End("withdrawn", now)
	if s.Overdue(now.AddDate(9, 0, 0)) || s.Status != "withdrawn" || !s.Closed.Equal(now) {
		t.Errorf("ended: %+v", s)
	}
}
