package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"greffe/domain/part"
	"greffe/eventstore/vault"
)

const (
	emptyTries = 5 // attempts to empty the write-ahead log
	emptyWait  = 50 * time.Millisecond
)

// wipe zeroes what work says, which is in order of seq, in short transactions.
func (s *Store) wipe(ctx context.Context, work []target) error {
	return s.inSteps(ctx, wipeChunks, func(most int) (more bool, err error) {
		if len(work) == 0 {
			return false, nil
		}
		n := 0
		_, err = s.write(ctx, "destroy rows", 0, func(t *txn) (err error) {
			n, err = t.wipe(work, most)
			return err
		})
		if err == nil {
			work = work[n:]
		}
		return len(work) > 0, err
	})
}

// inSteps calls step, with the most it may do in one transaction, while there is
// more. When the disk is full, it moves the write-ahead log into the file, which
// gives its room back, and goes on in smaller steps.
func (s *Store) inSteps(ctx context.Context, most int, step func(most int) (more bool, err error)) error {
	const smaller = 8
	for tight := false; ; {
		more, err := step(most)
		switch {
		case err == nil && !more:
			return nil
		case err == nil:
			tight = false
			continue
		case !errors.Is(err, vault.ErrFull) || most == 1 && tight:
			return err
		}
		if e := s.empty(ctx); e != nil {
			return errors.Join(err, e)
		}
		tight, most = true, max(1, most/smaller)
	}
}

// wipe does as much of work as one transaction may, chunk by chunk, and says how
// many rows that was.
func (t *txn) wipe(work []target, most int) (done int, err error) {
	for chunks := 0; done < len(work) && done < wipeLook && chunks < most; {
		first, data, n, changed, err := wipeChunk(t.c, work[done:])
		if err != nil {
			return 0, err
		}
		if done += n; !changed {
			continue
		}
		chunks++
		if _, err := t.c.exec("UPDATE chunk SET data=? WHERE seq=?", data, first); err != nil {
			return 0, err
		}
	}
	return done, nil
}

// wipeChunk reads the chunk of the first row of work and wipes, in memory, the n
// rows of work that are in it.
func wipeChunk(c *conn, work []target) (first int64, data []byte, n int, changed bool, err error) {
	if first, data, err = chunkOf(c, work[0].seq); err != nil {
		return 0, nil, 0, false, err
	}
	err = decodeRows(first, data, func(seq int64, r *stored) error {
		for ; n < len(work) && work[n].seq == seq; n++ {
			changed = work[n].wipe(r) || changed
		}
		return nil
	})
	if err == nil && n == 0 {
		err = errDamaged
	}
	return first, data, n, changed, err
}

// verify demands that nothing of work is left to wipe.
func (s *Store) verify(ctx context.Context, work []target) error {
	for len(work) > 0 {
		err := s.read(ctx, "verify", func(c *conn) error {
			for looked := 0; len(work) > 0 && looked < wipeLook; {
				_, _, n, left, err := wipeChunk(c, work)
				if err != nil {
					return err
				}
				if left {
					return errLeft
				}
				looked += n
				work = work[n:]
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyKeys reads back the marks of owners, the revisions of rows, and the slots
// that destroyed owners had.
func (s *Store) verifyKeys(ctx context.Context, dooms []vault.Doom) error {
	owners := make([]part.Owner, len(dooms))
	for i := range dooms {
		owners[i] = dooms[i].Owner
	}
	return s.read(ctx, "verify", func(c *conn) error {
		states, err := s.owners(c, owners)
		if err != nil {
			return err
		}
		for i := range dooms {
			st, row := states[dooms[i].Owner], dooms[i].Row
			if dooms[i].All() && !st.destroyed || row != nil && !st.destroyed && st.rev <= row.Rev {
				return errLeft
			}
			if !st.destroyed || st.slot == 0 {
				continue
			}
			id, at := splitSlot(st.slot)
			cell, err := cellOf(c, id)
			if err != nil {
				return err
			}
			if !emptySlot(cell, at) {
				return errLeft
			}
		}
		return nil
	})
}

// rewriteDoomed writes key rows without their doomed keys. Rows that are as they
// are to be already are left alone.
func (t *txn) rewriteDoomed(writes []vault.KeyWrite) error {
	owners := make([]part.Owner, len(writes))
	for i := range writes {
		owners[i] = writes[i].Owner
	}
	states, err := t.owners(t.c, owners)
	if err != nil {
		return err
	}
	var todo []vault.KeyWrite
	for _, w := range writes {
		st := states[w.Owner]
		if !st.destroyed && st.rev == w.Rev+1 {
			row, err := slotOf(t.c, st.slot)
			if err != nil {
				return err
			}
			if bytes.Equal(row.Wrapped, w.Wrapped) {
				continue
			}
		}
		if st.destroyed || st.rev != w.Rev {
			return vault.ErrStale
		}
		todo = append(todo, w)
	}
	return t.putKeys(todo, states)
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
			return fmt.Errorf("vault: destroy: traces may be left: %w", s.checkpointFailed(err))
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
