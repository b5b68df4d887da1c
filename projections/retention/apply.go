package retention

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/retention"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

const (
	putEdge = "INSERT INTO edge(a,b,time,position,merged) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(a,b) DO UPDATE SET time=?3,position=?4,merged=?5 " +
		"WHERE ?3>time OR ?3=time AND ?4>position"
	edges   = "SELECT b FROM edge WHERE a=?1 AND merged=1 UNION SELECT a FROM edge WHERE b=?1 AND merged=1"
	getMark = "SELECT version,upto FROM rules"
	setMark = "UPDATE rules SET version=?,upto=?"
)

// maxConnected bounds how many subjects one person may be merged of.
const maxConnected = 10_000

// ErrLarge: more subjects are one person than can be looked at together.
var ErrLarge = errors.New("more than 10,000 merged contacts")

// batch is one transaction's work.
type batch struct {
	tx     *sqlfile.Tx
	memory *memory
	read   []*entry // those with clocks
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.kept(s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		if err := s.memory.load(tx); err != nil {
			return err
		}
		b := batch{tx: tx, memory: &s.memory}
		for i := range fresh {
			if err := b.fact(&fresh[i]); err != nil {
				return fmt.Errorf("%s: %w", fresh[i].Type, err)
			}
		}
		if err := s.memory.journal(tx, b.read); err != nil || s.memory.records < s.most {
			return err
		}
		return s.settle(tx)
	}))
}

// kept forgets what is in memory unless a transaction was committed.
func (s *Store) kept(err error) error {
	if err != nil {
		s.memory.forget()
	}
	return err
}

// mark is the version of the policy in force, and up to which person the days are
// those of its rules.
func mark(tx *sqlfile.Tx) (version, upto int64, err error) {
	err = tx.Query(getMark, func(row []driver.Value) error {
		version, _ = row[0].(int64)
		upto, _ = row[1].(int64)
		return nil
	})
	return version, upto, err
}

// published takes in that a policy is in force: the first look works out the days anew.
func (b *batch) published(version int64) error {
	was, _, err := mark(b.tx)
	if err == nil && was != version {
		_, err = b.tx.Exec(setMark, version, int64(0))
	}
	return err
}

func (b *batch) fact(f *projections.Fact) error {
	if f.Type == event.PolicyPublished {
		if err := b.published(f.Codes.Int("version")); err != nil {
			return err
		}
	}
	if f.Subject.IsZero() {
		return nil
	}
	e, err := b.person(f.Subject)
	if err != nil {
		return err
	}
	e.changed = e.clocks.Add(f.Position, f.Fact) || e.changed
	if f.Type != event.ContactMerged && f.Type != event.ContactUnmerged {
		return nil
	}
	into := f.Codes.ID("into")
	if into.IsZero() || into == f.Subject {
		return nil
	}
	o, err := b.person(into)
	if err != nil {
		return err
	}
	o.clocks.Linked, o.clocks.Subject = true, into
	e.changed, o.changed = true, true // or their days may be
	_, err = b.tx.Exec(putEdge, e.ref, o.ref, f.Time.UnixMicro(), int64(f.Position), boolean(f.Type == event.ContactMerged))
	return err
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (b *batch) person(id domain.ID) (*entry, error) {
	e, err := b.memory.person(b.tx, id)
	if err == nil && !e.open {
		e.open, b.read = true, append(b.read, e)
	}
	return e, err
}

// refsInto gathers the first column of a query.
func refsInto(out *[]int64) func([]driver.Value) error {
	return func(row []driver.Value) error {
		n, _ := row[0].(int64)
		*out = append(*out, n)
		return nil
	}
}

// joined puts a contact's clocks to those of the person, of which c is nil at first.
func joined(c, of *retention.Clocks) *retention.Clocks {
	if c == nil {
		own := *of
		return &own
	}
	c.Join(of)
	return c
}

// connected lists all that are one person with ref, in order of first appearance.
func connected(ref int64, neighbours func(int64) ([]int64, error)) ([]int64, error) {
	seen := map[int64]bool{ref: true}
	all := []int64{ref}
	for i := 0; i < len(all); i++ {
		next, err := neighbours(all[i])
		if err != nil {
			return nil, err
		}
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
		if len(all) > maxConnected {
			return nil, ErrLarge
		}
	}
	slices.Sort(all)
	return all, nil
}
