package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/projections/internal/sqlfile"
)

// Find lists up to limit subjects whose current address or name has the token, in
// the order in which they took it, after cursor (0 at first), with the cursor to
// go on from, 0 at the end.
func (v *View) Find(ctx context.Context, kind token.Kind, t token.Token, cursor int64, limit int) (ids []domain.ID, next int64, err error) {
	entries, err := v.tokens.Find(ctx, v.file.Rows, kindByte(kind), t, cursor, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("find: %w", err)
	}
	for _, e := range entries {
		var id []byte
		if err := v.file.Row(ctx, "SELECT value FROM subject WHERE ref=?", []any{e.Ref}, &id); err != nil {
			return nil, 0, fmt.Errorf("find: %w", err)
		}
		ids = append(ids, domain.ID(id))
	}
	if len(entries) == limit && limit > 0 {
		next = entries[limit-1].Cell
	}
	return ids, next, nil
}

// FindAll is Find from the beginning for many tokens of one kind.
func (v *View) FindAll(ctx context.Context, kind token.Kind, tokens []token.Token, limit int) ([][]domain.ID, error) {
	keys := make([]sqlfile.BlindKey, len(tokens))
	for i, t := range tokens {
		keys[i] = sqlfile.BlindKey{Tag: kindByte(kind), Token: t}
	}
	found, err := v.tokens.FindAll(ctx, v.file.Rows, keys, limit)
	if err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	ids, err := v.idsOf(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	out := make([][]domain.ID, len(tokens))
	for i, entries := range found {
		for _, e := range entries {
			id, ok := ids[e.Ref]
			if !ok {
				return nil, fmt.Errorf("find: %w", sqlfile.ErrSheet)
			}
			out[i] = append(out[i], id)
		}
	}
	return out, nil
}

// idsOf are the subjects that entries refer to.
func (v *View) idsOf(ctx context.Context, found [][]sqlfile.BlindEntry) (map[int64]domain.ID, error) {
	var refs []int64
	for _, entries := range found {
		for _, e := range entries {
			refs = append(refs, e.Ref)
		}
	}
	slices.Sort(refs)
	out := make(map[int64]domain.ID, len(refs))
	for some := range slices.Chunk(slices.Compact(refs), 512) {
		list := []byte{'['}
		for i, r := range some {
			if i > 0 {
				list = append(list, ',')
			}
			list = strconv.AppendInt(list, r, 10)
		}
		rows, err := v.file.Rows(ctx, "SELECT s.ref,s.value FROM json_each(?) q CROSS JOIN subject s ON s.ref=q.value", string(append(list, ']')))
		if err != nil {
			return nil, err
		}
		for err == nil && rows.Next() {
			var ref int64
			var id []byte
			if err = rows.Scan(&ref, &id); err == nil {
				out[ref] = domain.ID(id)
			}
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return out, nil
}
