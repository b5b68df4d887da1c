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

// Contact is the current view of one subject, or ErrUnknown.
func (v *View) Contact(ctx context.Context, subject domain.ID) (*Contact, error) {
	return load(ctx, v.file.Reads(), subject)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func load(ctx context.Context, q querier, subject domain.ID) (*Contact, error) {
	c := &Contact{Subject: subject}
	var state []byte
	err := q.QueryRowContext(ctx, "SELECT c.ref,c.state FROM subject s JOIN contact c ON c.ref=s.ref WHERE s.value=?", subject[:]).Scan(&c.ref, &state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = ErrUnknown
	case err == nil:
		err = c.readState(state)
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

// Dump implements projections.Projection.
func (v *View) Dump(ctx context.Context, w io.Writer) error {
	return v.file.Dump(ctx, w,
		sqlfile.Section{Name: "contacts", Query: "SELECT s.value,c.state FROM contact c JOIN subject s ON s.ref=c.ref ORDER BY s.ref"},
		sqlfile.Section{Name: "tokens", Query: "SELECT h.token,s.value FROM (SELECT token,ref FROM holder UNION ALL SELECT token,ref FROM shared) h " +
			"JOIN subject s ON s.ref=h.ref ORDER BY 1,2"},
		sqlfile.Section{Name: "counts", Query: "SELECT kind,year,n FROM tally ORDER BY 1,2"},
	)
}
