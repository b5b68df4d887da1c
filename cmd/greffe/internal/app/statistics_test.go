package app

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/statistics"
	"greffe/eventstore/access"
)

// resident is somebody with a birth date and a postal code.
func resident(n int, born, code string) string {
	return told(fmt.Sprint("r-", n), "contact.created", fmt.Sprint("R-", n), fmt.Sprintf(
		`{"kind":"client","person":{"family_name":"Canari%d","birth_date":%q,"postal_address":{"lines":["1 rue"],"postal_code":%q,"city":"Lyon","country":"FR"}}}`, n, born, code))
}

// TestStatisticsOfPeople: each person who is there is counted once, where birth date,
// address, consent and objection put it; who was erased or merged is not counted again.
// What is released is recorded with its tests, its digest and what it spent, an access
// before it.
func TestStatisticsOfPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.live()
	var raws []string
	for n := range 30 {
		born, code := "1990-05-01", "69003"
		if n >= 15 {
			born, code = "1955-05-01", "20200"
		}
		raws = append(raws, resident(n, born, code))
	}
	people := s.tell(raws...)
	for n := range 10 {
		s.tell(told(fmt.Sprint("o-", n), "opposition.registered", fmt.Sprint("R-", 2*n), `{"scope":"all"}`))
	}
	s.tell(told("m-1", "contact.merged", "R-0", `{"into":{"source":"s","subject":"R-1"}}`), // the young are 14
		told("c-1", "contact.changed", "R-29", `{"set":{"person.postal_address":{"lines":["1"],"postal_code":"69001","city":"Lyon","country":"FR"}}}`),
		told("c-2", "contact.changed", "R-28", `{"set":{"person.postal_address":{"lines":["1"],"postal_code":"75001","city":"Paris","country":"FR"}}}`))
	s.forget(people[15].Subject) // and the old 14, 12 of them in Corsica

	reading := access.Reading{Lens: disclosure.Whole(), Reason: "audit"}
	before := len(s.facts(event.AccessRecorded))
	exact, err := s.open.Statistics(t.Context(), reading, statistics.Order{By: []statistics.Dimension{statistics.Age, statistics.Department}, K: 5, Sensitive: statistics.Opposed})
	s.ok(err)
	want := []statistics.Cell{{Values: []string{"30-39", "69"}, People: 14, Of: map[string]int64{"yes": 7, "no": 7}},
		{Values: []string{"70-79", "2B"}, People: 12, Of: map[string]int64{"yes": 2, "no": 10}}}
	if len(exact.Cells) > 0 && exact.Levels[0] == 0 && exact.Levels[1] == 0 {
		for i, c := range want {
			if i >= len(exact.Cells) || !slices.Equal(c.Values, exact.Cells[i].Values) || c.People != exact.Cells[i].People || c.Of["yes"] != exact.Cells[i].Of["yes"] {
				t.Errorf("cells %+v, want %+v", exact.Cells, want)
				break
			}
		}
	} else {
		t.Errorf("levels %v, cells %+v", exact.Levels, exact.Cells)
	}
	if !exact.Anonymous || exact.CellsLeftOut != 2 {
		t.Errorf("%+v", exact)
	}
	if n := len(s.facts(event.AccessRecorded)); n != before+1 {
		t.Errorf("%d accesses were recorded", n-before)
	}

	again, err := s.open.Statistics(t.Context(), reading, statistics.Order{By: []statistics.Dimension{statistics.Kind}, K: 5})
	if s.ok(err); again.Anonymous || again.Tests[1].Passed || again.Tests[1].Why != statistics.Differencing {
		t.Errorf("a second exact table is called anonymous: %+v", again.Tests)
	}
	noisy := statistics.Order{By: []statistics.Dimension{statistics.Age}, Milli: 600}
	first, err := s.open.Statistics(t.Context(), reading, noisy)
	if s.ok(err); !first.Anonymous || first.BudgetLeftMilli != 400 {
		t.Errorf("%+v", first)
	}
	if _, err := s.open.Statistics(t.Context(), reading, noisy); !errors.Is(err, statistics.ErrBudget) {
		t.Errorf("beyond the budget: %v", err)
	}
	s.now.pass(366 * 24 * time.Hour)
	s.live()
	if _, err := s.open.Statistics(t.Context(), reading, noisy); err != nil {
		t.Errorf("a year later: %v", err)
	}
	list, err := (statisticsDesk{s.open}).List(t.Context())
	s.ok(err)
	if len(list.Items) != 4 || list.BudgetLeftMilli != 400 || list.Items[0].CellsSHA256 != exact.CellsSHA256 || !slices.Equal(list.Items[1].NotPassed, []string{"correlation.differencing"}) {
		t.Errorf("%+v", list)
	}
	for _, f := range s.facts(event.StatisticsReleased) {
		if b, err := event.AppendFact(nil, f); err != nil || len(f.Parts) > 0 || !f.Subject.IsZero() || bytes.Contains(b, []byte("30-39")) {
			t.Errorf("the fact holds what it counts: %s %v", b, err)
		}
	}
	s.intact()
}
