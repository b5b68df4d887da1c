// Package cases is the read model of the desks' files: rights requests, register
// entries, assessments, breaches, reviews. It knows of each file what its facts alone
// tell (domain/casefile.Summary) and where its steps are; words stay in the vault.
//
// Promised: a file's row is the fold of its steps, and of nothing else; its revision
// counts them. A fact that names a file that is not there halts the projection. A
// request that several facts opened under one id cannot be. A crash leaves each batch
// applied with its checkpoint, or not at all.
package cases

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// ErrUnknown: no such file, or it is another desk's.
var ErrUnknown = errors.New("no such file")

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "cases",
	Version: Format,
	DDL: `CREATE TABLE file(id BLOB PRIMARY KEY, desk TEXT NOT NULL, position INTEGER NOT NULL UNIQUE, last INTEGER NOT NULL, revision INTEGER NOT NULL,
			kind TEXT NOT NULL, status TEXT NOT NULL, controller TEXT NOT NULL, subject BLOB NOT NULL, assignee BLOB NOT NULL,
			opened INTEGER NOT NULL, due INTEGER NOT NULL, closed INTEGER NOT NULL, marks TEXT NOT NULL) WITHOUT ROWID;
		CREATE INDEX file_desk ON file(desk,position);
		CREATE INDEX file_due ON file(due) WHERE due<>0;
		CREATE INDEX file_closed ON file(desk,closed) WHERE closed<>0;
		CREATE INDEX file_subject ON file(subject) WHERE subject<>x'00000000000000000000000000000000';
		CREATE TABLE step(file BLOB, position INTEGER, PRIMARY KEY(file,position)) WITHOUT ROWID;`,
}

const (
	columns = "id,desk,position,last,revision,kind,status,controller,subject,assignee,opened,due,closed,marks"
	getFile = "SELECT " + columns + " FROM file WHERE id=?"
	putFile = "REPLACE INTO file(" + columns + ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	putStep = "INSERT INTO step(file,position) VALUES(?,?)"
)

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Store is the projection. Its queries may run beside Apply.
type Store struct {
	file  *sqlfile.File
	folds map[casefile.Desk]casefile.Fold
}

var _ projections.Projection = (*Store)(nil)

// Open opens or makes the file at path. Every desk needs its fold.
func Open(path string, folds map[casefile.Desk]casefile.Fold, o Options) (*Store, error) {
	for _, d := range casefile.Desks() {
		if folds[d] == nil {
			return nil, fmt.Errorf("cases: the desk %s has no fold", d)
		}
	}
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Store{f, folds}, nil
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
		sqlfile.Section{Name: "files", Query: "SELECT " + columns + " FROM file ORDER BY position"},
		sqlfile.Section{Name: "steps", Query: "SELECT file,position AS place FROM step ORDER BY 1,2"},
	)
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	return s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		for i := range fresh {
			if err := s.step(tx, &fresh[i]); err != nil {
				return fmt.Errorf("%s: %w", fresh[i].Type, err)
			}
		}
		return nil
	})
}

func (s *Store) step(tx *sqlfile.Tx, f *projections.Fact) error {
	desk, ok := casefile.DeskOf(f.Type)
	if !ok || casefile.IsReminder(f.Type) {
		return nil
	}
	id, opens := casefile.CaseOf(f.Fact)
	sum := casefile.Begin(f.Fact, f.Position)
	if !opens {
		found := false
		if err := tx.Query(getFile, func(row []driver.Value) error {
			found = true
			return scan(sum, row)
		}, id[:]); err != nil {
			return err
		}
		if !found || sum.Desk != desk {
			return ErrUnknown
		}
		sum.Revision, sum.Last = sum.Revision+1, f.Position
	}
	s.folds[desk](sum, f.Fact)
	if _, err := tx.Exec(putFile, sum.Case[:], string(sum.Desk), int64(sum.Position), int64(sum.Last), sum.Revision, sum.Kind, sum.Status, sum.Controller,
		sum.Subject[:], sum.Assignee[:], micros(sum.Opened), micros(sum.Due), micros(sum.Closed), strings.Join(sum.Marks, " ")); err != nil {
		return err
	}
	_, err := tx.Exec(putStep, sum.Case[:], int64(f.Position))
	return err
}

// micros is a time in microseconds, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// scan reads a row of columns.
func scan[T any](s *casefile.Summary, row []T) error {
	v := make([]any, len(row))
	for i := range row {
		v[i] = row[i]
	}
	var bad bool
	text := func(i int) string { t, ok := v[i].(string); bad = bad || !ok; return t }
	num := func(i int) int64 { n, ok := v[i].(int64); bad = bad || !ok; return n }
	id := func(i int) (out domain.ID) {
		b, ok := v[i].([]byte)
		bad = bad || !ok || copy(out[:], b) != len(out)
		return out
	}
	*s = casefile.Summary{Case: id(0), Desk: casefile.Desk(text(1)), Position: domain.Position(num(2)), Last: domain.Position(num(3)), Revision: num(4),
		Kind: text(5), Status: text(6), Controller: text(7), Subject: id(8), Assignee: id(9), Opened: at(num(10)), Due: at(num(11)), Closed: at(num(12)),
		Marks: strings.Fields(text(13))}
	if bad {
		return errors.New("a row of the files is damaged")
	}
	return nil
}
