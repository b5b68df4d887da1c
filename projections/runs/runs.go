// Package runs is the read model of the retention engine's runs: when each was
// begun and ended, what it did, to whom, by which rule, and the certificate of what
// it ordered.
//
// Promised: a run's list is the facts that name the run, and nothing else; so what
// an interrupted run did is in the list of the run that took it up. It holds our own
// uuids, codes and times only. A crash leaves each batch applied with its checkpoint,
// or not at all.
package runs

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// The codes by which facts tell of a run.
const (
	CodeRun    = "run"    // the run that a fact is the work of: the id of its first fact
	CodeAction = "action" // what became of the data, where the type does not say
	CodeRules  = "rules"  // by which rules
	CodeDue    = "due_at" // since when it was due
	CodeDate   = "date"   // of a run: its day in Paris
	CodeState  = "state"  // of a run: Begun or Ended
	CodeAsOf   = "as_of"  // of a run: what was over by then
)

// The states of a run.
const (
	Begun = "begun"
	Ended = "ended"
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "runs",
	Version: Format,
	DDL: `CREATE TABLE run(id BLOB PRIMARY KEY, date TEXT NOT NULL, position INTEGER NOT NULL UNIQUE, actor BLOB NOT NULL, as_of INTEGER NOT NULL,
			begun INTEGER NOT NULL, ended INTEGER NOT NULL, report BLOB NOT NULL, reported INTEGER NOT NULL, counts TEXT NOT NULL) WITHOUT ROWID;
		CREATE INDEX run_open ON run(position) WHERE ended=0;
		CREATE TABLE item(run BLOB, position INTEGER, event BLOB NOT NULL, subject BLOB NOT NULL, action TEXT NOT NULL, classes TEXT NOT NULL,
			epochs TEXT NOT NULL, rules TEXT NOT NULL, due INTEGER NOT NULL, at INTEGER NOT NULL, certificate BLOB NOT NULL, certified INTEGER NOT NULL,
			PRIMARY KEY(run,position)) WITHOUT ROWID;
		CREATE INDEX item_event ON item(event);
		CREATE INDEX item_subject ON item(subject,position);`,
}

const (
	putRun  = "INSERT INTO run(id,date,position,actor,as_of,begun,ended,report,reported,counts) VALUES(?,?,?,?,?,?,0,x'',0,'')"
	endRun  = "UPDATE run SET ended=?,report=?,reported=?,counts=? WHERE id=?"
	putItem = "INSERT INTO item(run,position,event,subject,action,classes,epochs,rules,due,at,certificate,certified) VALUES(?,?,?,?,?,?,?,?,?,?,x'',0)"
	certify = "UPDATE item SET certificate=?,certified=? WHERE event=?"
)

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Store is the projection. Its queries may run beside Apply.
type Store struct{ file *sqlfile.File }

var _ projections.Projection = (*Store)(nil)

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
		sqlfile.Section{Name: "runs", Query: "SELECT id,date,position AS place,actor,as_of,begun,ended,report,reported,counts FROM run ORDER BY position"},
		sqlfile.Section{Name: "items", Query: "SELECT position AS place,run,event,subject,action,classes,epochs,rules,due,at,certificate,certified FROM item ORDER BY position,run"},
	)
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	return s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		for i := range fresh {
			if err := apply(tx, &fresh[i]); err != nil {
				return fmt.Errorf("%s: %w", fresh[i].Type, err)
			}
		}
		return nil
	})
}

func apply(tx *sqlfile.Tx, f *projections.Fact) error {
	switch f.Type {
	case event.RetentionRun:
		return run(tx, f)
	case event.SubjectErased:
		order := f.Codes.ID("order")
		_, err := tx.Exec(certify, f.ID[:], int64(f.Position), order[:])
		return err
	}
	id := f.Codes.ID(CodeRun)
	if id.IsZero() {
		return nil
	}
	action := actionOf(f.Fact)
	if action == "" {
		return nil
	}
	_, err := tx.Exec(putItem, id[:], int64(f.Position), f.ID[:], f.Subject[:], action, list(f, "classes"), list(f, "epochs"),
		list(f, CodeRules), micros(f.Codes.Time(CodeDue)), f.Recorded.UnixMicro())
	return err
}

func run(tx *sqlfile.Tx, f *projections.Fact) error {
	if f.Codes.String(CodeState) != Ended {
		_, err := tx.Exec(putRun, f.ID[:], f.Codes.String(CodeDate), int64(f.Position), f.Actor[:], micros(f.Codes.Time(CodeAsOf)), f.Recorded.UnixMicro())
		return err
	}
	id := f.Codes.ID(CodeRun)
	_, err := tx.Exec(endRun, f.Recorded.UnixMicro(), f.ID[:], int64(f.Position), countsText(f.Fact), id[:])
	return err
}

// actionOf is what a fact of a run did; "" for none.
func actionOf(f *event.Fact) string {
	switch f.Type {
	case event.RetentionArchived:
		return "archive"
	case event.RetentionAsked:
		return "ask"
	case event.RetentionGeneralised:
		return "generalise"
	case event.RetentionDestroyed:
		return "destroy"
	case event.ErasureOrdered:
		if a := f.Codes.String(CodeAction); a != "" {
			return a
		}
		if f.Codes.Bool("whole") {
			return "erase"
		}
		return "destroy"
	}
	return ""
}

func list(f *projections.Fact, name string) driver.Value {
	return strings.Join(f.Codes.Strings(name), " ")
}
