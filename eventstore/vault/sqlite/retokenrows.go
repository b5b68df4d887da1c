package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// rows rewrites the tokens of rows, then puts the new tables in the place of the
// old ones.
func (w *retokening) rows(ctx context.Context) error {
	for more := true; more; {
		err := w.write(ctx, func(t *txn) (at retoken, err error) {
			at, more, err = w.someRows(t)
			if err == nil && !more {
				at.phase, at.seq = phaseScrub, -1
				err = t.switchTables()
			}
			return at, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *retokening) someRows(t *txn) (at retoken, more bool, err error) {
	at = w.at
	var seqs []int64
	var chunks [][]byte
	err = t.c.query("SELECT seq, data FROM chunk WHERE seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
		seqs, chunks = append(seqs, integer(row[0])), append(chunks, blob(row[1]))
		return nil
	}, at.seq, int64(t.limits.chunks))
	if err != nil {
		return at, false, err
	}
	for i, data := range chunks {
		changed := false
		macs, err := macsIn(t.c, seqs[i])
		if err != nil {
			return at, false, err
		}
		err = decodeRows(seqs[i], data, func(seq int64, r *stored) error {
			at.done++
			if *r.gone != 0 || len(r.tokens) == 0 {
				return nil
			}
			changed = true
			if err := w.r.Packed(r.tokens); err != nil || w.r.RowMAC == nil {
				return err
			}
			row := r.kept()
			macs.put(seq, w.r.RowMAC(&row))
			return nil
		})
		if err != nil {
			return at, false, fmt.Errorf("tokens of a row: %w", err)
		}
		at.seq = seqs[i]
		if !changed {
			continue
		}
		if _, err := t.c.exec("UPDATE chunk SET data=? WHERE seq=?", data, seqs[i]); err != nil {
			return at, false, err
		}
		if err := t.putMACs(seqs[i]>>seqBits, macs.data); err != nil {
			return at, false, err
		}
	}
	return at, len(chunks) > 0, nil
}

// switchTables demands that nothing was lost on the way.
func (t *txn) switchTables() error {
	for _, table := range []string{"link", "hold"} {
		left, err := t.c.one("SELECT (SELECT count(*) FROM " + table + ")-(SELECT count(*) FROM " + table + "_next)")
		if err != nil {
			return err
		}
		if left != 0 {
			return errDamaged
		}
		if err := t.c.script("ALTER TABLE " + table + " RENAME TO " + table + "_old; ALTER TABLE " + table + "_next RENAME TO " + table); err != nil {
			return err
		}
	}
	return nil
}

// scrub removes every old token: of the old tables and of journals, which may hold
// links of long ago between their cells.
func (w *retokening) scrub(ctx context.Context) error {
	for _, table := range []string{"link_old", "hold_old"} {
		for more := true; more; {
			_, err := w.Store.write(ctx, "retoken", 0, func(t *txn) (err error) {
				more, err = t.remove(table)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	for cleared := false; !cleared; {
		if err := w.settle(ctx); err != nil {
			return err
		}
		_, err := w.Store.write(ctx, "retoken", 0, func(t *txn) (err error) {
			cleared, err = t.clearJournal()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// remove takes some of a table away, and the table with its last.
func (t *txn) remove(table string) (more bool, err error) {
	there, err := t.c.one("SELECT count(*) FROM sqlite_schema WHERE name=?", table)
	if err != nil || there == 0 {
		return false, err
	}
	var below []byte
	err = t.c.query("SELECT token FROM "+table+" ORDER BY token LIMIT 1 OFFSET ?", func(row []driver.Value) error {
		below = blob(row[0])
		return nil
	}, int64(t.limits.some))
	if err != nil {
		return false, err
	}
	if below == nil {
		return false, t.c.script("DROP TABLE " + table)
	}
	_, err = t.c.exec("DELETE FROM "+table+" WHERE token<?", below)
	return true, err
}

// clearJournal drops the journal with all its pages, if everything in it is in the
// trees.
func (t *txn) clearJournal() (bool, error) {
	t.mu.RLock()
	busy := t.frozen != nil || t.active.size > 0
	t.mu.RUnlock()
	if busy {
		return false, nil
	}
	return true, t.c.script("DROP TABLE journal; CREATE TABLE journal (number INTEGER PRIMARY KEY, data BLOB)")
}
