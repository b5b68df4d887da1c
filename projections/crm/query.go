package crm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"greffe/domain"
	"greffe/projections/internal/sqlfile"
)

// ErrUnknown: no fact below the checkpoint is about this subject.
var ErrUnknown = errors.New("no such contact")

// Contact is the current view of one subject, ErrUnknown, or a
// contact.ErasedError.
func (v *View) Contact(ctx context.Context, subject domain.ID) (*Contact, error) {
	return load(ctx, v.file.Reads(), subject)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func load(ctx context.Context, q querier, subject domain.ID) (*Contact, error) {
	c := &Contact{Subject: subject}
	var slot, at, position sql.NullInt64
	var data, by []byte
	err := q.QueryRowContext(ctx, "SELECT s.ref,c.slot,d.data,e.event,e.at,e.position FROM subject s LEFT JOIN contact c ON c.ref=s.ref "+
		"LEFT JOIN state_slot d ON d.slot=c.slot LEFT JOIN erased e ON e.ref=s.ref WHERE s.value=?", subject[:]).
		Scan(&c.ref, &slot, &data, &by, &at, &position)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = ErrUnknown
	case err != nil:
	case at.Valid:
		var s *tombstone
		if s, err = readTombstone(by, at.Int64, position.Int64); err == nil {
			err = s.err()
		}
	default:
		c.slot = slot.Int64
		err = c.readSlot(data)
	}
	if err != nil {
		return nil, fmt.Errorf("contact: %w", err)
	}
	return c, nil
}

// Count is how many contacts of a kind were last active in a year (regulation:
// inspectors ask for clients and prospects by year of last activity). Kind ""
// and year 0 mean that none is known.
type Count struct {
	Kind string
	Year int
	N    int64
}

// Summary counts all contacts, by kind and year.
func (v *View) Summary(ctx context.Context) ([]Count, error) {
	rows, err := v.file.Reads().QueryContext(ctx, "SELECT kind,year,n FROM tally ORDER BY kind,year")
	if err != nil {
		return nil, fmt.Errorf("summary of contacts: %w", err)
	}
	defer rows.Close()
	var out []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Kind, &c.Year, &c.N); err != nil {
			return nil, fmt.Errorf("summary of contacts: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("summary of contacts: %w", err)
	}
	return out, nil
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (v *View) Sound(ctx context.Context) error { return v.file.Sound(ctx) }

// Referred is the contact of a dump's column ref, zero if there is none.
func (v *View) Referred(ctx context.Context, ref int64) (domain.ID, error) {
	return v.file.ID(ctx, "SELECT value FROM subject WHERE ref=?", ref)
}

// Dump implements projections.Projection. What it gives does not depend on where
// things lie.
func (v *View) Dump(ctx context.Context, w io.Writer) error {
	return v.file.Dump(ctx, w,
		sqlfile.Section{Name: "subjects", Query: "SELECT ref,value AS subject FROM subject ORDER BY ref"},
		sqlfile.Section{Name: "contacts", Columns: []string{"ref", "state"}, Rows: dumpContacts},
		sqlfile.Section{Name: "erased", Query: "SELECT ref,event,at,position FROM erased ORDER BY ref"},
		v.tokens.Section("tokens", "ref"),
		sqlfile.Section{Name: "shared", Query: "SELECT prefix FROM shared ORDER BY prefix"},
		sqlfile.Section{Name: "counts", Query: "SELECT kind,year,n FROM tally ORDER BY 1,2"},
	)
}

func dumpContacts(ctx context.Context, tx *sql.Tx, row func(values ...any) error) error {
	rows, err := tx.QueryContext(ctx, "SELECT c.ref,d.data FROM contact c LEFT JOIN state_slot d ON d.slot=c.slot ORDER BY c.ref")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c Contact
		var data []byte
		if err := rows.Scan(&c.ref, &data); err != nil {
			return err
		}
		if err := c.readSlot(data); err != nil {
			return err
		}
		if err := row(c.ref, c.appendState(nil, false)); err != nil {
			return err
		}
	}
	return rows.Err()
}
