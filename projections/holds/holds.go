// Package holds is the read model of what stands against destroying anything of a
// person: holds (art. 17(3)(e): litigation, an inspection) and restrictions (art. 18).
// It knows of each why it was placed, who is to look at it again and when. Words stay
// in the vault.
//
// Promised: a hold stands from the fact that placed it to the one that ended it, as the
// record path has them (eventstore/seal.KeySet). Assumed: who writes hold.reviewed
// looked whether the hold stands; a review of one that does not is passed over. A crash
// leaves each batch applied with its checkpoint, or not at all.
package holds

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "holds",
	Version: Format,
	DDL: `CREATE TABLE hold(event BLOB PRIMARY KEY, position INTEGER NOT NULL UNIQUE, subject BLOB NOT NULL, restriction INTEGER NOT NULL, code TEXT NOT NULL,
			actor BLOB NOT NULL, placed INTEGER NOT NULL, reviewer BLOB NOT NULL, review INTEGER NOT NULL, reviewed INTEGER NOT NULL,
			ended INTEGER NOT NULL) WITHOUT ROWID;
		CREATE INDEX hold_subject ON hold(subject);
		CREATE INDEX hold_review ON hold(review) WHERE review<>0 AND ended=0;
		CREATE INDEX hold_standing ON hold(position) WHERE ended=0;`,
}

const (
	columns   = "event,position,subject,restriction,code,actor,placed,reviewer,review,reviewed,ended"
	place     = "INSERT OR IGNORE INTO hold(" + columns + ") VALUES(?,?,?,?,?,?,?,?,?,0,0)"
	review    = "UPDATE hold SET review=?,reviewed=? WHERE event=? AND subject=? AND ended=0"
	reassign  = "UPDATE hold SET reviewer=? WHERE event=? AND subject=? AND ended=0"
	end       = "UPDATE hold SET ended=? WHERE ended=0 AND event=? AND subject=? AND restriction=?"
	endAll    = "UPDATE hold SET ended=? WHERE ended=0 AND subject=? AND restriction=?"
	endPerson = "UPDATE hold SET ended=? WHERE ended=0 AND subject=?"
)

// Store is the projection. Its queries may run beside Apply.
type Store struct{ file *sqlfile.File }

var _ projections.Projection = (*Store)(nil)

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Open opens or makes the file at path.
func Open(path string, o Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Store{f}, nil
}

// Close releases the file.
func (s *Store) Close() error { return s.file.Close() }

// Name implements projections.Projection.
func (s *Store) Name() string { return schema.Name }

// Checkpoint implements projections.Projection.
func (s *Store) Checkpoint(ctx context.Context) (domain.Position, error) {
	return s.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (s *Store) Reset(ctx context.Context) error { return s.file.Reset(ctx) }

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (s *Store) Sound(ctx context.Context) error { return s.file.Sound(ctx) }

// Dump implements projections.Projection.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	return s.file.Dump(ctx, w,
		sqlfile.Section{Name: "holds", Query: "SELECT " + columns + " FROM hold ORDER BY position"},
		sqlfile.Section{Name: "standing", Query: "SELECT position AS place,event,subject,code FROM hold WHERE ended=0 ORDER BY position"},
		sqlfile.Section{Name: "persons", Query: "SELECT subject,position AS place,event FROM hold ORDER BY 1,2"},
	)
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	return s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		for i := range fresh {
			if err := step(tx, &fresh[i]); err != nil {
				return fmt.Errorf("%s: %w", fresh[i].Type, err)
			}
		}
		return nil
	})
}

func step(tx *sqlfile.Tx, f *projections.Fact) (err error) {
	if f.Subject.IsZero() {
		return nil
	}
	exec := func(sql string, args ...driver.Value) {
		if err == nil {
			_, err = tx.Exec(sql, args...)
		}
	}
	switch f.Type {
	case event.HoldPlaced, event.RestrictionPlaced:
		code, restriction := f.Codes.String("reason"), f.Type == event.RestrictionPlaced
		if restriction {
			code = f.Codes.String("ground")
		}
		reviewer := f.Codes.ID("reviewer")
		exec(place, f.ID[:], int64(f.Position), f.Subject[:], number(restriction), code, f.Actor[:], f.Time.UnixMicro(), reviewer[:], micros(f.Codes.Time("review_at")))
	case event.HoldReviewed:
		id, reviewer := f.Codes.ID("hold"), f.Codes.ID("reviewer")
		exec(review, micros(f.Codes.Time("review_at")), f.Time.UnixMicro(), id[:], f.Subject[:])
		if !reviewer.IsZero() {
			exec(reassign, reviewer[:], id[:], f.Subject[:])
		}
	case event.HoldReleased:
		released(exec, f, "hold", false)
	case event.RestrictionLifted:
		released(exec, f, "restriction", true)
	case event.SubjectErased: // nothing is left to hold: a restore's fact may come while a hold stands
		if f.Codes.Bool("whole") && f.Codes.Bool("restored") {
			exec(endPerson, f.Time.UnixMicro(), f.Subject[:])
		}
	}
	return err
}

// released ends what a fact names, or all of the kind.
func released(exec func(string, ...driver.Value), f *projections.Fact, name string, restriction bool) {
	id := f.Codes.ID(name)
	if id.IsZero() {
		exec(endAll, f.Time.UnixMicro(), f.Subject[:], number(restriction))
		return
	}
	exec(end, f.Time.UnixMicro(), id[:], f.Subject[:], number(restriction))
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Hold is one that stands, or stood.
type Hold struct {
	Event       domain.ID
	Position    domain.Position
	Subject     domain.ID
	Restriction bool
	Code        string // why
	Actor       domain.ID
	Placed      time.Time
	Reviewer    domain.ID // the account that is to look at it again; zero: nobody named
	ReviewAt    time.Time // zero: no date
	Reviewed    time.Time // last; zero: never
	Ended       time.Time // zero: it stands
}

// Filter chooses holds; zero values choose all.
type Filter struct {
	Event, Subject, Reviewer domain.ID
	Kind                     string // "hold", "restriction"
	Code                     string
	ReviewBy                 time.Time // to be reviewed by then
	Ended                    bool      // those that ended, instead of those that stand
	Cursor                   domain.Position
	Limit                    int
}

// List gives them in the order in which they were placed.
func (s *Store) List(ctx context.Context, f Filter) ([]Hold, error) {
	cond, args := []string{"ended=0", "position>=?"}, []any{int64(f.Cursor)}
	add := func(c string, a ...any) { cond, args = append(cond, c), append(args, a...) }
	if f.Ended {
		cond[0] = "ended<>0"
	}
	for _, x := range []struct {
		column string
		id     domain.ID
	}{{"event", f.Event}, {"subject", f.Subject}, {"reviewer", f.Reviewer}} {
		if !x.id.IsZero() {
			add(x.column+"=?", x.id[:])
		}
	}
	if f.Kind != "" {
		add("restriction=?", number(f.Kind == "restriction"))
	}
	if f.Code != "" {
		add("code=?", f.Code)
	}
	if !f.ReviewBy.IsZero() {
		add("review<>0 AND review<=?", micros(f.ReviewBy))
	}
	if f.Limit <= 0 {
		f.Limit = math.MaxInt32
	}
	rows, err := s.file.Rows(ctx, "SELECT "+columns+" FROM hold WHERE "+strings.Join(cond, " AND ")+" ORDER BY position LIMIT ?", append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("holds: %w", err)
	}
	defer rows.Close()
	var out []Hold
	for rows.Next() {
		var ids [4][]byte
		var h Hold
		var at, placed, review, reviewed, ended int64
		if err := rows.Scan(&ids[0], &at, &ids[1], &h.Restriction, &h.Code, &ids[2], &placed, &ids[3], &review, &reviewed, &ended); err != nil {
			return nil, fmt.Errorf("holds: %w", err)
		}
		for i, into := range []*domain.ID{&h.Event, &h.Subject, &h.Actor, &h.Reviewer} {
			copy(into[:], ids[i])
		}
		h.Position, h.Placed, h.ReviewAt, h.Reviewed, h.Ended = domain.Position(at), instant(placed), instant(review), instant(reviewed), instant(ended)
		out = append(out, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("holds: %w", err)
	}
	return out, nil
}
