package watch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// The codes of the facts.
const (
	CodeRule     = "rule"
	CodeLevel    = "level"
	CodeObserved = "observed"
	CodeLimit    = "limit"
	CodeSince    = "since" // the window's beginning
	CodeAlert    = "alert" // of watch.closed: the alert's event
	CodeOutcome  = "outcome"
)

// The outcomes of an alert that somebody looked at.
const (
	Explained  = "explained"
	Misuse     = "misuse"
	FalseAlarm = "false_alarm"
)

// Outcomes lists them.
func Outcomes() []string { return []string{Explained, Misuse, FalseAlarm} }

// ErrUnknown: no such alert.
var ErrUnknown = errors.New("no such alert")

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "watch",
	Version: Format,
	DDL: `CREATE TABLE alert(id BLOB PRIMARY KEY, position INTEGER NOT NULL UNIQUE, at INTEGER NOT NULL, rule TEXT NOT NULL, level INTEGER NOT NULL,
			observed INTEGER NOT NULL, bound INTEGER NOT NULL, since INTEGER NOT NULL, closing BLOB NOT NULL, closed INTEGER NOT NULL,
			outcome TEXT NOT NULL, closer BLOB NOT NULL) WITHOUT ROWID;
		CREATE INDEX alert_open ON alert(position) WHERE closed=0;`,
}

const (
	columns  = "id,position,at,rule,level,observed,bound,since,closing,closed,outcome,closer"
	putAlert = "INSERT OR IGNORE INTO alert(" + columns + ") VALUES(?,?,?,?,?,?,?,?,x'',0,'',x'')"
	endAlert = "UPDATE alert SET closing=?,closed=?,outcome=?,closer=? WHERE id=? AND closed=0"
)

// Alert is one unusual thing that was said.
type Alert struct {
	ID              domain.ID // of its event
	Position        domain.Position
	At              time.Time
	Rule            string
	Level           int
	Observed, Limit int64
	Since           time.Time // the window's beginning
	Closing         domain.ID // the event by which it was closed, zero while it is open
	Closed          time.Time
	Outcome         string
	Closer          domain.ID
}

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Store is the projection of the alerts. Its queries may run beside Apply.
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
		sqlfile.Section{Name: "alerts", Query: "SELECT position AS place,id,at,rule,level,observed,bound,since,closing,closed,outcome,closer FROM alert ORDER BY position"})
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
	switch f.Type {
	case event.WatchAlerted:
		_, err = tx.Exec(putAlert, f.ID[:], int64(f.Position), f.Time.UnixMicro(), f.Codes.String(CodeRule), f.Codes.Int(CodeLevel),
			f.Codes.Int(CodeObserved), f.Codes.Int(CodeLimit), micros(f.Codes.Time(CodeSince)))
	case event.WatchClosed:
		id := f.Codes.ID(CodeAlert)
		_, err = tx.Exec(endAlert, f.ID[:], f.Time.UnixMicro(), f.Codes.String(CodeOutcome), f.Actor[:], id[:])
	}
	return err
}

// Get is one alert; ErrUnknown.
func (s *Store) Get(ctx context.Context, id domain.ID) (*Alert, error) {
	all, err := s.alerts(ctx, "SELECT "+columns+" FROM alert WHERE id=?", id[:])
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrUnknown
	}
	return &all[0], nil
}

// List gives alerts, the latest first, from below a position (0: all), at most limit:
// open ones, closed ones, or with "" all.
func (s *Store) List(ctx context.Context, state string, below domain.Position, limit int) ([]Alert, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	where := map[string]string{"open": " AND closed=0", "closed": " AND closed<>0"}[state]
	return s.alerts(ctx, "SELECT "+columns+" FROM alert WHERE position<?"+where+" ORDER BY position DESC LIMIT ?", int64(below), limit)
}

// Open counts open alerts, at most most.
func (s *Store) Open(ctx context.Context, most int) (n int, err error) {
	if err := s.file.Row(ctx, "SELECT count(*) FROM (SELECT 1 FROM alert WHERE closed=0 LIMIT ?)", []any{most}, &n); err != nil {
		return 0, fmt.Errorf("alerts: %w", err)
	}
	return n, nil
}

// From gives alerts in order from a position, at most limit.
func (s *Store) From(ctx context.Context, from domain.Position, limit int) ([]Alert, error) {
	return s.alerts(ctx, "SELECT "+columns+" FROM alert WHERE position>=? ORDER BY position LIMIT ?", int64(from), limit)
}

func (s *Store) alerts(ctx context.Context, query string, args ...any) ([]Alert, error) {
	rows, err := s.file.Rows(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	defer rows.Close()
	var out []Alert
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("alerts: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func scan(rows *sql.Rows) (a Alert, err error) {
	var id, closing, closer []byte
	var position, at, since, closed int64
	err = rows.Scan(&id, &position, &at, &a.Rule, &a.Level, &a.Observed, &a.Limit, &since, &closing, &closed, &a.Outcome, &closer)
	copy(a.ID[:], id)
	copy(a.Closing[:], closing)
	copy(a.Closer[:], closer)
	a.Position, a.At, a.Since, a.Closed = domain.Position(position), instant(at), instant(since), instant(closed)
	return a, err
}

// micros is a time in microseconds, 0 for none.
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
