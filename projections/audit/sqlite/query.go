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
	end   domain.Position // 0: none
	// newest turns the order of positions.
	newest bool
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
		" ORDER BY " + q.pos + map[bool]string{true: " DESC"}[q.newest] + " LIMIT ?"
}

func (q *selection) equal(col string, ref int64) {
	if ref != 0 {
		q.and(col+"=?", ref)
	}
}

const accessColumns = "r.position,r.id,(SELECT value FROM agent WHERE ref=r.source),(SELECT value FROM agent WHERE ref=r.account),r.subjects," +
	"(SELECT value FROM code WHERE ref=r.action),(SELECT value FROM code WHERE ref=r.reason),(SELECT value FROM code WHERE ref=r.categories)," +
	"r.ticketed,r.count,r.time,r.recorded"

func (s *Store) accesses(ctx context.Context, f audit.AccessFilter) (*selection, error) {
	q := &selection{from: "access r", pos: "r.position", limit: f.Limit, start: f.Cursor, end: f.Before, newest: f.Newest}
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
	case action != 0:
		q.from = "access r INDEXED BY access_action"
	case f.MinCount >= 2:
		q.from = "access r INDEXED BY access_many"
	case f.WithoutCase:
		q.from = "access r INDEXED BY access_caseless"
	}
	if f.WithoutCase {
		q.and("r.ticketed=0")
	}
	if f.MinCount >= 2 {
		q.and("r.count>=2 AND r.count>=?", f.MinCount)
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

// Accesses implements audit.Dataset.
func (s *Store) Accesses(ctx context.Context, f audit.AccessFilter) iter.Seq2[audit.Access, error] {
	return stream(ctx, s, "audit accesses", accessColumns, scanAccess, func() (*selection, error) { return s.accesses(ctx, f) })
}

func scanAccess(rows *sql.Rows) (audit.Access, error) {
	var a audit.Access
	var id, source, account, subjects []byte
	var action, reason, categories sql.NullString
	var at, recorded int64
	err := rows.Scan(&a.Position, &id, &source, &account, &subjects, &action, &reason, &categories, &a.Ticketed, &a.Count, &at, &recorded)
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

// wrap names the operation.
func wrap(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
