package index

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"greffe/domain"
)

// maxConnected bounds how many subjects one person may be merged of.
const maxConnected = 10_000

// Connected lists all subjects that are one person with subject by the merges
// and unmerges in the log below knownAt (exclusive), itself first, the others by
// order of first appearance. Of the merges and unmerges between the same two in
// the same direction the later time holds, then the later position. More than
// 10,000 subjects is ErrLarge.
func (x *Index) Connected(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error) {
	ref, err := x.ref(ctx, subject)
	if err != nil {
		return []domain.ID{subject}, ignoreUnknown(err)
	}
	refs, err := x.connected(ctx, ref, knownAt)
	if err != nil {
		return nil, err
	}
	if len(refs) == 1 {
		return []domain.ID{subject}, nil
	}
	ids, err := x.names(ctx, refs)
	return first(subject, ids), err
}

// first moves subject to the front.
func first(subject domain.ID, ids []domain.ID) []domain.ID {
	if i := slices.Index(ids, subject); i > 0 {
		copy(ids[1:], ids[:i])
		ids[0] = subject
	}
	return ids
}

// connected are the references of those who are one person with ref, in order.
func (x *Index) connected(ctx context.Context, ref int64, knownAt domain.Position) ([]int64, error) {
	seen := map[int64]bool{ref: true}
	for todo := []int64{ref}; len(todo) > 0; {
		next, err := x.neighbours(ctx, todo[0], knownAt)
		if err != nil {
			return nil, err
		}
		todo = todo[1:]
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
		if len(seen) > maxConnected {
			return nil, fmt.Errorf("connected subjects: %w", ErrLarge)
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// neighbours are the subjects one merge away in either direction.
func (x *Index) neighbours(ctx context.Context, ref int64, knownAt domain.Position) ([]int64, error) {
	rows, err := x.file.Rows(ctx,
		"SELECT a,b,time,position,merged FROM edge WHERE a=?1 AND position<?2 UNION ALL "+
			"SELECT a,b,time,position,merged FROM edge WHERE b=?1 AND position<?2", ref, clamp(knownAt))
	if err != nil {
		return nil, fmt.Errorf("connected subjects: %w", err)
	}
	defer rows.Close()
	type stamp struct {
		time, position int64
		merged         bool
	}
	last := map[[2]int64]stamp{}
	for rows.Next() {
		var e [2]int64
		var s stamp
		if err := rows.Scan(&e[0], &e[1], &s.time, &s.position, &s.merged); err != nil {
			return nil, fmt.Errorf("connected subjects: %w", err)
		}
		if o, ok := last[e]; !ok || s.time > o.time || s.time == o.time && s.position > o.position {
			last[e] = s
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("connected subjects: %w", err)
	}
	var out []int64
	for e, s := range last {
		if s.merged {
			out = append(out, e[0]+e[1]-ref)
		}
	}
	return out, nil
}

func (x *Index) names(ctx context.Context, refs []int64) ([]domain.ID, error) {
	out := make([]domain.ID, 0, len(refs))
	for _, r := range refs {
		var id []byte
		if err := x.file.Row(ctx, "SELECT value FROM subject WHERE ref=?", []any{r}, &id); err != nil {
			return nil, fmt.Errorf("connected subjects: %w", err)
		}
		out = append(out, domain.ID(id))
	}
	return out, nil
}

func ignoreUnknown(err error) error {
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	return err
}
