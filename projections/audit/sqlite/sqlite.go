// Package sqlite is the audit dataset in one SQLite file, audit.db.
//
// It promises what audit.Dataset does; what it assumes and what a crash leaves
// is said in projections/internal/sqlfile. Every query is answered by an index
// or a range of positions.
package sqlite

import (
	"context"
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
	file   *sqlfile.File
	opener audit.Opener
	codes  *sqlfile.Interner
	agents *sqlfile.Interner
}

var _ audit.Dataset = (*Store)(nil)

// Open opens or makes the dataset at path.
func Open(path string, o audit.Opener, options sqlfile.Options) (*Store, error) {
	f, err := sqlfile.Open(path, schema, options)
	if err != nil {
		return nil, err
	}
	return &Store{file: f, opener: o, codes: sqlfile.NewInterner("code"), agents: sqlfile.NewInterner("agent")}, nil
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
	return s.file.Reset(ctx)
}

func (s *Store) forget() {
	s.codes.Forget()
	s.agents.Forget()
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
		b := batch{s: s, tx: tx, horizon: horizon, tally: map[cell]int64{}, block: -1}
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
	block   int64 // being gathered; -1: none
	bounds  [4]int64
}

func (b *batch) count(t domain.Time, dim, key string) { b.tally[cell{monthOf(t.Time), dim, key}]++ }

func (b *batch) fact(ctx context.Context, f projections.Fact) error {
	if err := b.place(f); err != nil {
		return err
	}
	purposes := audit.Purposes(f.Fact)
	if err := b.row(f, purposes); err != nil {
		return err
	}
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
		code, err := b.s.codes.Text(b.tx, p)
		if err != nil {
			return err
		}
		if _, err := b.tx.Exec(putPurpose, code, int64(f.Position)); err != nil {
			return err
		}
	}
	if f.Type == event.AccessRecorded && f.Time.UnixMicro() >= b.horizon {
		return b.access(ctx, f)
	}
	return nil
}

// place widens the times of the block that f stands in.
func (b *batch) place(f projections.Fact) error {
	if n := int64(f.Position >> blockBits); n != b.block {
		if err := b.closeBlock(); err != nil {
			return err
		}
		b.block = n
		b.bounds = [4]int64{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
	}
	t, r := f.Time.UnixMicro(), f.Recorded.UnixMicro()
	b.bounds = [4]int64{min(b.bounds[0], t), max(b.bounds[1], t), min(b.bounds[2], r), max(b.bounds[3], r)}
	return nil
}

func (b *batch) closeBlock() error {
	if b.block < 0 {
		return nil
	}
	_, err := b.tx.Exec(putBlock, b.block, b.bounds[0], b.bounds[1], b.bounds[2], b.bounds[3])
	return err
}

func (b *batch) row(f projections.Fact, purposes []string) error {
	codes, err := b.codes(string(f.Type), f.Controller, strings.Join(purposes, ","))
	if err != nil {
		return err
	}
	agents, err := b.agents(f.Source, f.Actor)
	if err != nil {
		return err
	}
	var subject any
	if !f.Subject.IsZero() {
		subject = f.Subject[:]
	}
	unproven := int64(0)
	if len(f.Lacks) > 0 {
		unproven = 1
	}
	_, err = b.tx.Exec(putFact, int64(f.Position), f.ID[:], codes[0], subject, agents[0], agents[1], codes[1], codes[2],
		f.Time.UnixMicro(), f.Recorded.UnixMicro(), f.Policy, int64(len(f.Warnings)), unproven)
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
		ref, _, err := b.s.agents.Bytes(b.tx, v[:])
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
	_, err = b.tx.Exec(putAccess, int64(f.Position), f.ID[:], agents[0], agents[1], packed, codes[0], codes[1], codes[2],
		f.Codes.Int("count"), f.Time.UnixMicro(), f.Recorded.UnixMicro())
	return err
}

func (b *batch) flush() error {
	if err := b.closeBlock(); err != nil {
		return err
	}
	for c, n := range b.tally {
		if _, err := b.tx.Exec(putTally, c.month, c.dim, c.key, n); err != nil {
			return err
		}
	}
	return nil
}
