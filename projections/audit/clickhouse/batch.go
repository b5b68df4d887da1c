package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
)

// column is one column of an insert, filled row by row.
type column struct {
	name  string
	write func(driver.BatchColumn) error
	at    func(row int) any
}

// table is the rows of one insert, by column.
type table struct {
	name    string
	columns []column
	rows    int
}

// of adds a column of which the driver takes the whole slice.
func of[T any](t *table, name string, n int) *[]T {
	v := make([]T, 0, n)
	t.columns = append(t.columns, column{name, func(c driver.BatchColumn) error { return c.Append(v) },
		func(i int) any { return v[i] }})
	return &v
}

// each adds a column that is given row by row, since the driver takes a slice of
// these by reflection.
func each[T any](t *table, name string, n int) *[]T {
	v := make([]T, 0, n)
	t.columns = append(t.columns, column{name, func(c driver.BatchColumn) error {
		for i := range v {
			if err := c.AppendRow(v[i]); err != nil {
				return err
			}
		}
		return nil
	}, func(i int) any { return v[i] }})
	return &v
}

// events are the rows of the table events.
type events struct {
	table
	position, term, checked, breaches *[]uint64
	id, subject, source, actor, ref   *[]uuid.UUID
	kind, controller, code            *[]string
	purposes, rules, channels         *[][]string
	policy                            *[]int64
	time, recorded, acted             *[]time.Time
	unproven, listed, whole           *[]bool
}

func newEvents(n int) *events {
	e := &events{table: table{name: "events"}}
	t := &e.table
	e.position, e.term = of[uint64](t, "position", n), of[uint64](t, "term", n)
	e.id, e.kind = of[uuid.UUID](t, "id", n), each[string](t, "type", n)
	e.subject, e.source, e.actor = of[uuid.UUID](t, "subject", n), of[uuid.UUID](t, "source", n), of[uuid.UUID](t, "actor", n)
	e.controller, e.purposes = each[string](t, "controller", n), each[[]string](t, "purposes", n)
	e.time, e.recorded, e.policy = of[time.Time](t, "time", n), of[time.Time](t, "recorded", n), of[int64](t, "policy", n)
	e.rules, e.unproven, e.listed = each[[]string](t, "rules", n), of[bool](t, "unproven", n), of[bool](t, "listed", n)
	e.code, e.channels, e.ref = each[string](t, "code", n), each[[]string](t, "channels", n), of[uuid.UUID](t, "ref", n)
	e.whole, e.checked, e.breaches = of[bool](t, "whole", n), of[uint64](t, "checked", n), of[uint64](t, "breaches", n)
	e.acted = of[time.Time](t, "acted", n)
	return e
}

func push[T any](to *[]T, v T) { *to = append(*to, v) }

func (e *events) add(f projections.Fact, term uint64, listed bool) {
	e.rows++
	push(e.position, uint64(f.Position))
	push(e.term, term)
	push(e.id, uuid.UUID(f.ID))
	push(e.kind, string(f.Type))
	push(e.subject, uuid.UUID(f.Subject))
	push(e.source, uuid.UUID(f.Source))
	push(e.actor, uuid.UUID(f.Actor))
	push(e.controller, f.Controller)
	push(e.purposes, audit.Purposes(f.Fact))
	push(e.time, f.Time.Time)
	push(e.recorded, f.Recorded.Time)
	push(e.policy, f.Policy)
	var rules []string
	for _, w := range f.Warnings {
		rules = append(rules, w.Rule)
	}
	push(e.rules, rules)
	push(e.unproven, len(f.Lacks) > 0)
	push(e.listed, listed)
	push(e.code, code(f.Fact))
	push(e.channels, channels(f.Fact))
	push(e.ref, uuid.UUID(reference(f.Fact)))
	push(e.whole, f.Codes.Bool("whole"))
	push(e.checked, uint64(max(0, f.Codes.Int("checked"))))
	push(e.breaches, uint64(max(0, f.Codes.Int("breaches"))))
	acted, ok := contact.FromPerson(f.Fact)
	if !ok {
		acted = time.UnixMicro(0)
	}
	push(e.acted, acted)
}

// code is the one code that says most of what a fact says, besides its type:
// right asked for, ground, kind of contact or interaction, method of a consent.
// What an access says has a term, and stands among the accesses alone.
func code(f *event.Fact) string {
	switch f.Type {
	case event.AccessRecorded:
		return ""
	case event.ContactCreated, event.ContactChanged:
		return f.Codes.String("kind")
	}
	for _, name := range [...]string{"right", "ground", "kind", "method", "reason", "scope", "outcome"} {
		if v := f.Codes.String(name); v != "" {
			return v
		}
	}
	return ""
}

func channels(f *event.Fact) []string {
	if one := f.Codes.String("channel"); one != "" {
		return []string{one}
	}
	return f.Codes.Strings("channels")
}

// reference is the event that a fact answers or ends.
func reference(f *event.Fact) domain.ID {
	for _, name := range [...]string{"request", "order", "grant", "entry", "hold", "restriction", "event"} {
		if id := f.Codes.ID(name); !id.IsZero() {
			return id
		}
	}
	return domain.ID{}
}

// accesses are the rows of the table accesses.
type accesses struct {
	table
	position, term      *[]uint64
	gone                *[]uint8
	id, source, account *[]uuid.UUID
	subjects            *[][]uuid.UUID
	action, reason      *[]string
	categories          *[][]string
	count               *[]int64
	time, recorded      *[]time.Time
	ticketed            *[]bool
}

func newAccesses(n int) *accesses {
	a := &accesses{table: table{name: "accesses"}}
	t := &a.table
	a.position, a.term, a.gone = of[uint64](t, "position", n), of[uint64](t, "term", n), of[uint8](t, "gone", n)
	a.id, a.source, a.account = of[uuid.UUID](t, "id", n), of[uuid.UUID](t, "source", n), of[uuid.UUID](t, "account", n)
	a.subjects = each[[]uuid.UUID](t, "subjects", n)
	a.action, a.reason, a.categories = each[string](t, "action", n), each[string](t, "reason", n), each[[]string](t, "categories", n)
	a.count, a.time, a.recorded = of[int64](t, "count", n), of[time.Time](t, "time", n), of[time.Time](t, "recorded", n)
	a.ticketed = of[bool](t, "ticketed", n)
	return a
}

// add takes an access; gone says that the row only takes the place of one that
// an earlier writer left.
func (a *accesses) add(f projections.Fact, term uint64, account domain.ID, subjects []domain.ID, gone bool) {
	a.rows++
	push(a.position, uint64(f.Position))
	push(a.term, term)
	push(a.time, f.Time.Time)
	push(a.recorded, f.Recorded.Time)
	ids := make([]uuid.UUID, len(subjects))
	for i, s := range subjects {
		ids[i] = uuid.UUID(s)
	}
	push(a.subjects, ids)
	if gone {
		push(a.gone, 1)
		push(a.id, uuid.UUID{})
		push(a.source, uuid.UUID{})
		push(a.account, uuid.UUID{})
		push(a.action, "")
		push(a.reason, "")
		push(a.categories, nil)
		push(a.count, 0)
		push(a.ticketed, false)
		return
	}
	push(a.gone, 0)
	push(a.id, uuid.UUID(f.ID))
	push(a.source, uuid.UUID(f.Source))
	push(a.account, uuid.UUID(account))
	push(a.action, f.Codes.String("action"))
	push(a.reason, f.Codes.String("reason"))
	push(a.categories, f.Codes.Strings("categories"))
	push(a.count, f.Codes.Int("count"))
	push(a.ticketed, f.Codes.Bool(event.Ticketed))
}

// batch is the rows of consecutive facts.
type batch struct {
	first, next domain.Position
	events      *events
	accesses    *accesses
	replaced    bool // has rows that take the place of an earlier writer's
}

// batch opens the accesses among facts and makes their rows.
func (d *Dataset) batch(ctx context.Context, s *session, facts []projections.Fact) (*batch, error) {
	n := len(facts)
	b := &batch{first: facts[0].Position, next: facts[n-1].Position + 1, events: newEvents(n), accesses: newAccesses(n / 4)}
	for _, f := range facts {
		listed := false
		if f.Type == event.AccessRecorded {
			account, subjects, err := d.listed(ctx, s, f)
			switch {
			case err == nil:
				listed = true
				b.accesses.add(f, s.term, account, subjects, false)
			case !errors.Is(err, audit.ErrExpired):
				return nil, err
			case f.Position < s.left:
				b.replaced = true
				b.accesses.add(f, s.term, domain.ID{}, nil, true)
			}
		}
		b.events.add(f, s.term, listed)
	}
	return b, nil
}

// listed is who read whom in an access that is to have a row, else ErrExpired.
func (d *Dataset) listed(ctx context.Context, s *session, f projections.Fact) (account domain.ID, subjects []domain.ID, err error) {
	if f.Time.UnixMicro() < s.horizon {
		return account, nil, audit.ErrExpired
	}
	account, subjects, err = d.opener.Subjects(ctx, f.Fact)
	if errors.Is(err, audit.ErrExpired) {
		return account, nil, err
	}
	if err != nil {
		return account, nil, &ownError{fmt.Errorf("open access event at %d: %w", f.Position, err)}
	}
	if account.IsZero() {
		account = f.Actor
	}
	if !f.Subject.IsZero() {
		subjects = append(subjects, f.Subject)
	}
	return account, subjects, nil
}
