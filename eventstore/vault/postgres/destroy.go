package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

const (
	destroyKeys = 1000   // owners marked in one transaction
	dropKeepers = 200    // owners who keep something that lose the rest in one transaction
	dropEvents  = 20_000 // events that lose something in one transaction
)

// markOwners keeps the first mark.
const markOwners = `INSERT INTO owner (owner, rev, destroyed, doomed_by, doomed_at)
	SELECT unnest($1::bytea[]), 0, true, unnest($2::bytea[]), unnest($3::bigint[])
	ON CONFLICT (owner) DO UPDATE SET rev = 0, destroyed = true, doomed_by = excluded.doomed_by, doomed_at = excluded.doomed_at
	WHERE NOT owner.destroyed`

// Destroy implements vault.Store: the key rows, their files, then what lies in cells,
// those files, then the write-ahead log (scrub.go). Each step can be repeated at any
// point; until Destroy returns nil, traces may be left.
func (s *Store) Destroy(ctx context.Context, dooms []vault.Doom) error {
	if len(dooms) == 0 {
		return s.idle(ctx, "destroy")
	}
	if err := vault.CheckDooms(dooms); err != nil {
		return err
	}
	if err := s.destroyRows(ctx, dooms); err != nil {
		return err
	}
	whole, some := s.sorted(dooms)
	if err := s.mark(ctx, whole); err != nil {
		return err
	}
	wrapped, cells := s.tables(dooms)
	if err := s.rewrite(ctx, wrapped); err != nil {
		return err
	}
	if err := s.dropCells(ctx, whole, some); err != nil {
		return err
	}
	if err := s.rewrite(ctx, cells); err != nil {
		return err
	}
	return s.scrub(ctx)
}

// Redact implements vault.Store, in the same way.
func (s *Store) Redact(ctx context.Context, parts []vault.PartID) error {
	if len(parts) == 0 {
		return s.idle(ctx, "redact")
	}
	type columns struct {
		seqs    []int64
		classes [][]byte
	}
	work := map[int]*columns{}
	err := s.read(ctx, "redact", func(ctx context.Context, conn *pgx.Conn) error {
		events := make([]domain.ID, len(parts))
		for i := range parts {
			events[i] = parts[i].Event
		}
		found, err := s.places(ctx, conn, events)
		if err != nil {
			return err
		}
		clear(work)
		for _, p := range parts {
			for _, k := range found[p.Event].buckets {
				if work[int(k)] == nil {
					work[int(k)] = &columns{}
				}
				c := work[int(k)]
				c.seqs, c.classes = append(c.seqs, found[p.Event].seq), append(c.classes, []byte(p.Class))
			}
		}
		b := &pgx.Batch{}
		for _, k := range slices.Sorted(maps.Keys(work)) {
			b.Queue(s.buckets[k].dropParts, work[k].seqs, work[k].classes)
		}
		return together(ctx, conn, b)
	})
	if err != nil {
		return err
	}
	var cells []string
	for _, k := range slices.Sorted(maps.Keys(work)) {
		cells = append(cells, s.buckets[k].cell)
	}
	if err := s.rewrite(ctx, cells); err != nil {
		return err
	}
	return s.scrub(ctx)
}

// idle answers a call that has nothing to do.
func (s *Store) idle(ctx context.Context, op string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("vault: %s: %w", op, err)
	}
	if s.closed {
		return fmt.Errorf("vault: %s: %w", op, vault.ErrClosed)
	}
	return nil
}

// tables are those that hold something of dooms' owners, in order.
func (s *Store) tables(dooms []vault.Doom) (wrapped, cells []string) {
	touched, keyed := map[int]bool{}, map[int]bool{}
	for i := range dooms {
		touched[s.bucketOf(dooms[i].Owner)], keyed[s.keyBucketOf(dooms[i].Owner)] = true, true
	}
	for _, k := range slices.Sorted(maps.Keys(keyed)) {
		wrapped = append(wrapped, s.buckets[k].wrapped)
	}
	for _, k := range slices.Sorted(maps.Keys(touched)) {
		cells = append(cells, s.buckets[k].cell)
	}
	return wrapped, cells
}

// sorted splits dooms by bucket: owners doomed altogether, each once with its first
// doom, and the others.
func (s *Store) sorted(dooms []vault.Doom) (whole, some map[int][]*vault.Doom) {
	whole, some = map[int][]*vault.Doom{}, map[int][]*vault.Doom{}
	seen := map[part.Owner]bool{}
	for i := range dooms {
		d := &dooms[i]
		k := s.bucketOf(d.Owner)
		if !d.All() {
			some[k] = append(some[k], d)
		} else if !seen[d.Owner] {
			seen[d.Owner] = true
			whole[k] = append(whole[k], d)
		}
	}
	return whole, some
}

// mark marks owners destroyed and deletes their key rows, some at a time.
func (s *Store) mark(ctx context.Context, whole map[int][]*vault.Doom) error {
	var all []*vault.Doom
	for _, dooms := range whole {
		all = append(all, dooms...)
	}
	slices.SortFunc(all, func(a, b *vault.Doom) int { return bytes.Compare(ownerKey(a.Owner), ownerKey(b.Owner)) })
	for some := range slices.Chunk(all, destroyKeys) {
		err := s.read(ctx, "destroy keys", func(ctx context.Context, conn *pgx.Conn) error {
			owners, by, at := make([][]byte, len(some)), make([][]byte, len(some)), make([]int64, len(some))
			spread := map[int][][]byte{}
			for i, d := range some {
				owners[i], by[i], at[i] = ownerKey(d.Owner), d.By[:], d.At
				k := s.keyBucketOf(d.Owner)
				spread[k] = append(spread[k], owners[i])
			}
			b := &pgx.Batch{}
			b.Queue(markOwners, owners, by, at)
			for _, k := range slices.Sorted(maps.Keys(spread)) {
				b.Queue(s.buckets[k].dropWrapped, spread[k])
			}
			return together(ctx, conn, b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// destroyRows writes the rows of dooms that have one, all or none. Rows that are as
// they are to be already are left alone.
func (s *Store) destroyRows(ctx context.Context, dooms []vault.Doom) error {
	var rows []vault.KeyWrite
	for i := range dooms {
		if dooms[i].Row != nil {
			rows = append(rows, *dooms[i].Row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return s.read(ctx, "destroy keys", func(ctx context.Context, conn *pgx.Conn) error {
		owners := make([]part.Owner, len(rows))
		for i := range rows {
			owners[i] = rows[i].Owner
		}
		// Who changes a row meanwhile makes queueKeys' own check fail.
		have, torn, err := s.keys(ctx, conn, owners)
		if err != nil || torn {
			return cmpErr(err, torn)
		}
		var todo []vault.KeyWrite
		spread := map[int]bool{}
		for i, w := range rows {
			if h := have[i]; !h.Destroyed && h.Rev == w.Rev+1 && bytes.Equal(h.Wrapped, w.Wrapped) {
				continue
			}
			todo = append(todo, w)
			spread[s.keyBucketOf(w.Owner)] = true
		}
		b := &pgx.Batch{}
		s.queueKeys(b, todo, nil)
		for _, k := range slices.Sorted(maps.Keys(spread)) {
			b.Queue(markDirty(s.buckets[k].wrapped, "true"))
		}
		return together(ctx, conn, b)
	})
}

// cmpErr is err, or what says that a row went while it was read.
func cmpErr(err error, torn bool) error {
	if err == nil && torn {
		err = own{fmt.Errorf("not committed: %w", vault.ErrStale)}
	}
	return err
}

// dropCells deletes what dooms take, some events at a time: of owners doomed altogether
// in all buckets together, a round trip and a commit each time.
func (s *Store) dropCells(ctx context.Context, whole, some map[int][]*vault.Doom) error {
	left := slices.Sorted(maps.Keys(whole))
	for len(left) > 0 {
		var more []int
		err := s.long(ctx, "destroy rows", func(ctx context.Context, conn *pgx.Conn) error {
			more = nil
			b := &pgx.Batch{}
			for _, k := range left {
				owners := make([][]byte, len(whole[k]))
				for i, d := range whole[k] {
					owners[i] = ownerKey(d.Owner)
				}
				b.Queue(s.buckets[k].dropCells, owners, max(1, dropEvents/len(left))).Exec(func(tag pgconn.CommandTag) error {
					if tag.RowsAffected() > 0 {
						more = append(more, k)
					}
					return nil
				})
			}
			return together(ctx, conn, b)
		})
		if err != nil {
			return err
		}
		left = more
	}
	var rest []*vault.Doom
	for _, k := range slices.Sorted(maps.Keys(some)) {
		rest = append(rest, some[k]...)
	}
	for dooms := range slices.Chunk(rest, dropKeepers) {
		if err := s.dropClasses(ctx, dooms); err != nil {
			return err
		}
	}
	return nil
}

// dropClasses deletes what dooms of owners who keep something take, some events at a
// time: two round trips and a commit each time, however many owners.
func (s *Store) dropClasses(ctx context.Context, left []*vault.Doom) error {
	last := make([]int64, len(left))
	for i := range last {
		last[i] = -1
	}
	for len(left) > 0 {
		limit := max(1, dropEvents/len(left))
		seqs := make([][]int64, len(left))
		err := s.long(ctx, "destroy rows", func(ctx context.Context, conn *pgx.Conn) error {
			anchors, drops := &pgx.Batch{}, &pgx.Batch{}
			for i, d := range left {
				anchors.Queue(s.buckets[s.bucketOf(d.Owner)].anchors, ownerKey(d.Owner), last[i], limit).Query(func(rows pgx.Rows) (err error) {
					seqs[i], err = pgx.CollectRows(rows, pgx.RowTo[int64])
					return err
				})
			}
			if err := together(ctx, conn, anchors); err != nil {
				return err
			}
			for i, d := range left {
				if len(seqs[i]) > 0 {
					classes, epochs := columnsOf(d.Keys)
					drops.Queue(s.buckets[s.bucketOf(d.Owner)].dropClasses, ownerKey(d.Owner), seqs[i], classes, epochs, d.Tokens, d.Indexed)
				}
			}
			return together(ctx, conn, drops)
		})
		if err != nil {
			return err
		}
		var more []*vault.Doom
		var from []int64
		for i, d := range left {
			if n := len(seqs[i]); n == limit {
				more, from = append(more, d), append(from, seqs[i][n-1])
			}
		}
		left, last = more, from
	}
	return nil
}

func columnsOf(keys []vault.ClassEpoch) (classes, epochs [][]byte) {
	classes, epochs = make([][]byte, len(keys)), make([][]byte, len(keys))
	for i, key := range keys {
		classes[i], epochs[i] = []byte(key.Class), []byte(key.Epoch)
	}
	return classes, epochs
}
