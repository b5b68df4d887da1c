package sqlfile

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
)

// Section dumps tag, token and reference of every entry, in the order of token,
// tag and reference, which is named ref. References must not depend on the way that
// led to them. An entry that look-ups would not find is an error.
func (b *Blind) Section(name, ref string) Section {
	return Section{Name: name, Columns: []string{"tag", "token", ref}, Rows: func(ctx context.Context, tx *sql.Tx, row func(...any) error) error {
		rows, err := tx.QueryContext(ctx, b.sql.walk, 0, int64(math.MaxInt64))
		if err != nil {
			return err
		}
		defer rows.Close()
		var alike []BlindEntry // of one prefix
		flush := func() error {
			slices.SortFunc(alike, compareBlind)
			for _, e := range alike {
				if err := row(int64(e.Tag), e.Token[:], e.Ref); err != nil {
					return err
				}
			}
			alike = alike[:0]
			return nil
		}
		for rows.Next() {
			var k int64
			var c []byte
			if err := rows.Scan(&k, &c); err != nil {
				return err
			}
			e, ok, err := parse(c, k&cellMask)
			if err != nil || !ok || e.Prefix() != k>>cellBits {
				return ErrSheet
			}
			if len(alike) > 0 && alike[0].Prefix() != e.Prefix() {
				if err := flush(); err != nil {
					return err
				}
			}
			alike = append(alike, e)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		var sheets, last int64
		if err := tx.QueryRowContext(ctx, b.sql.count).Scan(&sheets, &last); err != nil {
			return err
		}
		if sheets != last {
			return ErrSheet
		}
		return nil
	}}
}

func compareBlind(a, b BlindEntry) int {
	return cmp.Or(bytes.Compare(a.Token[:], b.Token[:]), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Ref, b.Ref))
}
