// Package retention is the read model of the durations: the clocks of every person
// (domain/retention.Clocks), and from which day on something may be due or announced,
// so that a nightly look touches those persons only.
//
// Promised: clocks are the fold of the facts, and of nothing else. A person whom
// merges connect is looked at once, under the subject that came first, by the clocks
// of all of them. The day is never later than the first on which Due or Ahead lists
// anything; after a new policy it is worked out anew for all by the first look, in
// transactions of some thousand persons, and a look that was interrupted is taken up.
// Answers hold our own uuids, codes and times only.
//
// What facts change goes into a journal, one record a person and batch, and from there
// to the persons' rows before any query, and whenever 65,536 records wait: somebody
// whom ten facts in a row are about is written once. Each record holds the clocks whole.
//
// Assumed: the rules of a version of the policy never change. A crash leaves each
// batch applied with its checkpoint, or not at all.
package retention

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"greffe/domain"
	"greffe/domain/retention"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

var (
	// ErrUnknown: the log tells of no such person.
	ErrUnknown = errors.New("no such person")
	// ErrCursor: the cursor was not given by this list.
	ErrCursor = errors.New("not a cursor of this list")
	// ErrNoPolicy: no policy was published yet, so nothing has a term.
	ErrNoPolicy = errors.New("no policy was published yet")
)

// Rules gives the rules of a version of the policy.
type Rules func(version int64) (*retention.Rules, error)

// done is the mark of rules.upto once the days of all persons were worked out.
const done = 1<<63 - 1

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 3

var schema = sqlfile.Schema{
	Name:    "retention",
	Version: Format,
	DDL: sqlfile.InternDDL("subject", "BLOB") +
		`CREATE TABLE clock(ref INTEGER PRIMARY KEY, next INTEGER, data BLOB NOT NULL);
		CREATE INDEX clock_next ON clock(next,ref) WHERE next IS NOT NULL;
		CREATE TABLE edge(a INTEGER, b INTEGER, time INTEGER NOT NULL, position INTEGER NOT NULL, merged INTEGER NOT NULL, PRIMARY KEY(a,b)) WITHOUT ROWID;
		CREATE INDEX edge_b ON edge(b);
		CREATE TABLE rules(one INTEGER PRIMARY KEY CHECK(one=1), version INTEGER NOT NULL, upto INTEGER NOT NULL);
		INSERT INTO rules VALUES(1,0,` + fmt.Sprint(done) + `);
		CREATE TABLE journal(n INTEGER PRIMARY KEY, data BLOB NOT NULL);`,
}

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Store is the projection. Its queries may run beside Apply.
type Store struct {
	file  *sqlfile.File
	rules Rules

	writing sync.Mutex // held by whoever writes
	memory  memory
	most    int // records of the journal

	mu      sync.Mutex
	version int64
	known   *retention.Rules // of version; nil: none asked for yet
}

var _ projections.Projection = (*Store)(nil)

// Open opens or makes the file at path.
func Open(path string, rules Rules, o Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Store{file: f, rules: rules, most: maxJournal}, nil
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
func (s *Store) Reset(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.memory.forget()
	return s.file.Reset(ctx)
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (s *Store) Sound(ctx context.Context) error { return s.file.Sound(ctx) }

// of gives the rules of a version; ErrNoPolicy for 0.
func (s *Store) of(version int64) (*retention.Rules, error) {
	if version == 0 {
		return nil, ErrNoPolicy
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || s.version != version {
		r, err := s.rules(version)
		if err != nil {
			return nil, fmt.Errorf("rules of policy version %d: %w", version, err)
		}
		s.version, s.known = version, r
	}
	return s.known, nil
}

// Rules are those by which Due, Walk and Ahead answer now, and their version of the
// policy; ErrNoPolicy.
func (s *Store) Rules(ctx context.Context) (*retention.Rules, int64, error) {
	var version int64
	if err := s.file.Row(ctx, "SELECT version FROM rules", nil, &version); err != nil {
		return nil, 0, fmt.Errorf("rules in force: %w", err)
	}
	r, err := s.of(version)
	return r, version, err
}
