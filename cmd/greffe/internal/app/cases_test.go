package app

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/access"
	"greffe/projections/cases"
)

// noted is a step of a request, with words.
func noted(of domain.ID, revision int64, subject domain.ID, words string) casefile.Draft {
	return casefile.Draft{Type: event.RequestNoted, Case: of, Revision: revision, Subject: subject, Fields: []event.Field{text("request.note", words)}}
}

// looking records an access to persons.
func (s *site) looking(subjects ...domain.ID) access.Receipt {
	s.Helper()
	r, err := s.open.Journal.Record(s.Context(), access.Reading{Lens: disclosure.Whole(), Action: "request", Reason: "rights_request", Subjects: subjects})
	s.ok(err)
	return r
}

// TestFileOutlivesThePerson: the words of a file stand under its own key, are read
// with a receipt that covers whom it is about only, and outlive that person's erasure.
func TestFileOutlivesThePerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	anne := s.tell(addressed("C-1"))[0].Subject
	file := s.tell(told("r-1", "request.received", "C-1", `{"right":"access","message":"Que savez-vous de moi ?"}`))[0].Event
	c := caseFiles{s.open}
	w, err := c.Write(t.Context(), noted(file, 0, anne, "Rappelée le 3 mars"))
	s.ok(err)
	s.forget(anne)
	_, err = c.Write(t.Context(), noted(file, 1, anne, "Effacée depuis"))
	s.ok(err)

	if _, _, err := c.Open(t.Context(), s.looking(), casefile.Request, file); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("read without an access to the person: %v", err)
	}
	if _, _, err := c.Open(t.Context(), access.Receipt{}, casefile.Request, file); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("read without an access: %v", err)
	}
	sum, steps, err := c.Open(t.Context(), s.looking(anne), casefile.Request, file)
	s.ok(err)
	if sum.Revision != 2 || sum.Subject != anne || len(steps) != 3 || steps[1].Fact.ID != w.Event {
		t.Fatalf("%+v with %d steps", sum, len(steps))
	}
	for i, want := range []string{"", "Rappelée", "Effacée"} {
		st := steps[i]
		if i > 0 && (len(st.Fact.Parts) != 1 || st.Fact.Parts[0].Owner != part.CaseOwner(file)) {
			t.Errorf("step %d is sealed for %v", i, st.Fact.Parts)
		}
		if words := ""; len(st.Fields) > 0 {
			if words = string(st.Fields[len(st.Fields)-1].Value); !strings.Contains(words, want) {
				t.Errorf("step %d says %s", i, words)
			}
		} else if want != "" {
			t.Errorf("step %d says nothing", i)
		}
	}
	s.intact()
}

// TestOneWriterWins: of those who decided on the same state of a file, one does.
func TestOneWriterWins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	c := caseFiles{s.open}
	w, err := c.Write(t.Context(), casefile.Draft{Type: event.BreachOpened})
	s.ok(err)
	const writers = 5
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			_, err := c.Write(t.Context(), casefile.Draft{Type: event.BreachNoted, Case: w.Event, Fields: []event.Field{text("breach.note", "x")}})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, httpapi.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sum, err := c.Summary(t.Context(), casefile.Breach, w.Event)
	s.ok(err)
	if won != 1 || sum.Revision != 1 {
		t.Errorf("%d won, revision %d", won, sum.Revision)
	}
	if _, err := c.Summary(t.Context(), casefile.Request, w.Event); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("at another desk: %v", err)
	}
	items, next, err := c.List(t.Context(), cases.Filter{Desk: casefile.Breach}, false, httpapi.Page{Limit: 1})
	if err != nil || len(items) != 1 || items[0].Case != w.Event || next != "" {
		t.Errorf("listed %v %q %v", items, next, err)
	}
}

// TestRemindedOnce: each threshold is reminded of once, also by a ledger that was
// opened again; who missed some is reminded of the last.
func TestRemindedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	s.tell(addressed("C-1"), told("r-1", "request.received", "C-1", `{"right":"access","received_at":"2026-03-02T08:00:00Z"}`))
	all, _, err := (caseFiles{s.open}).List(t.Context(), cases.Filter{Desk: casefile.Request}, false, httpapi.Page{Limit: 9})
	s.ok(err)
	if len(all) != 1 || all[0].Due.IsZero() {
		t.Fatalf("no request is due: %+v", all)
	}
	due := all[0].Due
	for _, x := range []struct {
		before time.Duration
		want   int
	}{{20 * 24 * time.Hour, 0}, {13 * 24 * time.Hour, 1}, {12 * 24 * time.Hour, 0}, {time.Hour, 1}, {-time.Hour, 1}, {-900 * time.Hour, 0}} {
		s.live()
		if n, err := s.open.Remind(t.Context(), due.Add(-x.before)); err != nil || n != x.want {
			t.Errorf("%s before: %d reminders, %v", x.before, n, err)
		}
	}
	got := s.facts(event.RequestReminded)
	if len(got) != 3 || got[0].Codes.String("threshold") != "d14" || got[2].Codes.String("threshold") != "overdue" || !got[0].Codes.Time("due").Equal(due) {
		t.Errorf("%d reminders: %+v", len(got), got)
	}
}
