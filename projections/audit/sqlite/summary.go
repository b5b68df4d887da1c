package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"greffe/domain/event"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
)

// Summary implements audit.Dataset.
func (s *Store) Summary(ctx context.Context, span audit.Span) (*audit.Summary, error) {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if !span.From.IsZero() {
		lo = monthOf(span.From)
	}
	if !span.To.IsZero() {
		hi = monthOf(span.To.Add(-1)) + 1
	}
	rows, err := s.file.Reads().QueryContext(ctx, "SELECT month,dim,key,n FROM tally WHERE month>=? AND month<?", lo, hi)
	if err != nil {
		return nil, wrap("audit summary", err)
	}
	defer rows.Close()
	out := &audit.Summary{ByMonth: map[string]int64{}, Consents: map[audit.Consent]int64{}}
	dims := map[string]map[string]int64{}
	for _, d := range []struct {
		dim  string
		into *map[string]int64
	}{{dimType, &out.ByType}, {dimSource, &out.BySource}, {dimPurpose, &out.ByPurpose}, {dimReason, &out.AccessesByReason},
		{dimAccount, &out.AccessesByAccount}, {dimUnproven, &out.UnprovenBySource}, {dimWarning, &out.WarningsByRule}} {
		*d.into = map[string]int64{}
		dims[d.dim] = *d.into
	}
	for rows.Next() {
		var month, n int64
		var dim, key string
		if err := rows.Scan(&month, &dim, &key, &n); err != nil {
			return nil, wrap("audit summary", err)
		}
		name := fmt.Sprintf("%04d-%02d", month/12, month%12+1)
		switch dim {
		case dimConsent:
			purpose, kind, _ := strings.Cut(key, " ")
			out.Consents[audit.Consent{Month: name, Purpose: purpose, Type: event.Type(kind)}] += n
			continue
		case dimType:
			out.Events += n
			out.ByMonth[name] += n
		}
		dims[dim][key] += n
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("audit summary", err)
	}
	return out, nil
}

// DropAccessesBefore implements audit.Dataset, some sheaves, then a thousand rows a
// transaction, and empties the write-ahead log of what was dropped. Seen leaves out
// what is before the horizon from the first transaction on. A crash leaves a part
// dropped and the horizon set; calling again finishes. No row is left, but rows have
// moved between pages in their time, and SQLite leaves a copy behind now and then: of
// some thousand persons a handful of ids were still in the free space of the file
// (TestDrop). They are uuids of ours, which stand in the facts for ever.
func (s *Store) DropAccessesBefore(ctx context.Context, t time.Time) (int64, error) {
	t = t.UTC()
	month := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	err := s.file.Update(ctx, func(tx *sqlfile.Tx) error {
		if _, err := tx.Exec(putHorizon, month.UnixMicro()); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM tally WHERE month<? AND dim IN ('access_reason','access_account')", monthOf(month))
		return err
	})
	for n := 1; n > 0 && err == nil; {
		err = s.file.Update(ctx, func(tx *sqlfile.Tx) (err error) {
			n, err = dropSheaves(tx, month.UnixMicro())
			return err
		})
	}
	total := int64(0)
	for n := int64(1); n > 0 && err == nil; total += n {
		n = 0
		err = s.file.Update(ctx, func(tx *sqlfile.Tx) (err error) {
			n, err = dropSome(tx, month)
			return err
		})
	}
	if err == nil {
		err = s.file.Scrub(ctx, 0)
	}
	if err != nil {
		return total, fmt.Errorf("drop accesses: %d dropped, go on: %w", total, err)
	}
	return total, nil
}

// Horizon implements audit.Dataset.
func (s *Store) Horizon(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.file.Row(ctx, getHorizon, nil, &at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, wrap("audit horizon", err)
	}
	return time.UnixMicro(at).UTC(), nil
}

func dropSome(tx *sqlfile.Tx, month time.Time) (int64, error) {
	type old struct {
		position int64
		subjects []byte
	}
	var olds []old
	err := tx.Query(expired, func(row []driver.Value) error {
		subjects, _ := row[1].([]byte)
		olds = append(olds, old{row[0].(int64), subjects})
		return nil
	}, month.UnixMicro())
	for _, o := range olds {
		for b := o.subjects; len(b) >= 16 && err == nil; b = b[16:] {
			_, err = tx.Exec("DELETE FROM access_subject WHERE subject=? AND position=?", b[:16], o.position)
		}
		if err == nil {
			_, err = tx.Exec("DELETE FROM access WHERE position=?", o.position)
		}
		if err != nil {
			return 0, err
		}
	}
	return int64(len(olds)), err
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (s *Store) Sound(ctx context.Context) error { return s.file.Sound(ctx) }

// Dump implements projections.Projection.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	return s.file.Dump(ctx, w,
		eventSection(),
		s.postings.Section("postings", "value", "block"),
		sqlfile.Section{Name: "blocks", Query: "SELECT n AS block,time_min,time_max,recorded_min,recorded_max FROM block ORDER BY n"},
		sqlfile.Section{Name: "accesses", Query: "SELECT " + accessColumns + " FROM access r ORDER BY 1"},
		s.sheafSection(),
		sqlfile.Section{Name: "subjects of accesses", Query: "SELECT subject,position FROM access_subject ORDER BY 1,2"},
		sqlfile.Section{Name: "counts", Query: "SELECT month,dim,key,n FROM tally ORDER BY 1,2,3"},
		sqlfile.Section{Name: "horizon", Query: "SELECT time FROM horizon"},
	)
}
