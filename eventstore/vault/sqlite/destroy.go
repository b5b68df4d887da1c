package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"greffe/domain/part"
)

const (
	destroyRows = 1000 // rows zeroed in one transaction
	emptyTries  = 5    // attempts to empty the write-ahead log
	emptyWait   = 50 * time.Millisecond
)

// Destroy implements vault.Store: keys in a first transaction, then what the
// owners have in rows, then the write-ahead log, then a look at the result. It
// can be repeated at any point; until it returns nil, traces may be left.
func (s *Store) Destroy(ctx context.Context, owners []part.Owner) error {
	if len(owners) == 0 {
		return nil
	}
	if _, err := s.write(ctx, "destroy keys", 0, func(t *txn) error { return t.destroyKeys(owners) }); err != nil {
		return err
	}
	if err := s.destroyRows(ctx, owners); err != nil {
		return err
	}
	if err := s.empty(ctx); err != nil {
		return err
	}
	return s.verifyGone(ctx, owners)
}

func (t *txn) destroyKeys(owners []part.Owner) error {
	states, err := t.owners(t.c, owners)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if st := states[o]; st.rev > 0 && !st.destroyed && !t.delta.owners[o].destroyed {
			if _, err := t.editSlot(st.slot, 0, nil); err != nil {
				return err
			}
		}
		t.delta.owners[o] = ownerState{destroyed: true}
	}
	return nil
}

// held is a row that holds something of an owner.
type held struct {
	seq   int64
	owner part.Owner
}

func (s *Store) destroyRows(ctx context.Context, owners []part.Owner) error {
	var work []held
	flush := func() error {
		if len(work) == 0 {
			return nil
		}
		_, err := s.write(ctx, "destroy rows", 0, func(t *txn) error { return t.wipe(work) })
		work = work[:0]
		return err
	}
	for _, o := range owners {
		err := s.eachHeld(ctx, o, func(seq int64) error {
			if work = append(work, held{seq, o}); len(work) < destroyRows {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
	}
	return flush()
}

// eachHeld calls fn with the seqs posted for an owner, ascending, holding
// nothing meanwhile.
func (s *Store) eachHeld(ctx context.Context, o part.Owner, fn func(seq int64) error) error {
	h := hashOwner(o)
	for last := int64(-1); ; {
		seqs := s.hotPostings(h, last)
		err := s.read(ctx, "find rows", func(c *conn) error {
			return c.query("SELECT seq FROM posting WHERE owner=? AND seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seqs = append(seqs, integer(row[0]))
				return nil
			}, h, last, int64(destroyRows))
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		slices.Sort(seqs)
		seqs = slices.Compact(seqs)
		seqs = seqs[:min(len(seqs), destroyRows)]
		for _, seq := range seqs {
			if err := fn(seq); err != nil {
				return err
			}
		}
		last = seqs[len(seqs)-1]
	}
}

// hotPostings copies the postings of a hash beyond last that are in memory.
func (s *Store) hotPostings(h, last int64) (seqs []int64) {
	s.hot(func(g *generation) {
		for _, seq := range g.postings[h] {
			if seq > last {
				seqs = append(seqs, seq)
			}
		}
	})
	return seqs
}

// wipe zeroes what the owners have in the rows, chunk by chunk.
func (t *txn) wipe(work []held) error {
	slices.SortFunc(work, func(a, b held) int { return cmp.Compare(a.seq, b.seq) })
	for len(work) > 0 {
		first, data, err := chunkOf(t.c, work[0].seq)
		if err != nil {
			return err
		}
		n, changed := 0, false
		err = decodeRows(first, data, func(seq int64, r *stored) error {
			for ; n < len(work) && work[n].seq == seq; n++ {
				changed = changed || r.owned(work[n].owner)
				r.wipe(work[n].owner)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return errDamaged
		}
		if work = work[n:]; !changed {
			continue
		}
		if _, err := t.c.exec("UPDATE chunk SET data=? WHERE seq=?", data, first); err != nil {
			return err
		}
	}
	return nil
}

// empty moves the write-ahead log into the file and cuts it to nothing, with
// readers held off; another process's reader is waited for a bounded time.
func (s *Store) empty(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("vault: destroy: traces may be left: %w", err)
	}
	defer s.give()
	s.gate.Lock()
	defer s.gate.Unlock()
	for try := 1; ; try++ {
		busy, err := s.w.one("PRAGMA wal_checkpoint(TRUNCATE)")
		if err != nil {
			return fmt.Errorf("vault: destroy: traces may be left: %w", s.poison(err))
		}
		if busy == 0 {
			break
		}
		if try == emptyTries {
			return errors.New("vault: destroy: traces may be left in the write-ahead log: another process reads the vault; stop it and destroy again")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("vault: destroy: traces may be left: %w", ctx.Err())
		case <-time.After(emptyWait):
		}
	}
	if info, err := os.Stat(s.path + "-wal"); err == nil && info.Size() > 0 {
		return errors.New("vault: destroy: traces may be left: the write-ahead log is not empty")
	}
	return nil
}

// verifyGone reads back what was destroyed.
func (s *Store) verifyGone(ctx context.Context, owners []part.Owner) error {
	errLeft := errors.New("vault: destroy: something of an owner is left")
	keys, err := s.Keys(ctx, owners)
	if err != nil {
		return err
	}
	for i, o := range owners {
		if !keys[i].Destroyed {
			return errLeft
		}
		err := s.eachHeld(ctx, o, func(seq int64) error {
			return s.read(ctx, "verify", func(c *conn) error {
				first, data, err := chunkOf(c, seq)
				if err != nil {
					return err
				}
				row, err := rowAt(first, seq, data)
				if err == nil && (row == nil || row.owned(o)) {
					err = errLeft
				}
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
