package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"slices"

	"greffe/projections/internal/sqlfile"
)

const dumpSheaves = "SELECT id,account,source,categories,n,unnamed,time_min,time_max,rows,persons," +
	"(SELECT value FROM agent WHERE ref=account),(SELECT value FROM agent WHERE ref=source),(SELECT value FROM code WHERE ref=categories) " +
	"FROM sheaf ORDER BY id"

// bound is an access as its sheaf has it.
type bound struct {
	position, at, count int64
	account, source     []byte
	categories          sql.NullString
	persons             [16]byte // a digest
}

// sheafSection dumps the accesses that sheaves hold, in order of position, since how
// many sheaves hold them depends on when some were dropped. A sheaf whose sums are
// not those of its accesses is an error. Memory holds one run of positions.
func (s *Store) sheafSection() sqlfile.Section {
	columns := []string{"position", "account", "source", "categories", "count", "time", "persons"}
	return sqlfile.Section{Name: "bound accesses", Columns: columns, Rows: func(ctx context.Context, tx *sql.Tx, row func(...any) error) error {
		rows, err := tx.QueryContext(ctx, dumpSheaves)
		if err != nil {
			return err
		}
		defer rows.Close()
		var run []bound
		flush := func() error {
			slices.SortFunc(run, func(a, b bound) int { return cmp.Compare(a.position, b.position) })
			for _, x := range run {
				if err := row(x.position, x.account, x.source, x.categories.String, x.count, x.at, x.persons[:]); err != nil {
					return err
				}
			}
			run = run[:0]
			return nil
		}
		for rows.Next() {
			var x sheaf
			b := bound{}
			if err := rows.Scan(&x.first, &x.account, &x.source, &x.categories, &x.n, &x.unnamed, &x.min, &x.max, &x.rows, &x.persons,
				&b.account, &b.source, &b.categories); err != nil {
				return err
			}
			if x.account != 0 && b.account == nil || x.source != 0 && b.source == nil || x.categories != 0 && !b.categories.Valid {
				return errSheaf
			}
			if err := x.check(s.sheafBits); err != nil {
				return err
			}
			if len(run) > 0 && run[0].position>>s.sheafBits != x.first>>s.sheafBits {
				if err := flush(); err != nil {
					return err
				}
			}
			err := x.each(func(position, at, count int64, persons []byte) {
				digest := sha256.Sum256(persons)
				b.position, b.at, b.count, b.persons = position, at, count, [16]byte(digest[:])
				run = append(run, b)
			})
			if err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return flush()
	}}
}
