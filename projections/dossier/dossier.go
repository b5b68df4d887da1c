// Package dossier reads one person's file: which facts there are by the index,
// the facts themselves from the log, their parts through eventstore/access. It
// keeps nothing; what it answers is as of the facts it read, so time travel by
// as_of (true at) and known_at (known at) is a matter of which facts are folded.
//
// It promises that nothing is opened without a receipt that covers every person
// whose parts are read, merged ones included: ask Persons first, record the
// access for all of them, then read. It assumes the index has projected what the
// caller wants to see.
package dossier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/projections/index"
)

var (
	// ErrUnknown: the ledger knows no such person or event.
	ErrUnknown = errors.New("the ledger knows no such person or event")
	// ErrLarge: more facts about one person than one answer takes.
	ErrLarge = errors.New("more than 100,000 facts are about this person; read the history by pages")
)

const (
	maxFacts = 100_000
	page     = 1000
)

// Dossiers reads persons' files.
type Dossiers struct {
	log    eventstore.Log
	index  *index.Index
	reader *access.Reader
}

// New reads from these.
func New(log eventstore.Log, x *index.Index, r *access.Reader) *Dossiers {
	return &Dossiers{log, x, r}
}

// Persons lists everybody who is one person with subject by the merges known
// below knownAt, subject first: those whom an access to the file is about.
func (d *Dossiers) Persons(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error) {
	known, err := d.index.Has(ctx, subject)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, ErrUnknown
	}
	return d.index.Connected(ctx, subject, knownAt)
}

// KnownAt is the position below which everything was recorded by t.
func (d *Dossiers) KnownAt(ctx context.Context, t time.Time) (domain.Position, error) {
	lo, hi, err := d.index.Recorded(ctx, t)
	if err != nil {
		return 0, err
	}
	err = d.log.Read(ctx, lo, hi, func(p domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", p, err)
		}
		if !f.Recorded.After(t) {
			lo = p + 1
		}
		return nil
	})
	return lo, err
}

// facts reads the facts about one subject in [from, to), at most limit.
func (d *Dossiers) facts(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]contact.Recorded, error) {
	places, err := d.index.Positions(ctx, subject, from, to, limit)
	if err != nil {
		return nil, err
	}
	out := make([]contact.Recorded, 0, len(places))
	for _, p := range places {
		f, err := d.fact(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, contact.Recorded{Position: p, Fact: f})
	}
	return out, nil
}

// Fact reads one fact; it opens nothing.
func (d *Dossiers) Fact(ctx context.Context, id domain.ID) (domain.Position, *event.Fact, error) {
	p, err := d.index.Position(ctx, id)
	if errors.Is(err, index.ErrUnknown) {
		return 0, nil, ErrUnknown
	}
	if err != nil {
		return 0, nil, err
	}
	f, err := d.fact(ctx, p)
	return p, f, err
}

func (d *Dossiers) fact(ctx context.Context, p domain.Position) (f *event.Fact, err error) {
	err = d.log.Read(ctx, p, p+1, func(_ domain.Position, b []byte) (err error) {
		f, err = event.DecodeFact(b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fact at position %d: %w", p, err)
	}
	return f, nil
}

// open fills in the personal values of facts.
func (d *Dossiers) open(ctx context.Context, receipt access.Receipt, recs []contact.Recorded, want func(*event.PartRef) bool) error {
	for len(recs) > 0 {
		n := min(len(recs), page)
		facts := make([]*event.Fact, n)
		for i := range n {
			facts[i] = recs[i].Fact
		}
		opened, err := d.reader.Open(ctx, receipt, facts, want)
		if err != nil {
			return err
		}
		for i := range opened {
			recs[i].Fields = opened[i].Fields
		}
		recs = recs[n:]
	}
	return nil
}

// parts selects the parts of the classes that a reader may see; nil sees all.
func parts(sees func(class string) bool) func(*event.PartRef) bool {
	if sees == nil {
		return nil
	}
	return func(ref *event.PartRef) bool { return sees(ref.Class) }
}

// View folds everything about subject and whom it is merged with, true at asOf,
// known below knownAt.
func (d *Dossiers) View(ctx context.Context, receipt access.Receipt, subject domain.ID, asOf time.Time, knownAt domain.Position, sees func(class string) bool) (*contact.View, error) {
	recs, err := d.everything(ctx, receipt, subject, knownAt, sees)
	if err != nil {
		return nil, err
	}
	return contact.Fold(subject, recs, asOf), nil
}

// everything reads and opens all facts about one person: about subject and
// those whom the access was recorded for with it, as Persons told. Whoever is
// not connected with subject is left out by the fold.
func (d *Dossiers) everything(ctx context.Context, receipt access.Receipt, subject domain.ID, knownAt domain.Position, sees func(class string) bool) ([]contact.Recorded, error) {
	if !receipt.Covers(subject) {
		return nil, access.ErrNotCovered
	}
	var recs []contact.Recorded
	for _, p := range receipt.Subjects() {
		some, err := d.facts(ctx, p, 0, knownAt, maxFacts+1-len(recs))
		if err != nil {
			return nil, err
		}
		if recs = append(recs, some...); len(recs) > maxFacts {
			return nil, ErrLarge
		}
	}
	return recs, d.open(ctx, receipt, recs, parts(sees))
}

// At reads the fact at a position; it opens nothing.
func (d *Dossiers) At(ctx context.Context, p domain.Position) (*event.Fact, error) {
	return d.fact(ctx, p)
}
