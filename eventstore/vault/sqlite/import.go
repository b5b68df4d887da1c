package sqlite

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// importSweep is how many index entries are gathered before they go into the trees, in
// the order of their keys. Nothing is journalled: an import that did not end is void.
const importSweep = 1 << 18

// importing is an import in progress.
type importing struct {
	s     *Store
	order transfer.Order
	gen   *generation
	cells cellWriter
	batch transfer.Batch
	chunk []byte // rows of the batch that are not written yet
	first int    // index of the first of them
	facts []byte // of the batch, while it is pending
	macs  []byte // of the batch's rows
	end   bool   // committed, closed or failed
}

// Import implements transfer.Target.
func (s *Store) Import(ctx context.Context) (transfer.Writer, error) {
	if err := s.seize(ctx); err != nil {
		return nil, fmt.Errorf("vault: import: %w", err)
	}
	defer s.give()
	if !s.partial.Load() {
		held, err := s.w.one(`SELECT EXISTS (SELECT 1 FROM batch)+EXISTS (SELECT 1 FROM link)+EXISTS (SELECT 1 FROM hold)+EXISTS (SELECT 1 FROM meta)+
			EXISTS (SELECT 1 FROM owner)+EXISTS (SELECT 1 FROM fence)+EXISTS (SELECT 1 FROM journal)+(SELECT past+phase FROM retoken)`)
		if err == nil && held > 0 {
			err = transfer.ErrNotEmpty
		}
		if err != nil {
			return nil, fmt.Errorf("vault: import: %w", err)
		}
	}
	if err := s.clear(); err != nil {
		return nil, fmt.Errorf("vault: import: %w", err)
	}
	w := &importing{s: s, gen: newGeneration()}
	w.cells.t = &txn{Store: s, c: s.w}
	return w, nil
}

// clear empties the vault and says that an import began.
func (s *Store) clear() error {
	script := "BEGIN IMMEDIATE; "
	for _, table := range []string{"meta", "state", "batch", "fact", "chunk", "keycell", "journal", "intake", "link", "owner", "posting", "hold", "retoken", "lease", "fence", "mac"} {
		script += "DROP TABLE " + table + "; "
	}
	if err := s.w.script(script + schema + "INSERT INTO state VALUES ('importing',1); COMMIT"); err != nil {
		return s.rollback(err)
	}
	s.partial.Store(true)
	s.mu.Lock()
	s.active, s.frozen = newGeneration(), nil
	s.mu.Unlock()
	s.nextCell = 1
	return s.checkpoint()
}

// Write implements transfer.Writer.
func (w *importing) Write(ctx context.Context, records []transfer.Record) error {
	err := w.transact(ctx, func() error {
		for _, r := range records {
			if err := w.put(r); err != nil {
				return err
			}
		}
		if w.gen.size < importSweep {
			return nil
		}
		return w.sweep()
	})
	if err != nil {
		w.end = true
		return fmt.Errorf("vault: import: %w", err)
	}
	return nil
}

// transact runs fn in a transaction.
func (w *importing) transact(ctx context.Context, fn func() error) error {
	if w.end {
		return transfer.ErrPartial
	}
	if err := w.s.seize(ctx); err != nil {
		return err
	}
	defer w.s.give()
	if _, err := w.s.w.exec("BEGIN IMMEDIATE"); err != nil {
		return w.s.classify(err)
	}
	err := fn()
	if err == nil {
		_, err = w.s.w.exec("COMMIT")
	}
	if err != nil {
		return w.s.rollback(err)
	}
	return w.s.checkpoint()
}

func (w *importing) put(r transfer.Record) (err error) {
	if err := w.order.Take(r); err != nil {
		return err
	}
	c := w.s.w
	switch r := r.(type) {
	case transfer.Meta:
		_, err = c.exec("INSERT INTO meta VALUES (?,?)", r.Name, append([]byte{}, r.Value...))
	case transfer.FenceLine:
		_, err = c.exec("INSERT INTO fence VALUES (?,?)", r.Number, append([]byte{}, r.Line...))
	case transfer.Hold:
		_, err = c.exec("INSERT INTO hold VALUES (?,?,?)", r.Token[:], r.ID[:], someMAC(r.MAC))
	case transfer.Link:
		w.gen.links[r.Token] = linked{r.ID, r.MAC}
		w.gen.size++
	case transfer.Key:
		err = w.key(r)
	case transfer.Batch:
		if err = w.flushBatch(); err == nil {
			w.batch, w.first = r, 0
			_, err = c.exec("INSERT INTO batch VALUES (?,?,?)", r.Number, int64(r.Base), int64(r.Rows))
		}
	case transfer.Row:
		err = w.row(&r)
	}
	return err
}

func (w *importing) key(k transfer.Key) (err error) {
	o := ownerState{rev: k.Rev, destroyed: k.Destroyed, by: k.By, at: k.At}
	if !k.Destroyed {
		if o.slot, err = w.cells.add(k.Rev, k.Wrapped); err != nil {
			return err
		}
	}
	w.gen.owners[k.Owner] = o
	w.gen.size++
	return nil
}

func (w *importing) row(r *transfer.Row) error {
	if err := checkRow(&r.Row); err != nil {
		return err
	}
	seq := seqOf(r.Number, r.Index)
	w.gen.events[r.Event] = seq
	w.gen.size++
	for _, o := range ownersOf(&r.Row, make([]part.Owner, 0, 4)) {
		h := hashOwner(o)
		w.gen.postings[h] = append(w.gen.postings[h], seq)
		w.gen.size++
	}
	w.macs = append(w.macs, r.MAC[:]...)
	if w.batch.Pending {
		w.facts = appendLong(w.facts, r.Fact)
	}
	if w.chunk = appendRow(w.chunk, &r.Row); len(w.chunk) < chunkTarget {
		return nil
	}
	return w.flushChunk(r.Index + 1)
}

// flushChunk writes the rows that are not written, which end before index next.
func (w *importing) flushChunk(next int) error {
	if len(w.chunk) == 0 {
		return nil
	}
	_, err := w.s.w.exec("INSERT INTO chunk VALUES (?,?)", seqOf(w.batch.Number, w.first), w.chunk)
	w.chunk, w.first = w.chunk[:0], next
	return err
}

func (w *importing) flushBatch() error {
	err := w.flushChunk(w.batch.Rows)
	if err == nil {
		err = w.cells.t.putMACs(w.batch.Number, w.macs)
	}
	if w.macs = w.macs[:0]; err != nil || !w.batch.Pending {
		return err
	}
	_, err = w.s.w.exec("INSERT INTO fact VALUES (?,?)", w.batch.Number, w.facts)
	w.facts = w.facts[:0]
	return err
}

func (w *importing) sweep() error {
	all := newSweep(w.gen)
	_, err := all.step(w.s.w, all.size())
	w.gen = newGeneration()
	return err
}

// Commit implements transfer.Writer.
func (w *importing) Commit(ctx context.Context) error {
	err := w.transact(ctx, func() error {
		state, err := w.order.End()
		if err != nil {
			return err
		}
		if err := errors.Join(w.flushBatch(), w.cells.flush(), w.sweep()); err != nil {
			return err
		}
		c := w.s.w
		_, err1 := c.exec("UPDATE retoken SET past=?", int64(state.Generation)-1)
		_, err2 := c.exec("INSERT INTO state VALUES ('end',?),('swept',?)", int64(state.End), state.Next-1)
		_, err3 := c.exec("DELETE FROM state WHERE name='importing'")
		return errors.Join(err1, err2, err3)
	})
	if err == nil {
		err = w.opened(ctx)
	}
	w.end = true
	if err != nil {
		return fmt.Errorf("vault: import: %w", err)
	}
	return nil
}

// opened gives the vault to everybody.
func (w *importing) opened(ctx context.Context) error {
	if err := w.s.seize(ctx); err != nil {
		return err
	}
	defer w.s.give()
	err := w.s.load()
	if err != nil && !errors.Is(err, vault.ErrFailed) {
		err = w.s.poison(err)
	}
	return err
}

// Close implements transfer.Writer.
func (w *importing) Close() error {
	w.end, w.gen, w.chunk, w.facts, w.macs = true, nil, nil, nil, nil
	return nil
}
