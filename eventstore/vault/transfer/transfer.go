package transfer

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrNotEmpty: the vault to import into holds something. Nothing was changed.
	ErrNotEmpty = errors.New("the vault to import into is not empty")
	// ErrPartial: an import into this vault did not end. Import again, or remove the
	// vault and begin with an empty one.
	ErrPartial = errors.New("an import into this vault did not end; import again, or remove it")
	// ErrStream: the records do not make a vault. Nothing of them will be shown.
	ErrStream = errors.New("the records to import do not make a vault")
	// ErrMoved: the vault was written to while it was read in place.
	ErrMoved = errors.New("the vault was written to while it was read")
)

// Source is a vault that can be read whole.
type Source interface {
	// Snapshot fixes the instant. vault.ErrRetoken: a change of all tokens must end
	// first.
	Snapshot(ctx context.Context) (Reader, error)
}

// Reader is a snapshot. One goroutine at a time.
type Reader interface {
	// Total is about how many records there are.
	Total() int64
	// Each calls fn for each record, and returns its first error as it is. The record
	// is fn's. Calling it again reads again.
	Each(ctx context.Context, fn func(Record) error) error
	// Close releases the snapshot. Closing again is nil.
	Close() error
}

// Target is a vault that can be filled.
type Target interface {
	// Import begins, emptying the vault if an earlier import did not end; ErrNotEmpty
	// for any other vault that holds something but leases. It returns when a crash
	// would leave a vault that answers ErrPartial.
	Import(ctx context.Context) (Writer, error)
}

// Writer is an import. One goroutine at a time.
type Writer interface {
	// Write takes records in the order of their stream; ErrStream for what cannot
	// follow what came before. It keeps nothing of them.
	Write(ctx context.Context, records []Record) error
	// Commit returns nil when all is durable and the vault open to everybody.
	Commit(ctx context.Context) error
	// Close ends an import that was not committed: the vault stays partial. After
	// Commit, and again, it does nothing.
	Close() error
}

// The bounds of one Write.
const (
	someRecords = 4_000
	someBytes   = 4 << 20
)

// Copy imports a snapshot of a source into a target and says what it copied.
// progress, if not nil, is told of records, about every four thousand.
func Copy(ctx context.Context, from Source, to Target, progress func(done, total int64)) (*Summary, error) {
	r, err := from.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("transfer: snapshot: %w", err)
	}
	s, err := CopyFrom(ctx, r, to, progress)
	return s, errors.Join(err, r.Close())
}

// CopyFrom is Copy of a snapshot, which it leaves open.
func CopyFrom(ctx context.Context, r Reader, to Target, progress func(done, total int64)) (_ *Summary, err error) {
	w, err := to.Import(ctx)
	if err != nil {
		return nil, fmt.Errorf("transfer: import: %w", err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	sum := &summing{}
	var some []Record
	bytes, total := 0, r.Total()
	flush := func() error {
		err := w.Write(ctx, some)
		clear(some)
		some, bytes = some[:0], 0
		if progress != nil {
			n := sum.Records()
			progress(n, max(n, total))
		}
		return err
	}
	err = r.Each(ctx, func(rec Record) error {
		sum.add(rec)
		some = append(some, rec)
		if bytes += rec.size(); bytes >= someBytes || len(some) >= someRecords {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = w.Commit(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("transfer: %w", err)
	}
	return &sum.Summary, nil
}

// Summarize reads a source whole and counts it.
func Summarize(ctx context.Context, from Source, progress func(done, total int64)) (*Summary, error) {
	r, err := from.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("transfer: snapshot: %w", err)
	}
	s, err := SummarizeOf(ctx, r, progress)
	return s, errors.Join(err, r.Close())
}

// SummarizeOf is Summarize of a snapshot, which it leaves open.
func SummarizeOf(ctx context.Context, r Reader, progress func(done, total int64)) (*Summary, error) {
	sum, total := &summing{}, r.Total()
	err := r.Each(ctx, func(rec Record) error {
		sum.add(rec)
		if n := sum.Records(); progress != nil && n%someRecords == 0 {
			progress(n, max(n, total))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("transfer: %w", err)
	}
	return &sum.Summary, nil
}

// Order checks that records come as a stream of theirs must. The zero Order is at the
// beginning. An import asks it of each.
type Order struct {
	began bool
	state State
	batch Batch
	rows  int // of the batch, so far
}

// Take reports ErrStream for a record that cannot follow those before.
func (o *Order) Take(r Record) error {
	switch r := r.(type) {
	case State:
		if o.began || r.Generation < 1 || r.Next < 1 {
			return ErrStream
		}
		o.began, o.state = true, r
		return nil
	case Batch:
		if o.rows != o.batch.Rows || r.Number <= o.batch.Number || r.Rows < 1 || r.Number >= o.state.Next {
			return ErrStream
		}
		o.batch, o.rows = r, 0
	case Row:
		if r.Number != o.batch.Number || r.Index != o.rows || r.Index >= o.batch.Rows || !o.batch.Pending && len(r.Fact) > 0 {
			return ErrStream
		}
		o.rows++
	case nil:
		return ErrStream
	}
	if !o.began {
		return ErrStream
	}
	return nil
}

// End reports ErrStream if records are missing, and gives the stream's state.
func (o *Order) End() (State, error) {
	if !o.began || o.rows != o.batch.Rows {
		return o.state, ErrStream
	}
	return o.state, nil
}
