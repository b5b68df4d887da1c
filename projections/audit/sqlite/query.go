package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
)

// selection is a query being built: the table or index it walks in order of
// position, and what else a row must meet.
type selection struct {
	from  string
	pos   string // column of the position
	where []string
	args  []any
	empty bool // asks for a code or id that no row has
	time  audit.Span
	rec   audit.Span
	limit int
	start domain.Position
}

func (q *selection) and(cond string, args ...any) {
	q.where = append(q.where, cond)
	q.args = append(q.args, args...)
}

func micros(s audit.Span) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if !s.From.IsZero() {
		lo = ceilMicro(s.From)
	}
	if !s.To.IsZero() {
		hi = ceilMicro(s.To)
	}
	return lo, hi
}

// ceilMicro is the first microsecond at or after t.
func ceilMicro(t time.Time) int64 {
	n := t.UnixMicro()
	if time.UnixMicro(n).Before(t) {
		n++
	}
	return n
}

// spans adds the conditions on times to a query on table alias r.
func (q *selection) spans(time, recorded audit.Span) {
	q.time, q.rec = time, recorded
	for _, s := range []struct {
		col  string
		span audit.Span
	}{{"r.time", time}, {"r.recorded", recorded}} {
		if s.span != (audit.Span{}) {
			lo, hi := micros(s.span)
			q.and(s.col+">=? AND "+s.col+"<?", lo, hi)
		}
	}
}

func (q *selection) sql(columns string) string {
	return "SELECT " + columns + " FROM " + q.from + " WHERE " + strings.Join(append([]string{q.pos + ">=? AND " + q.pos + "<?"}, q.where...), " AND ") +
		" ORDER BY " + q.pos + " LIMIT ?"
}

const eventColumns = "r.position,r.id,(SELECT value FROM code WHERE ref=r.type),r.subject,(SELECT value FROM agent WHERE ref=r.source)," +
	"(SELECT value FROM agent WHERE ref=r.actor),(SELECT value FROM code WHERE ref=r.controller),(SELECT value FROM code WHERE ref=r.purposes)," +
	"r.time,r.recorded,r.policy,r.warnings,r.unproven"

// events walks the narrowest index the filter names; the rest is checked on rows.
func (s *Store) events(ctx context.Context, f audit.Filter) (*selection, error) {
	q := &selection{from: "fact r", pos: "r.position", limit: f.Limit, start: f.Cursor}
	l := lookup{ctx, s.file.Reads(), q, nil}
	kind, actor, source, purpose := l.code(string(f.Type)), l.agent(f.Account), l.agent(f.Source), l.code(f.Purpose)
	switch {
	case !f.Subject.IsZero():
		q.from = "fact r INDEXED BY fact_subject"
	case actor != 0:
		q.from = "fact r INDEXED BY fact_actor"
	case purpose != 0:
		q.from, q.pos = "purpose p CROSS JOIN fact r ON r.position=p.position", "p.position"
		q.and("p.purpose=?", purpose)
		purpose = 0
	case source != 0 && kind == 0:
		q.from = "fact r INDEXED BY fact_source"
	case kind != 0:
		q.from = "fact r INDEXED BY fact_type"
	}
	if !f.Subject.IsZero() {
		q.and("r.subject=?", f.Subject[:])
	}
	q.equal("r.actor", actor)
	q.equal("r.source", source)
	q.equal("r.type", kind)
	if purpose != 0 {
		q.and("EXISTS(SELECT 1 FROM purpose p WHERE p.purpose=? AND p.position=r.position)", purpose)
	}
	q.spans(f.Time, f.Recorded)
	return q, l.err
}

func (q *selection) equal(col string, ref int64) {
	if ref != 0 {
		q.and(col+"=?", ref)
	}
}

const accessColumns = "r.position,r.id,(SELECT value FROM agent WHERE ref=r.source),(SELECT value FROM agent WHERE ref=r.account),r.subjects," +
	"(SELECT value FROM code WHERE ref=r.action),(SELECT value FROM code WHERE ref=r.reason),(SELECT value FROM code WHERE ref=r.categories)," +
	"r.count,r.time,r.recorded"

func (s *Store) accesses(ctx context.Context, f audit.AccessFilter) (*selection, error) {
	q := &selection{from: "access r", pos: "r.position", limit: f.Limit, start: f.Cursor}
	l := lookup{ctx, s.file.Reads(), q, nil}
	account, source, reason, action := l.agent(f.Account), l.agent(f.Source), l.code(f.Reason), l.code(f.Action)
	switch {
	case !f.Subject.IsZero():
		q.from, q.pos = "access_subject p CROSS JOIN access r ON r.position=p.position", "p.position"
		q.and("p.subject=?", f.Subject[:])
	case account != 0:
		q.from = "access r INDEXED BY access_account"
	case reason != 0:
		q.from = "access r INDEXED BY access_reason"
	case source != 0:
		q.from = "access r INDEXED BY access_source"
	}
	q.equal("r.account", account)
	q.equal("r.source", source)
	q.equal("r.reason", reason)
	q.equal("r.action", action)
	q.spans(f.Time, f.Recorded)
	return q, l.err
}

// lookup finds the integers of codes and ids; 0 for those not asked for. One
// that no row has makes the answer empty.
type lookup struct {
	ctx context.Context
	db  *sql.DB
	q   *selection
	err error
}

func (l *lookup) code(v string) int64 {
	if v == "" {
		return 0
	}
	return l.find("SELECT ref FROM code WHERE value=?", v)
}

func (l *lookup) agent(id domain.ID) int64 {
	if id.IsZero() {
		return 0
	}
	return l.find("SELECT ref FROM agent WHERE value=?", id[:])
}

func (l *lookup) find(query string, v any) (ref int64) {
	err := l.db.QueryRowContext(l.ctx, query, v).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		l.q.empty = true
	} else if err != nil {
		l.err = errors.Join(l.err, err)
	}
	return ref
}

// Events implements audit.Dataset.
func (s *Store) Events(ctx context.Context, f audit.Filter) iter.Seq2[audit.Event, error] {
	return stream(ctx, s, "audit events", eventColumns, scanEvent, func() (*selection, error) { return s.events(ctx, f) })
}

// Accesses implements audit.Dataset.
func (s *Store) Accesses(ctx context.Context, f audit.AccessFilter) iter.Seq2[audit.Access, error] {
	return stream(ctx, s, "audit accesses", accessColumns, scanAccess, func() (*selection, error) { return s.accesses(ctx, f) })
}

func scanEvent(rows *sql.Rows) (audit.Event, error) {
	var e audit.Event
	var id, subject, source, actor []byte
	var kind, controller, purposes sql.NullString
	var at, recorded int64
	err := rows.Scan(&e.Position, &id, &kind, &subject, &source, &actor, &controller, &purposes, &at, &recorded, &e.Policy, &e.Warnings, &e.Unproven)
	e.ID, e.Subject, e.Source, e.Actor = uuid(id), uuid(subject), uuid(source), uuid(actor)
	e.Type, e.Controller, e.Purposes = event.Type(kind.String), controller.String, split(purposes.String)
	e.Time, e.Recorded = instant(at), instant(recorded)
	return e, err
}

func scanAccess(rows *sql.Rows) (audit.Access, error) {
	var a audit.Access
	var id, source, account, subjects []byte
	var action, reason, categories sql.NullString
	var at, recorded int64
	err := rows.Scan(&a.Position, &id, &source, &account, &subjects, &action, &reason, &categories, &a.Count, &at, &recorded)
	a.ID, a.Source, a.Account = uuid(id), uuid(source), uuid(account)
	for ; len(subjects) >= 16; subjects = subjects[16:] {
		a.Subjects = append(a.Subjects, domain.ID(subjects[:16]))
	}
	a.Action, a.Reason, a.Categories = action.String, reason.String, split(categories.String)
	a.Time, a.Recorded = instant(at), instant(recorded)
	return a, err
}

func uuid(b []byte) domain.ID {
	if len(b) != 16 {
		return domain.ID{}
	}
	return domain.ID(b)
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func instant(micros int64) domain.Time { return domain.NewTime(time.UnixMicro(micros)) }

// wrap names the operation.
func wrap(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
