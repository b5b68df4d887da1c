package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"greffe/domain"
)

// countPage is how many positions are looked at together to count them.
const countPage = 4096

// ErrUnknown: the index has no such event or subject.
var ErrUnknown = errors.New("not in the index")

// Positions lists up to limit positions in [from, to) that are about subject, in
// order; none for an unknown subject. Go on from the last one plus one.
func (x *Index) Positions(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]domain.Position, error) {
	ref, err := x.ref(ctx, subject)
	if errors.Is(err, ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	places, err := x.places.Values(ctx, x.file.Rows, ref, clamp(from), clamp(to), limit)
	return positions(places, err)
}

// Latest lists up to limit positions in [from, to) that are about subject, the highest
// first; none for an unknown subject. Go on below the last one.
func (x *Index) Latest(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]domain.Position, error) {
	ref, err := x.ref(ctx, subject)
	if errors.Is(err, ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	places, err := x.places.Latest(ctx, x.file.Rows, ref, clamp(from), clamp(to), limit)
	return positions(places, err)
}

func positions(places []int64, err error) ([]domain.Position, error) {
	if err != nil {
		return nil, fmt.Errorf("positions of subject: %w", err)
	}
	var out []domain.Position
	for _, p := range places {
		out = append(out, domain.Position(p))
	}
	return out, nil
}

// clamp brings a position into the range of those stored.
func clamp(p domain.Position) int64 { return int64(min(p, math.MaxInt64)) }

// Has reports whether any fact is about subject.
func (x *Index) Has(ctx context.Context, subject domain.ID) (bool, error) {
	_, err := x.ref(ctx, subject)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	return err == nil, err
}

// Count is how many facts are about subject.
func (x *Index) Count(ctx context.Context, subject domain.ID) (int, error) {
	ref, err := x.ref(ctx, subject)
	if errors.Is(err, ErrUnknown) {
		return 0, nil
	}
	total := 0
	for from, n := int64(0), countPage; err == nil && n == countPage; total += n {
		var page []int64
		page, err = x.places.Values(ctx, x.file.Rows, ref, from, math.MaxInt64, countPage)
		if n = len(page); n > 0 {
			from = page[n-1] + 1
		}
	}
	if err != nil {
		return 0, fmt.Errorf("count facts of subject: %w", err)
	}
	return total, nil
}

// Subjects lists up to limit subjects in order of first appearance, after
// cursor (0 at first), with the cursor to go on from, 0 at the end.
func (x *Index) Subjects(ctx context.Context, cursor int64, limit int) (ids []domain.ID, next int64, err error) {
	rows, err := x.file.Rows(ctx, "SELECT ref,value FROM subject WHERE ref>? ORDER BY ref LIMIT ?", cursor, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("subjects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&next, &id); err != nil {
			return nil, 0, fmt.Errorf("subjects: %w", err)
		}
		ids = append(ids, domain.ID(id))
	}
	if len(ids) < limit {
		next = 0
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("subjects: %w", err)
	}
	return ids, next, nil
}

// Totals counts events and subjects.
type Totals struct{ Events, Subjects int64 }

// Totals of everything below the checkpoint.
func (x *Index) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	err := x.file.Row(ctx, "SELECT (SELECT position FROM checkpoint),(SELECT coalesce(max(ref),0) FROM subject)", nil, &t.Events, &t.Subjects)
	if err != nil {
		return Totals{}, fmt.Errorf("totals: %w", err)
	}
	return t, nil
}

// Quarantined lists the facts of a quarantined input, in order.
func (x *Index) Quarantined(ctx context.Context, item domain.ID) ([]domain.Position, error) {
	rows, err := x.file.Rows(ctx, "SELECT position FROM quarantine WHERE item=? ORDER BY position", item[:])
	return collect(rows, err, "facts of quarantined input", func(p int64) domain.Position { return domain.Position(p) })
}

// Held lists where quarantined inputs stand with which nothing was done yet, from a
// position on, at most limit, in order.
func (x *Index) Held(ctx context.Context, from domain.Position, limit int) ([]domain.Position, error) {
	rows, err := x.file.Rows(ctx, "SELECT min(position) AS p FROM quarantine GROUP BY item HAVING count(*)=1 AND p>=? ORDER BY p LIMIT ?", clamp(from), limit)
	return collect(rows, err, "quarantined inputs that are held", func(p int64) domain.Position { return domain.Position(p) })
}

// Recorded brackets how many facts were recorded at or before t: at least lo and
// at most hi, which differ by less than 256. The caller reads the facts between.
// Assumes times of recording that rise with the position, as the ledger writes
// them.
func (x *Index) Recorded(ctx context.Context, t time.Time) (lo, hi domain.Position, err error) {
	var n sql.NullInt64
	var at int64
	err = x.file.Row(ctx, "SELECT (SELECT n FROM mark WHERE recorded<=? ORDER BY recorded DESC,n DESC LIMIT 1),"+
		"(SELECT position FROM checkpoint)", []any{t.UnixMicro()}, &n, &at)
	if err != nil {
		return 0, 0, fmt.Errorf("position recorded by an instant: %w", err)
	}
	if !n.Valid {
		return 0, 0, nil
	}
	return domain.Position(n.Int64*every + 1), domain.Position(min((n.Int64+1)*every, at)), nil
}

// Registered says where the facts are that give the sources their names.
func (x *Index) Registered(ctx context.Context) (map[domain.ID]domain.Position, error) {
	rows, err := x.file.Reads().QueryContext(ctx, "SELECT source,position FROM registered")
	if err != nil {
		return nil, fmt.Errorf("registered producers: %w", err)
	}
	defer rows.Close()
	out := map[domain.ID]domain.Position{}
	for rows.Next() {
		var id []byte
		var at domain.Position
		if err := rows.Scan(&id, &at); err != nil {
			return nil, fmt.Errorf("registered producers: %w", err)
		}
		out[domain.ID(id)] = at
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("registered producers: %w", err)
	}
	return out, nil
}

func (x *Index) ref(ctx context.Context, subject domain.ID) (int64, error) {
	var ref int64
	err := x.file.Row(ctx, "SELECT ref FROM subject WHERE value=?", []any{subject[:]}, &ref)
	if err != nil {
		return 0, unknown("subject", err)
	}
	return ref, nil
}

func unknown(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	return fmt.Errorf("%s: %w", what, err)
}

func collect[T any](rows *sql.Rows, err error, what string, conv func(int64) T) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		out = append(out, conv(n))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}
