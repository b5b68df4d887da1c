package retention

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"math"

	"greffe/domain/retention"
	"greffe/projections/internal/sqlfile"
)

const listDump = "SELECT c.ref,c.next,c.data,s.value FROM clock c LEFT JOIN subject s ON s.ref=c.ref WHERE c.ref>=? ORDER BY c.ref LIMIT ?"

// Dump implements projections.Projection. The day of a person is the one that a look
// finds: the stored one, or, of those that the first look after a new policy sees to,
// the one that it will store.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	s.writing.Lock()
	err := s.settleNow(ctx)
	var tx *sql.Tx
	if err == nil {
		tx, err = s.file.Pin(ctx)
	}
	s.writing.Unlock()
	if err != nil {
		return err
	}
	return s.file.DumpOf(ctx, tx, w,
		sqlfile.Section{Name: "clocks", Columns: []string{"subject", "day", "data"}, Rows: s.dumpClocks},
		sqlfile.Section{Name: "without clocks", Query: "SELECT value AS subject FROM subject s WHERE NOT EXISTS(SELECT 1 FROM clock WHERE ref=s.ref) ORDER BY 1"},
		sqlfile.Section{Name: "merges", Query: "SELECT a.value AS subject,b.value AS other,e.time,e.position,e.merged FROM edge e " +
			"LEFT JOIN subject a ON a.ref=e.a LEFT JOIN subject b ON b.ref=e.b ORDER BY 1,2,e.a,e.b"},
		sqlfile.Section{Name: "policy", Query: "SELECT version FROM rules"},
	)
}

// dumpClocks gives the persons in order of first appearance.
func (s *Store) dumpClocks(ctx context.Context, tx *sql.Tx, row func(values ...any) error) error {
	d := days{s: s, tx: tx}
	if err := tx.QueryRowContext(ctx, getMark).Scan(&d.version, &d.upto); err != nil {
		return err
	}
	for at := int64(math.MinInt64); ; {
		page, err := d.page(ctx, at)
		if err != nil {
			return err
		}
		for i := range page {
			r := &page[i]
			day := r.day
			if r.ref > d.upto {
				if day, err = d.ahead(ctx, r); err != nil {
					return err
				}
			}
			if err := row(r.subject, day, r.data); err != nil {
				return err
			}
		}
		if len(page) < pageRows {
			return nil
		}
		at = page[pageRows-1].ref + 1
	}
}

// days works out those that the first look has yet to store, in the transaction of a dump.
type days struct {
	s             *Store
	tx            *sql.Tx
	version, upto int64
}

type dumped struct {
	ref          int64
	subject, day any
	data         []byte
}

func (d *days) page(ctx context.Context, from int64) ([]dumped, error) {
	rows, err := d.tx.QueryContext(ctx, listDump, from, pageRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]dumped, 0, pageRows)
	for rows.Next() {
		var r dumped
		if err := rows.Scan(&r.ref, &r.day, &r.data, &r.subject); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// ahead is the day that the first look will store: nil for nothing, and for whoever has
// another contact's row stand for him.
func (d *days) ahead(ctx context.Context, r *dumped) (any, error) {
	rules, err := d.s.of(d.version)
	if errors.Is(err, ErrNoPolicy) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	refs := []int64{r.ref}
	if retention.Linked(r.data) {
		if refs, err = connected(r.ref, func(ref int64) ([]int64, error) { return d.refs(ctx, ref) }); err != nil {
			return nil, err
		}
	}
	if refs[0] != r.ref {
		return nil, nil
	}
	var whole *retention.Clocks
	for _, ref := range refs {
		data := r.data
		if ref != r.ref {
			if err := d.tx.QueryRowContext(ctx, "SELECT data FROM clock WHERE ref=?", ref).Scan(&data); err != nil {
				return nil, err
			}
		}
		of, err := retention.Decode(data)
		if err != nil {
			return nil, err
		}
		whole = joined(whole, of)
	}
	b := settling{rules: rules}
	return value(b.day(whole)), nil
}

func (d *days) refs(ctx context.Context, ref int64) (out []int64, err error) {
	rows, err := d.tx.QueryContext(ctx, edges, ref)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}
