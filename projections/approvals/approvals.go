// Package approvals is the read model of what takes two persons: what was asked, agreed
// to and used, and how many persons each account ordered to erase lately.
//
// Promised: an approval stands as the facts tell (domain/approval); a decision or use of
// none is refused and halts the projection, as one passed over could be used twice.
// Words stay in the vault. Assumed: the ledger takes one decision and one use of each. A
// crash leaves each batch applied with its checkpoint, or not at all.
package approvals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "approvals",
	Version: Format,
	DDL: `CREATE TABLE approval(id BLOB PRIMARY KEY, position INTEGER NOT NULL UNIQUE, act TEXT NOT NULL, account BLOB NOT NULL, digest BLOB NOT NULL,
			asked INTEGER NOT NULL, decider BLOB NOT NULL, decided INTEGER NOT NULL, granted INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE ordered(account BLOB NOT NULL, at INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(account, at, position)) WITHOUT ROWID;
		CREATE INDEX ordered_at ON ordered(at);`,
}

const (
	columns = "id,position,act,account,digest,asked,decider,decided,granted,used"
	asked   = "INSERT INTO approval(" + columns + ") VALUES(?,?,?,?,?,?,x'',0,0,0)"
	decided = "UPDATE approval SET decider=?,decided=?,granted=? WHERE id=? AND decided=0"
	used    = "UPDATE approval SET used=? WHERE id=? AND granted=1 AND used=0"
	ordered = "INSERT OR IGNORE INTO ordered(account,at,position) VALUES(?,?,?)"
	old     = "DELETE FROM ordered WHERE at<?"
)

// ErrFact: a decision or a use of what was not asked, or again.
var ErrFact = errors.New("an approval fact cannot be applied")

// ErrUnknown: there is no approval of this id.
var ErrUnknown = errors.New("unknown approval")

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
		sqlfile.Section{Name: "approvals", Query: "SELECT " + columns + " FROM approval ORDER BY position"},
		sqlfile.Section{Name: "ordered", Query: "SELECT account,at,position FROM ordered ORDER BY position,account"},
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

func step(tx *sqlfile.Tx, f *projections.Fact) error {
	id := f.Codes.ID("approval")
	recorded := f.Recorded.UnixMicro()
	switch f.Type {
	case event.ApprovalRequested:
		a, err := approval.Requested(f.Fact, f.Position)
		if err != nil {
			return errors.Join(ErrFact, err)
		}
		_, err = tx.Exec(asked, a.ID[:], int64(a.Position), string(a.Act), a.Account[:], a.Digest[:], recorded)
		return err
	case event.ApprovalDecided:
		return one(tx.Exec(decided, f.Actor[:], recorded, number(f.Codes.Bool("granted")), id[:]))
	case event.ApprovalUsed:
		return one(tx.Exec(used, recorded, id[:]))
	case event.ErasureOrdered:
		if f.Actor.IsZero() || f.Subject.IsZero() || f.Codes.String("rule") != "" {
			return nil // the retention engine, an upstream, a restore
		}
		if _, err := tx.Exec(old, recorded-2*approval.Window.Microseconds()); err != nil {
			return err
		}
		_, err := tx.Exec(ordered, f.Actor[:], recorded, int64(f.Position))
		return err
	}
	return nil
}

func one(n int64, err error) error {
	if err == nil && n != 1 {
		err = ErrFact
	}
	return err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Find is one, or ErrUnknown.
func (s *Store) Find(ctx context.Context, id domain.ID) (*approval.Approval, error) {
	all, err := s.read(ctx, "WHERE id=?", id[:])
	if err == nil && len(all) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// List gives them from a position on, in the order in which they were asked; in a state
// at now, or all for "".
func (s *Store) List(ctx context.Context, state approval.State, now time.Time, from domain.Position, limit int) ([]approval.Approval, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	var out []approval.Approval
	const some = 200
	for len(out) < limit {
		page, err := s.read(ctx, "WHERE position>=? ORDER BY position LIMIT ?", int64(from), some)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if (state == "" || page[i].State(now) == state) && len(out) < limit {
				out = append(out, page[i])
			}
		}
		if len(page) < some {
			break
		}
		from = page[len(page)-1].Position + 1
	}
	return out, nil
}

// Of lists what an account asked for since a time, the newest first.
func (s *Store) Of(ctx context.Context, account domain.ID, since time.Time, limit int) ([]approval.Approval, error) {
	return s.read(ctx, "WHERE account=? AND asked>=? ORDER BY position DESC LIMIT ?", account[:], since.UnixMicro(), limit)
}

// Ordered counts the persons an account ordered to erase since a time, which is at most
// approval.Window ago, and tells where its last order stands; -1 for none of late.
func (s *Store) Ordered(ctx context.Context, account domain.ID, since time.Time) (n, last int64, err error) {
	err = s.file.Row(ctx, "SELECT count(*) FILTER(WHERE at>?), coalesce(max(position),-1) FROM ordered WHERE account=?", []any{since.UnixMicro(), account[:]}, &n, &last)
	if err != nil {
		return 0, 0, fmt.Errorf("erasures of an account: %w", err)
	}
	return n, last, nil
}

func (s *Store) read(ctx context.Context, where string, args ...any) ([]approval.Approval, error) {
	rows, err := s.file.Rows(ctx, "SELECT "+columns+" FROM approval "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	defer rows.Close()
	var out []approval.Approval
	for rows.Next() {
		var a approval.Approval
		var id, account, digest, decider []byte
		var at, askedAt, decidedAt, usedAt int64
		if err := rows.Scan(&id, &at, &a.Act, &account, &digest, &askedAt, &decider, &decidedAt, &a.Granted, &usedAt); err != nil {
			return nil, fmt.Errorf("approvals: %w", err)
		}
		copy(a.ID[:], id)
		copy(a.Account[:], account)
		copy(a.Digest[:], digest)
		copy(a.Decider[:], decider)
		a.Position, a.Asked, a.Decided, a.Used = domain.Position(at), instant(askedAt), instant(decidedAt), instant(usedAt)
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	return out, nil
}

func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
