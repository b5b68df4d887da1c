// Package dossier reads one person's file: which facts there are by the index,
// the facts themselves from the log, their parts through eventstore/access. It
// keeps nothing; what it answers is as of the facts it read, so time travel by
// as_of (true at) and known_at (known at) is a matter of which facts are folded.
//
// It promises that nothing is opened without a receipt that covers every person
// whose parts are read, merged ones included: ask Persons first, record the
// access for all of them, then read. Somebody who was erased has no file any more:
// every view is an ErasedError, from the moment the erasure is ordered. What the
// ledger did with the person is still listed (History, Event; ask Everybody for
// whom the access is), each value that went as erased by the event that ordered
// it. It assumes the index has projected what the caller wants to see.
package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	// ErrErased: the person was erased. See ErasedError.
	ErrErased = contact.ErrErased
)

// ErasedError says which event ordered the erasure of the person, and when.
type ErasedError = contact.ErasedError

const (
	maxFacts = 100_000
	page     = 1000
)

// Class gives the retention class of a field's path under a version of the
// policy, or "" if it does not know.
type Class func(policy int64, path string) (string, error)

// Dossiers reads persons' files.
type Dossiers struct {
	log    eventstore.Log
	index  *index.Index
	reader *access.Reader
	class  Class
}

// Option changes how dossiers are read.
type Option func(*Dossiers)

// Classes tells which class a field is of, so that of a fact with several parts
// each value can be said to be erased or not. Without it, values of a fact that
// lost some of its parts are shown as withheld.
func Classes(c Class) Option { return func(d *Dossiers) { d.class = c } }

// New reads from these.
func New(log eventstore.Log, x *index.Index, r *access.Reader, options ...Option) *Dossiers {
	d := &Dossiers{log: log, index: x, reader: r, class: func(int64, string) (string, error) { return "", nil }}
	for _, o := range options {
		o(d)
	}
	return d
}

// Persons lists everybody who is one person with subject by the merges known
// below knownAt, subject first: those whom an access to the file is about. Of
// somebody who was erased it is an ErasedError, whatever was known when.
func (d *Dossiers) Persons(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error) {
	p, err := d.person(ctx, subject)
	if err != nil {
		return nil, err
	}
	if c := p.Of(subject); c.Erased() {
		return nil, &ErasedError{By: c.By, At: domain.NewTime(c.At)}
	}
	return d.connected(ctx, p, subject, knownAt)
}

// Everybody is Persons for those who look at what was done: it lists the erased
// as well.
func (d *Dossiers) Everybody(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error) {
	p, err := d.person(ctx, subject)
	if err != nil {
		return nil, err
	}
	return d.connected(ctx, p, subject, knownAt)
}

// connected is who was one person with subject as known below knownAt.
func (d *Dossiers) connected(ctx context.Context, p *index.Person, subject domain.ID, knownAt domain.Position) ([]domain.ID, error) {
	if knownAt < p.Below {
		return d.index.Connected(ctx, subject, knownAt)
	}
	return p.IDs(subject), nil
}

// person is who subject is by now, or ErrUnknown.
func (d *Dossiers) person(ctx context.Context, subject domain.ID) (*index.Person, error) {
	p, err := d.index.Person(ctx, subject)
	if errors.Is(err, index.ErrUnknown) {
		return nil, ErrUnknown
	}
	return p, err
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
	return d.at(ctx, places, err)
}

// latest are the last facts in [from, to) about one person, the newest first.
func (d *Dossiers) latest(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]contact.Recorded, error) {
	places, err := d.index.Latest(ctx, subject, from, to, limit)
	return d.at(ctx, places, err)
}

func (d *Dossiers) at(ctx context.Context, places []domain.Position, err error) ([]contact.Recorded, error) {
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

// View folds everything about subject and whom it is merged with, true at asOf,
// known below knownAt.
func (d *Dossiers) View(ctx context.Context, receipt access.Receipt, subject domain.ID, asOf time.Time, knownAt domain.Position) (*contact.View, error) {
	recs, err := d.everything(ctx, receipt, subject, knownAt)
	if err != nil {
		return nil, err
	}
	return contact.Fold(subject, recs, asOf), nil
}

// Inputs are the facts that View folds, in the order of the ledger; nothing is opened.
func (d *Dossiers) Inputs(ctx context.Context, receipt access.Receipt, subject domain.ID, asOf time.Time, knownAt domain.Position) ([]contact.Recorded, error) {
	recs, err := d.gather(ctx, receipt, subject, knownAt)
	if err != nil {
		return nil, err
	}
	recs = slices.DeleteFunc(recs, func(r contact.Recorded) bool { return r.Fact.Time.After(asOf) })
	slices.SortFunc(recs, func(a, b contact.Recorded) int { return cmp.Compare(a.Position, b.Position) })
	return recs, nil
}

// everything reads and opens all facts about one person: about subject and
// those whom the access was recorded for with it, as Persons told. Whoever is
// not connected with subject is left out by the fold.
func (d *Dossiers) everything(ctx context.Context, receipt access.Receipt, subject domain.ID, knownAt domain.Position) ([]contact.Recorded, error) {
	recs, err := d.gather(ctx, receipt, subject, knownAt)
	if err != nil {
		return nil, err
	}
	return recs, d.open(ctx, receipt, recs)
}

// gather is everything without opening.
func (d *Dossiers) gather(ctx context.Context, receipt access.Receipt, subject domain.ID, knownAt domain.Position) ([]contact.Recorded, error) {
	if !receipt.Covers(subject) {
		return nil, access.ErrNotCovered
	}
	if err := d.erased(ctx, subject); err != nil {
		return nil, err
	}
	var recs []contact.Recorded
	for _, p := range receipt.Subjects() {
		some, err := d.facts(ctx, p, 0, knownAt, maxFacts+1-len(recs))
		if err != nil {
			return nil, err
		}
		gone := d.erased(ctx, p)
		switch {
		case errors.Is(gone, ErrErased):
			some = slices.DeleteFunc(some, func(r contact.Recorded) bool { return !outlives(r.Fact.Type) })
		case gone != nil:
			return nil, gone
		}
		if recs = append(recs, some...); len(recs) > maxFacts {
			return nil, ErrLarge
		}
	}
	return recs, nil
}

// At reads the fact at a position; it opens nothing.
func (d *Dossiers) At(ctx context.Context, p domain.Position) (*event.Fact, error) {
	return d.fact(ctx, p)
}
