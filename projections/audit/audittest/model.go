package audittest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
)

// model answers from the facts themselves, by looking at each.
type model struct {
	facts   []projections.Fact
	opener  audit.Opener
	horizon time.Time
}

func in(s audit.Span, t domain.Time) bool {
	return (s.From.IsZero() || !t.Before(s.From)) && (s.To.IsZero() || t.Before(s.To))
}

func (m *model) events(f audit.Filter) []audit.Event {
	var out []audit.Event
	for _, x := range m.facts {
		switch {
		case x.Position < f.Cursor, f.Before > 0 && x.Position >= f.Before,
			f.Type != "" && x.Type != f.Type, f.Without != "" && x.Type == f.Without,
			!f.Subject.IsZero() && x.Subject != f.Subject,
			!f.Account.IsZero() && x.Actor != f.Account,
			!f.Source.IsZero() && x.Source != f.Source,
			f.Purpose != "" && !slices.Contains(audit.Purposes(x.Fact), f.Purpose),
			!in(f.Time, x.Time), !in(f.Recorded, x.Recorded):
			continue
		}
		out = append(out, audit.Event{Position: x.Position, ID: x.ID, Type: x.Type, Subject: x.Subject, Source: x.Source, Actor: x.Actor,
			Controller: x.Controller, Purposes: audit.Purposes(x.Fact), Time: x.Time, Recorded: x.Recorded, Policy: x.Policy,
			Warnings: len(x.Warnings), Unproven: len(x.Lacks) > 0})
	}
	return inOrder(out, f.Newest, f.Limit)
}

// inOrder are the rows that a filter asks for, of those in order of position.
func inOrder[T any](rows []T, newest bool, limit int) []T {
	if newest {
		slices.Reverse(rows)
	}
	if limit > 0 {
		rows = rows[:min(len(rows), limit)]
	}
	return rows
}

func (m *model) accesses(f audit.AccessFilter) []audit.Access {
	var out []audit.Access
	for _, x := range m.facts {
		if x.Type != event.AccessRecorded || x.Time.Before(m.horizon) {
			continue
		}
		account, subjects, err := m.opener.Subjects(context.Background(), x.Fact)
		if err != nil {
			panic(fmt.Sprintf("audittest: %v", err))
		}
		switch {
		case x.Position < f.Cursor, f.Before > 0 && x.Position >= f.Before,
			f.WithoutCase && x.Codes.Bool(event.Ticketed), x.Codes.Int("count") < f.MinCount,
			!f.Subject.IsZero() && !slices.Contains(subjects, f.Subject),
			!f.Account.IsZero() && account != f.Account,
			!f.Source.IsZero() && x.Source != f.Source,
			f.Reason != "" && x.Codes.String("reason") != f.Reason,
			f.Action != "" && x.Codes.String("action") != f.Action,
			!in(f.Time, x.Time), !in(f.Recorded, x.Recorded):
			continue
		}
		out = append(out, audit.Access{Position: x.Position, ID: x.ID, Source: x.Source, Account: account, Subjects: subjects,
			Action: x.Codes.String("action"), Reason: x.Codes.String("reason"), Categories: x.Codes.Strings("categories"),
			Ticketed: x.Codes.Bool(event.Ticketed), Count: x.Codes.Int("count"), Time: x.Time, Recorded: x.Recorded})
	}
	return inOrder(out, f.Newest, f.Limit)
}

// summary counts the months in [from, to), given as 2026-03; "" is open.
func (m *model) summary(from, to string) *audit.Summary {
	s := &audit.Summary{ByType: map[string]int64{}, ByMonth: map[string]int64{}, BySource: map[string]int64{}, ByPurpose: map[string]int64{},
		AccessesByReason: map[string]int64{}, AccessesByAccount: map[string]int64{}, UnprovenBySource: map[string]int64{}, WarningsByRule: map[string]int64{},
		Consents: map[audit.Consent]int64{}}
	within := func(t domain.Time) bool {
		month := t.Format("2006-01")
		return month >= from && (to == "" || month < to)
	}
	for _, e := range m.events(audit.Filter{}) {
		if !within(e.Time) {
			continue
		}
		s.Events++
		s.ByType[string(e.Type)]++
		s.ByMonth[e.Time.Format("2006-01")]++
		if !e.Source.IsZero() {
			s.BySource[e.Source.String()]++
			if e.Unproven {
				s.UnprovenBySource[e.Source.String()]++
			}
		}
		for _, p := range e.Purposes {
			s.ByPurpose[p]++
			if strings.HasPrefix(string(e.Type), "consent.") {
				s.Consents[audit.Consent{Month: e.Time.Format("2006-01"), Purpose: p, Type: e.Type}]++
			}
		}
		for _, w := range m.facts[e.Position].Warnings {
			s.WarningsByRule[w.Rule]++
		}
	}
	for _, a := range m.accesses(audit.AccessFilter{}) {
		if within(a.Time) {
			s.AccessesByReason[a.Reason]++
			s.AccessesByAccount[a.Account.String()]++
		}
	}
	return s
}
