// Package sqlite is the audit dataset in one SQLite file, audit.db.
//
// It promises what audit.Dataset does; what it assumes and what a crash leaves
// is said in projections/internal/sqlfile. Accesses are answered by an index or a
// range of positions; events by the blocks of 256 positions that hold one with
// the value that the filter names, of which only those rows are given that meet
// it. Whom accesses name is counted from sheaves, in which those that alike
// questions ask for lie side by side, and from the newest rows.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
)

// Store is an audit.Dataset.
type Store struct {
	file     *sqlfile.File
	opener   audit.Opener
	codes    *sqlfile.Interner // of accesses
	agents   *sqlfile.Interner
	postings *sqlfile.Runs
	page     int    // blocks looked up at a time
	tail     *block // the block last written, to be gone on with; nil: not read
	groups   groups

	sheafBits   uint
	sheafWeight int
}

var _ audit.Dataset = (*Store)(nil)

// Open opens or makes the dataset at path.
func Open(path string, o audit.Opener, options sqlfile.Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, options)
	if err != nil {
		return nil, err
	}
	return &Store{file: f, opener: o, codes: sqlfile.NewInterner("code"), agents: sqlfile.NewInterner("agent"),
		postings: sqlfile.NewRuns("posting"), page: pageBlocks, groups: groups{bits: groupBits}, sheafBits: sheafBits, sheafWeight: sheafWeight}, nil
}

// Close releases the file.
func (s *Store) Close() error { return s.file.Close() }

// Name implements projections.Projection.
func (s *Store) Name() string { return "audit" }

// Checkpoint implements projections.Projection.
func (s *Store) Checkpoint(ctx context.Context) (domain.Position, error) {
	return s.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (s *Store) Reset(ctx context.Context) error {
	s.forget()
	s.groups.forget()
	return s.file.Reset(ctx)
}

func (s *Store) forget() {
	s.codes.Forget()
	s.agents.Forget()
	s.postings.Forget()
	s.tail = nil
}

// Apply implements projections.Projection.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed {
			s.forget()
		}
	}()
	err := s.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		horizon, _, err := tx.Int(getHorizon)
		if err != nil {
			return err
		}
		b := batch{s: s, tx: tx, horizon: horizon, tally: map[cell]int64{}}
		for _, f := range fresh {
			if err := b.fact(ctx, f); err != nil {
				return err
			}
		}
		return b.flush()
	})
	committed = err == nil
	return err
}

// cell is one count of the summary.
type cell struct {
	month    int64 // year*12 + month-1
	dim, key string
}

func monthOf(t time.Time) int64 {
	t = t.UTC()
	return int64(t.Year())*12 + int64(t.Month()) - 1
}

// batch is one transaction's work.
type batch struct {
	s       *Store
	tx      *sqlfile.Tx
	horizon int64 // µs; accesses before it have no row
	tally   map[cell]int64
	open    bool     // the store's tail has events of this batch
	bounds  [4]int64 // of these
	entries []sqlfile.Entry
	buf     []byte
}

func (b *batch) count(t domain.Time, dim, key string) { b.tally[cell{monthOf(t.Time), dim, key}]++ }

func (b *batch) fact(ctx context.Context, f projections.Fact) error {
	if err := b.place(f); err != nil {
		return err
	}
	purposes := audit.Purposes(f.Fact)
	b.s.tail.add(f, purposes, func(role byte, value []byte) {
		b.entries = append(b.entries, sqlfile.Entry{Key: posting(role, value), Value: b.s.tail.n})
	})
	b.count(f.Time, dimType, string(f.Type))
	if !f.Source.IsZero() {
		b.count(f.Time, dimSource, f.Source.String())
		if len(f.Lacks) > 0 {
			b.count(f.Time, dimUnproven, f.Source.String())
		}
	}
	for _, w := range f.Warnings {
		b.count(f.Time, dimWarning, w.Rule)
	}
	for _, p := range purposes {
		b.count(f.Time, dimPurpose, p)
	}
	for _, p := range audit.ConsentPurposes(f.Type, purposes) {
		b.count(f.Time, dimConsent, p+" "+string(f.Type))
	}
	if f.Type == event.AccessRecorded && f.Time.UnixMicro() >= b.horizon {
		if err := b.access(ctx, f); err != nil {
			return err
		}
	}
	if next := int64(f.Position) + 1; next&(1<<b.s.sheafBits-1) == 0 {
		return b.s.bind(b.tx, next>>b.s.sheafBits-1, b.horizon)
	}
	return nil
}

// place makes the block that f stands in the tail, and widens its times.
func (b *batch) place(f projections.Fact) error {
	n := int64(f.Position >> blockBits)
	if t := b.s.tail; t == nil || t.n != n {
		if err := b.closeBlock(); err != nil {
			return err
		}
		b.s.tail = &block{n: n}
		if f.Position&(1<<blockBits-1) != 0 {
			if err := b.load(n); err != nil {
				return err
			}
		}
	}
	if b.s.tail.count != uint64(f.Position)&(1<<blockBits-1) {
		return fmt.Errorf("events before position %d: %w", f.Position, errBlock)
	}
	if !b.open {
		b.open = true
		b.bounds = [4]int64{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
	}
	t, r := f.Time.UnixMicro(), f.Recorded.UnixMicro()
	b.bounds = [4]int64{min(b.bounds[0], t), max(b.bounds[1], t), min(b.bounds[2], r), max(b.bounds[3], r)}
	return nil
}

// load reads the block n.
func (b *batch) load(n int64) error {
	return b.tx.Query(getFact, func(row []driver.Value) (err error) {
		data, _ := row[0].([]byte)
		b.s.tail, err = readBlock(n, data)
		return err
	}, n)
}

func (b *batch) closeBlock() error {
	if !b.open {
		return nil
	}
	b.open = false
	t := b.s.tail
	b.buf = t.appendTo(b.buf[:0])
	if _, err := b.tx.Exec(putFact, t.n, b.buf); err != nil {
		return err
	}
	_, err := b.tx.Exec(putBlock, t.n, b.bounds[0], b.bounds[1], b.bounds[2], b.bounds[3])
	return err
}

// codes interns; "" is NULL.
func (b *batch) codes(values ...string) ([3]any, error) {
	var out [3]any
	for i, v := range values {
		if v == "" {
			continue
		}
		ref, err := b.s.codes.Text(b.tx, v)
		if err != nil {
			return out, err
		}
		out[i] = ref
	}
	return out, nil
}

// agents interns; the zero id is NULL.
func (b *batch) agents(values ...domain.ID) ([2]any, error) {
	var out [2]any
	for i, v := range values {
		if v.IsZero() {
			continue
		}
		ref, _, err := b.s.agents.Bytes(b.tx, v[:], false)
		if err != nil {
			return out, err
		}
		out[i] = ref
	}
	return out, nil
}

func (b *batch) access(ctx context.Context, f projections.Fact) error {
	account, subjects, err := b.s.opener.Subjects(ctx, f.Fact)
	if errors.Is(err, audit.ErrExpired) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open access event at %d: %w", f.Position, err)
	}
	if account.IsZero() {
		account = f.Actor
	}
	if !f.Subject.IsZero() {
		subjects = append(subjects, f.Subject)
	}
	reason := f.Codes.String("reason")
	codes, err := b.codes(f.Codes.String("action"), reason, strings.Join(f.Codes.Strings("categories"), ","))
	if err != nil {
		return err
	}
	agents, err := b.agents(f.Source, account)
	if err != nil {
		return err
	}
	packed := make([]byte, 0, 16*len(subjects))
	for _, id := range subjects {
		packed = append(packed, id[:]...)
		if _, err := b.tx.Exec(putAccessSubject, id[:], int64(f.Position)); err != nil {
			return err
		}
	}
	b.count(f.Time, dimReason, reason)
	b.count(f.Time, dimAccount, account.String())
	ticketed := int64(0)
	if f.Codes.Bool(event.Ticketed) {
		ticketed = 1
	}
	_, err = b.tx.Exec(putAccess, int64(f.Position), f.ID[:], agents[0], agents[1], packed, codes[0], codes[1], codes[2], ticketed,
		f.Codes.Int("count"), f.Time.UnixMicro(), f.Recorded.UnixMicro())
	return err
}

func (b *batch) flush() error {
	if err := b.closeBlock(); err != nil {
		return err
	}
	if err := b.s.postings.Add(b.tx, b.entries); err != nil {
		return err
	}
	for c, n := range b.tally {
		if _, err := b.tx.Exec(putTally, c.month, c.dim, c.key, n); err != nil {
			return err
		}
	}
	return nil
}
