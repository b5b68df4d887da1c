package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/projections/audit"
)

// Seen implements audit.Dataset, from sheaves as far as they are bound.
func (s *Store) Seen(ctx context.Context, f audit.SeenFilter) (*audit.Seen, error) {
	out := &audit.Seen{ByCategory: map[string]int64{}}
	var persons personSet
	lists := map[int64]int64{} // accesses, by list of categories
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	w, err := s.seen(ctx, f, func(x *sheaf) {
		out.Accesses += x.n
		out.Unnamed += x.unnamed
		lists[x.categories] += x.n
		first, last = min(first, x.min), max(last, x.max)
		persons.add(x.persons)
	})
	if err != nil {
		return nil, wrap("audit scope", err)
	}
	for ref, n := range lists {
		for _, c := range w.categories[ref] {
			out.ByCategory[c] += n
		}
	}
	if out.Persons = persons.count(); out.Accesses > 0 {
		out.First, out.Last = instant(first), instant(last)
	}
	return out, nil
}

// SeenAfter implements audit.Dataset.
func (s *Store) SeenAfter(ctx context.Context, f audit.SeenFilter, after domain.ID, limit int) ([]domain.ID, error) {
	page := newPersonPage(after, limit)
	if _, err := s.seen(ctx, f, func(x *sheaf) { page.add(x.persons) }); err != nil {
		return nil, wrap("persons of an audit scope", err)
	}
	page.shrink()
	return page.kept, nil
}

// seenWalk is one walk over the accesses of a filter, in one snapshot.
type seenWalk struct {
	ctx        context.Context
	tx         *sql.Tx
	f          audit.SeenFilter
	fn         func(*sheaf)
	cond       string
	categories map[int64][]string // by reference, of those asked for
	lo, hi     int64              // of the times, µs
	bound, end int64              // positions: sheaves are read below bound, rows from there to end
}

// seen calls fn for the accesses of a filter, many at once: of what it is given, the
// sums, the list of categories and the persons count, and only until it returns.
func (s *Store) seen(ctx context.Context, f audit.SeenFilter, fn func(*sheaf)) (*seenWalk, error) {
	tx, err := s.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	w := &seenWalk{ctx: ctx, tx: tx, f: f, fn: fn}
	none, err := w.conditions()
	if err != nil || none {
		return w, err
	}
	if err := w.limits(s.sheafBits); err != nil {
		return w, err
	}
	if err := w.sheaves(); err != nil {
		return w, err
	}
	return w, w.rows()
}

// limits are those of the filter, of what is bound, and of the horizon, which holds
// from the moment it is set.
func (w *seenWalk) limits(bits uint) error {
	var applied int64
	horizon := sql.NullInt64{Int64: math.MinInt64}
	if err := w.tx.QueryRowContext(w.ctx, "SELECT position FROM checkpoint").Scan(&applied); err != nil {
		return err
	}
	if err := w.tx.QueryRowContext(w.ctx, getHorizon).Scan(&horizon); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	w.lo, w.hi = micros(w.f.Time)
	w.lo = max(w.lo, horizon.Int64)
	w.end = int64(min(w.f.Before, math.MaxInt64))
	w.bound = min(applied, w.end) >> bits << bits
	return nil
}

// conditions looks up what the filter names; none is true if no row can have it.
func (w *seenWalk) conditions() (none bool, err error) {
	if err := w.lists(); err != nil {
		return false, err
	}
	refs := make([]int64, 0, len(w.categories))
	for ref := range w.categories {
		refs = append(refs, ref)
	}
	for _, x := range []struct {
		column string
		ids    []domain.ID
		asked  bool
		refs   []int64
	}{{"account", w.f.Accounts, len(w.f.Accounts) > 0, nil}, {"source", w.f.Sources, len(w.f.Sources) > 0, nil},
		{"categories", nil, len(w.f.Categories) > 0, refs}} {
		if !x.asked {
			continue
		}
		if len(x.ids) > 0 {
			if x.refs, err = w.agents(x.ids); err != nil {
				return false, err
			}
		}
		text := make([]string, len(x.refs))
		for i, ref := range x.refs {
			text[i] = fmt.Sprint(ref)
		}
		w.cond += " AND " + x.column + " IN (" + strings.Join(text, ",") + ")"
		none = none || len(x.refs) == 0
	}
	return none, nil
}

// lists reads the lists of categories that there are, if any is among those asked for.
func (w *seenWalk) lists() error {
	w.categories = map[int64][]string{}
	rows, err := w.tx.QueryContext(w.ctx, "SELECT ref,value FROM code")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var ref int64
		var value string
		if err := rows.Scan(&ref, &value); err != nil {
			return err
		}
		list := split(value)
		if len(w.f.Categories) == 0 || slices.ContainsFunc(list, func(c string) bool { return slices.Contains(w.f.Categories, c) }) {
			w.categories[ref] = list
		}
	}
	return rows.Err()
}

// agents are the references of ids, each once, of those that there are.
func (w *seenWalk) agents(ids []domain.ID) (refs []int64, err error) {
	for _, id := range ids {
		var ref int64
		switch err := w.tx.QueryRowContext(w.ctx, "SELECT ref FROM agent WHERE value=?", id[:]).Scan(&ref); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		case !slices.Contains(refs, ref):
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// The statements take the first time, the one after the last, and the first position
// that is not read; rows also the first that is.
const (
	sheafQuery = "SELECT id,categories,n,unnamed,time_min,time_max,CASE WHEN time_min>=?1 AND time_max<?2 THEN NULL ELSE rows END,persons FROM sheaf "
	sheafWhere = " WHERE id<?3 AND time_min<?2 AND time_max>=?1"
	seenQuery  = "SELECT position,categories,count,time,subjects FROM access NOT INDEXED WHERE position>=?4 AND position<?3 AND time>=?1 AND time<?2"
)

// by is the way to the sheaves.
func (w *seenWalk) by() string {
	switch {
	case len(w.f.Accounts) > 0:
		return "INDEXED BY sheaf_account"
	case w.f.Time != (audit.Span{}):
		return "INDEXED BY sheaf_time"
	}
	return "NOT INDEXED"
}

// sheaves reads those that the times touch: the sums and persons of those that they
// hold whole, the rows of those that they cut.
func (w *seenWalk) sheaves() error {
	rows, err := w.tx.QueryContext(w.ctx, sheafQuery+w.by()+sheafWhere+w.cond, w.lo, w.hi, w.bound)
	if err != nil {
		return err
	}
	defer rows.Close()
	var cut, persons sql.RawBytes
	var part sheaf
	for rows.Next() {
		var x sheaf
		if err := rows.Scan(&x.first, &x.categories, &x.n, &x.unnamed, &x.min, &x.max, &cut, &persons); err != nil {
			return err
		}
		if x.rows, x.persons = cut, persons; cut == nil {
			w.fn(&x)
			continue
		}
		part = sheaf{sheafKey: x.sheafKey, rows: part.rows[:0], persons: part.persons[:0]}
		err := x.each(func(position, at, count int64, named []byte) {
			if at >= w.lo && at < w.hi {
				part.add(position, at, count, named)
			}
		})
		if err != nil {
			return err
		}
		if part.n > 0 {
			w.fn(&part)
		}
	}
	return rows.Err()
}

// rows reads the accesses that are not in sheaves, fewer than 1<<sheafBits.
func (w *seenWalk) rows() error {
	rows, err := w.tx.QueryContext(w.ctx, seenQuery+w.cond, w.lo, w.hi, w.end, w.bound)
	if err != nil {
		return err
	}
	defer rows.Close()
	var persons sql.RawBytes
	for rows.Next() {
		var list sql.NullInt64
		var count int64
		x := sheaf{n: 1}
		if err := rows.Scan(&x.first, &list, &count, &x.min, &persons); err != nil {
			return err
		}
		x.categories, x.max, x.persons, x.unnamed = list.Int64, x.min, persons, unnamed(count, persons)
		w.fn(&x)
	}
	return rows.Err()
}
