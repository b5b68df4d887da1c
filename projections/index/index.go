// Package index says where in the log things are: which positions are about a
// subject, where an event id is, which facts belong to a quarantined input, where
// each producer's name is, which subjects are one person by merges, and who was
// erased by what. What producers sent is with projections/completeness.
//
// It holds our own uuids, positions and times only. Promises,
// assumptions and what a crash leaves are those of projections and
// projections/internal/sqlfile: content is the fold of the facts below the
// checkpoint; power loss at worst takes the last batches back, whole. An erasure
// leaves it as it is: positions of facts are to be found for ever.
package index

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// ErrLarge: more subjects are merged into one person than one answer takes.
var ErrLarge = errors.New("one person is merged of more subjects than one answer takes")

// Index is the projection. Its queries may run beside Apply.
type Index struct {
	file     *sqlfile.File
	subjects *sqlfile.Interner
	places   *sqlfile.Runs
	tail     []byte // ids of the block last written; nil: not read
	persons  persons
}

var _ projections.Projection = (*Index)(nil)

// Open opens or makes the index at path.
func Open(path string, o sqlfile.Options) (*Index, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	return &Index{file: f, subjects: sqlfile.NewInterner("subject"), places: sqlfile.NewRuns("place")}, nil
}

// Close releases the file.
func (x *Index) Close() error { return x.file.Close() }

// Name implements projections.Projection.
func (x *Index) Name() string { return "index" }

// Checkpoint implements projections.Projection.
func (x *Index) Checkpoint(ctx context.Context) (domain.Position, error) {
	return x.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (x *Index) Reset(ctx context.Context) error {
	x.forget()
	x.persons.forget()
	defer x.persons.settle()
	return x.file.Reset(ctx)
}

func (x *Index) forget() {
	x.subjects.Forget()
	x.places.Forget()
	x.tail = nil
}

// Apply implements projections.Projection.
func (x *Index) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed {
			x.forget()
		}
	}()
	defer x.persons.settle()
	err := x.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		b := batch{x: x, tx: tx, places: make([]sqlfile.Entry, 0, 2*len(fresh))}
		for _, f := range fresh {
			if err := b.fact(f); err != nil {
				return err
			}
		}
		if err := b.closeIDs(fresh[len(fresh)-1].Position); err != nil {
			return err
		}
		if err := b.flush(); err != nil {
			return err
		}
		x.persons.change(fresh)
		return nil
	})
	committed = err == nil
	return err
}

// batch is one transaction's work.
type batch struct {
	x      *Index
	tx     *sqlfile.Tx
	places []sqlfile.Entry
}

func (b *batch) fact(f projections.Fact) error {
	if err := b.id(f); err != nil {
		return err
	}
	if err := b.mark(f); err != nil {
		return err
	}
	if !f.Subject.IsZero() {
		ref, err := b.ref(f.Subject, f.Type == event.ContactCreated)
		if err != nil {
			return err
		}
		b.places = append(b.places, sqlfile.Entry{Key: ref, Value: int64(f.Position)})
		if f.Type == event.ContactMerged || f.Type == event.ContactUnmerged {
			if err := b.edge(f, ref); err != nil {
				return err
			}
		}
		if err := b.erasure(f, ref); err != nil {
			return err
		}
	}
	for i := range f.Parts {
		if o := f.Parts[i].Owner; o.Kind == part.Quarantine {
			if err := b.quarantine(o.ID, f.Position); err != nil {
				return err
			}
		}
	}
	if item := itemOf(f.Fact); !item.IsZero() {
		if err := b.quarantine(item, f.Position); err != nil {
			return err
		}
	}
	if f.Type == event.ProducerRegistered {
		_, err := b.tx.Exec(putRegistered, f.Source[:], int64(f.Position))
		return err
	}
	return nil
}

// itemOf is the quarantined input that a fact sets aside, under its own id, or
// releases.
func itemOf(f *event.Fact) domain.ID {
	switch f.Type {
	case event.IngestQuarantined:
		return f.ID
	case event.IngestReleased:
		return f.Codes.ID("item")
	}
	return domain.ID{}
}

func (b *batch) ref(id domain.ID, fresh bool) (int64, error) {
	ref, _, err := b.x.subjects.Bytes(b.tx, id[:], fresh)
	return ref, err
}

func (b *batch) quarantine(item domain.ID, p domain.Position) error {
	_, err := b.tx.Exec(putQuarantine, item[:], int64(p))
	return err
}

// edge keeps every merge and unmerge; which one holds is decided on reading.
func (b *batch) edge(f projections.Fact, ref int64) error {
	into := f.Codes.ID("into")
	if into.IsZero() {
		return fmt.Errorf("%s names no contact it goes into", f.Type)
	}
	other, err := b.ref(into, false)
	if err != nil {
		return err
	}
	merged := int64(0)
	if f.Type == event.ContactMerged {
		merged = 1
	}
	_, err = b.tx.Exec(putEdge, ref, other, int64(f.Position), f.Time.UnixMicro(), merged)
	return err
}

// mark writes the time of recording of every 256th fact.
func (b *batch) mark(f projections.Fact) error {
	if f.Position%every != 0 {
		return nil
	}
	_, err := b.tx.Exec(putMark, int64(f.Position/every), f.Recorded.UnixMicro())
	return err
}

func (b *batch) flush() error {
	return b.x.places.Add(b.tx, b.places)
}
