package decisions

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

// maxRecords bounds the facts of one person that one decision reads.
const maxRecords = 20_000

// errLarge: more facts about one person than one decision takes; it denies.
var errLarge = errors.New("more facts about one person than one decision takes")

// file is what the store has of one subject, as known below a position.
type file struct {
	subject domain.ID
	records []record
	erased  bool // records is the tombstone alone
	merged  bool // it was merged or unmerged at some time
	large   bool // there are more records than are read, and none of them is here
	last    domain.Position
}

// clamp brings a position into the range of those stored.
func clamp(p domain.Position) int64 { return int64(min(p, math.MaxInt64)) }

// load reads the facts about subject below a position. A tombstone is there for
// every position.
func (s *Store) load(ctx context.Context, subject domain.ID, below domain.Position) (*file, error) {
	files, err := s.loadAll(ctx, []domain.ID{subject}, below)
	if err != nil {
		return nil, err
	}
	if files[0].large {
		return nil, errLarge
	}
	return files[0], nil
}

const loadedTogether = 128 // persons read by one query

// loadAll reads the facts about many, in their order.
func (s *Store) loadAll(ctx context.Context, subjects []domain.ID, below domain.Position) ([]*file, error) {
	files := make([]*file, len(subjects))
	for i, id := range subjects {
		files[i] = &file{subject: id}
	}
	for some := range slices.Chunk(files, loadedTogether) {
		if err := s.loadSome(ctx, some, below); err != nil {
			return nil, fmt.Errorf("facts of persons: %w", err)
		}
	}
	notices := map[domain.ID]bool{}
	for _, f := range files {
		if err := s.complete(ctx, f, below, notices); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s *Store) loadSome(ctx context.Context, files []*file, below domain.Position) error {
	for len(files) > 0 {
		done, err := s.loadFirst(ctx, files, below)
		if err != nil {
			return err
		}
		files = files[done:]
	}
	return nil
}

// loadFirst reads for the first of files, and stops behind one that is too large.
func (s *Store) loadFirst(ctx context.Context, files []*file, below domain.Position) (done int, err error) {
	list := []byte{'['}
	for i, f := range files {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(hex.AppendEncode(append(list, '"'), f.subject[:]), '"')
	}
	rows, err := s.file.Rows(ctx, "SELECT q.key,c.key,c.data FROM json_each(?) q CROSS JOIN subject s ON s.value=unhex(q.value) "+
		"CROSS JOIN chunk c ON c.key>=s.ref<<16 AND c.key<=(s.ref<<16|65535)", string(append(list, ']')))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	last, lastKey := 0, int64(0)
	for rows.Next() {
		var i int
		var key int64
		var data sql.RawBytes
		if err := rows.Scan(&i, &key, &data); err != nil {
			return 0, err
		}
		if i < last || i >= len(files) || i == last && key <= lastKey {
			return 0, errChunk // joined in another order
		}
		last, lastKey = i, key
		f := files[i]
		if f.records, f.erased, err = readChunk(f.records, data, below); err != nil {
			return 0, err
		}
		if len(f.records) > maxRecords {
			f.large, f.records = true, nil
			return i + 1, nil
		}
	}
	return len(files), rows.Err()
}

// complete fills in what does not lie with the person.
func (s *Store) complete(ctx context.Context, f *file, below domain.Position, notices map[domain.ID]bool) error {
	for i := range f.records {
		r := &f.records[i]
		if id := r.fact.Codes.ID("notice"); !id.IsZero() {
			held, known := notices[id]
			if !known {
				var err error
				if held, err = s.published(ctx, id, below); err != nil {
					return err
				}
				notices[id] = held
			}
			r.fact = *consent.Completed(&r.fact, func(domain.ID) bool { return held })
		}
		t := r.fact.Type
		f.merged = f.merged || t == event.ContactMerged || t == event.ContactUnmerged
		f.last = r.position
	}
	return nil
}

// published reports whether the text of a notice was held below a position.
func (s *Store) published(ctx context.Context, id domain.ID, below domain.Position) (bool, error) {
	var n int
	err := s.file.Row(ctx, "SELECT count(*) FROM notice WHERE id=? AND position<?", []any{id[:], clamp(below)}, &n)
	if err != nil {
		return false, fmt.Errorf("published notices: %w", err)
	}
	return n > 0, nil
}

// PolicyVersion is the version of the policy in force just below a position.
func (s *Store) PolicyVersion(ctx context.Context, below domain.Position) (version int64, err error) {
	err = s.file.Row(ctx, "SELECT version FROM policy WHERE position<? ORDER BY position DESC LIMIT 1", []any{clamp(below)}, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("policy in force at position %d: %w", below, ErrNoPolicy)
	}
	if err != nil {
		return 0, fmt.Errorf("policy in force at position %d: %w", below, err)
	}
	return version, nil
}

// Gone is nil if nothing is left of an erased person but the tombstone, in the
// file, its write-ahead log and memory; ErrHeld until then.
func (s *Store) Gone(ctx context.Context, subject domain.ID) error {
	s.cache.forget(subject)
	f, err := s.load(ctx, subject, math.MaxInt64)
	if errors.Is(err, errLarge) || err == nil && len(f.records) > 0 && !f.erased {
		return ErrHeld
	}
	if err != nil {
		return err
	}
	if !f.erased {
		return nil // there never was anything
	}
	return s.file.Scrub(ctx, f.last+1)
}
