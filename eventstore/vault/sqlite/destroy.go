package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

const (
	destroyKeys = 250    // key rows destroyed in one transaction
	wipeChunks  = 150    // chunks rewritten in one transaction
	wipeLook    = 1500   // rows looked at in one transaction
	workRows    = 50_000 // rows sorted at once, so that each chunk is rewritten once
)

var errLeft = errors.New("vault: something that was to be destroyed is left")

// Destroy implements vault.Store: keys first, then what lies in rows, then the
// write-ahead log, then a look at the result. It goes in short transactions, with
// the record path between them, and can be repeated at any point; until it
// returns nil, traces may be left.
func (s *Store) Destroy(ctx context.Context, dooms []vault.Doom) error {
	if len(dooms) == 0 {
		return ctx.Err()
	}
	if err := vault.CheckDooms(dooms); err != nil {
		return err
	}
	if err := s.destroyKeys(ctx, dooms); err != nil {
		return err
	}
	err := s.eachWork(ctx, dooms, func(work []target) error { return s.wipe(ctx, work) })
	if err != nil {
		return err
	}
	if err := s.empty(ctx); err != nil {
		return err
	}
	if err := s.verifyKeys(ctx, dooms); err != nil {
		return err
	}
	return s.eachWork(ctx, dooms, func(work []target) error { return s.verify(ctx, work) })
}

// Redact implements vault.Store, in the same way.
func (s *Store) Redact(ctx context.Context, parts []vault.PartID) error {
	if len(parts) == 0 {
		return ctx.Err()
	}
	work, err := s.partWork(ctx, parts)
	if err != nil {
		return err
	}
	if err := s.wipe(ctx, work); err != nil {
		return err
	}
	if err := s.empty(ctx); err != nil {
		return err
	}
	return s.verify(ctx, work)
}

// destroyKeys writes the rows of dooms that have one, all or none, and then marks
// the owners that are doomed altogether, some at a time.
func (s *Store) destroyKeys(ctx context.Context, dooms []vault.Doom) error {
	var rows []vault.KeyWrite
	var whole []*vault.Doom
	for i := range dooms {
		if d := &dooms[i]; d.Row != nil {
			rows = append(rows, *d.Row)
		} else if d.All() {
			whole = append(whole, d)
		}
	}
	if len(rows) > 0 {
		err := s.inSteps(ctx, 1, func(int) (bool, error) {
			_, err := s.write(ctx, "destroy keys", 0, func(t *txn) error { return t.rewriteDoomed(rows) })
			return false, err
		})
		if err != nil {
			return err
		}
	}
	return s.inSteps(ctx, destroyKeys, func(most int) (more bool, err error) {
		some := whole[:min(most, len(whole))]
		if len(some) > 0 {
			_, err = s.write(ctx, "destroy keys", 0, func(t *txn) error { return t.destroyKeys(some) })
		}
		if err == nil {
			whole = whole[len(some):]
		}
		return len(whole) > 0, err
	})
}

func (t *txn) destroyKeys(dooms []*vault.Doom) error {
	owners := make([]part.Owner, len(dooms))
	for i, d := range dooms {
		owners[i] = d.Owner
	}
	states, err := t.owners(t.c, owners)
	if err != nil {
		return err
	}
	for _, d := range dooms {
		st := states[d.Owner]
		if st.slot != 0 {
			if _, err := t.editSlot(st.slot, 0, nil); err != nil {
				return err
			}
		}
		if !st.destroyed && !t.delta.owners[d.Owner].destroyed {
			t.delta.owners[d.Owner] = ownerState{slot: st.slot, destroyed: true, by: d.By, at: d.At}
		}
	}
	return nil
}

// target is a row with something to wipe: what a doom takes, or the part of a
// class.
type target struct {
	seq   int64
	doom  *vault.Doom // nil: class
	class string
}

func (w *target) wipe(r *stored) bool {
	if w.doom == nil {
		return r.redact(w.class)
	}
	return r.wipe(w.doom)
}

func sortWork(work []target) {
	slices.SortFunc(work, func(a, b target) int { return cmp.Compare(a.seq, b.seq) })
}

// eachWork calls fn with the rows that may hold something doomed, a bounded
// number at a time, each lot in order of seq.
func (s *Store) eachWork(ctx context.Context, dooms []vault.Doom, fn func(work []target) error) error {
	var work []target
	flush := func() error {
		sortWork(work)
		err := fn(work)
		work = work[:0]
		return err
	}
	for i := range dooms {
		d := &dooms[i]
		err := s.eachHeld(ctx, d.Owner, func(seqs []int64) error {
			for _, seq := range seqs {
				work = append(work, target{seq: seq, doom: d})
			}
			if len(work) < workRows {
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

// partWork finds the rows of parts.
func (s *Store) partWork(ctx context.Context, parts []vault.PartID) ([]target, error) {
	events := make([]domain.ID, len(parts))
	for i := range parts {
		events[i] = parts[i].Event
	}
	var work []target
	err := s.read(ctx, "find parts", func(c *conn) error {
		seqs, err := s.events(c, events)
		for i := range parts {
			if seq, ok := seqs[parts[i].Event]; ok {
				work = append(work, target{seq: seq, class: parts[i].Class})
			}
		}
		return err
	})
	sortWork(work)
	return work, err
}

// eachHeld calls fn with the seqs posted for an owner, ascending, some at a time,
// holding nothing meanwhile.
func (s *Store) eachHeld(ctx context.Context, o part.Owner, fn func(seqs []int64) error) error {
	const some = 1000
	h := hashOwner(o)
	for last := int64(-1); ; {
		seqs := s.hotPostings(h, last)
		err := s.read(ctx, "find rows", func(c *conn) error {
			return c.query("SELECT seq FROM posting WHERE owner=? AND seq>? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seqs = append(seqs, integer(row[0]))
				return nil
			}, h, last, int64(some))
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		slices.Sort(seqs)
		seqs = slices.Compact(seqs)
		seqs = seqs[:min(len(seqs), some)]
		last = seqs[len(seqs)-1]
		if err := fn(seqs); err != nil {
			return err
		}
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
