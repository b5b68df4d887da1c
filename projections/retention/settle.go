package retention

import (
	"bytes"
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"greffe/domain/retention"
	"greffe/projections/internal/sqlfile"
)

const (
	putSubject = "INSERT INTO subject(ref,value) VALUES(?,?)"
	putClock   = "INSERT INTO clock(ref,next,data) VALUES(?,?,?)"
	setClock   = "UPDATE clock SET data=?2 WHERE ref=?1"
	setNext    = "UPDATE clock SET next=?2 WHERE ref=?1"
	setBoth    = "UPDATE clock SET next=?2,data=?3 WHERE ref=?1"
	dropAll    = "DELETE FROM journal"
)

// settled writes what waits in the journal to the rows, which queries read.
func (s *Store) settled(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.settleNow(ctx)
}

func (s *Store) settleNow(ctx context.Context) error {
	if s.memory.loaded && len(s.memory.waiting) == 0 {
		return nil
	}
	if err := s.kept(s.file.Update(ctx, s.settle)); err != nil {
		return fmt.Errorf("rows of the clocks: %w", err)
	}
	return nil
}

// settle writes the clocks and days of those who wait.
func (s *Store) settle(tx *sqlfile.Tx) error {
	m := &s.memory
	if err := m.load(tx); err != nil || len(m.waiting) == 0 {
		return err
	}
	version, upto, err := mark(tx)
	if err != nil {
		return err
	}
	b := settling{tx: tx, memory: m, days: map[int64]int64{}, byRef: map[int64]*entry{}}
	if b.rules, err = s.of(version); err != nil && upto != 0 { // then the first look sees to it
		if _, err := tx.Exec(setMark, version, int64(0)); err != nil {
			return err
		}
	}
	if err := b.subjects(); err != nil {
		return err
	}
	slices.SortFunc(m.waiting, func(a, b *entry) int { return cmp.Compare(a.ref, b.ref) })
	for _, e := range m.waiting {
		b.byRef[e.ref] = e
	}
	for _, e := range m.waiting {
		if err := b.look(e); err != nil {
			return err
		}
	}
	for _, e := range m.waiting {
		if err := b.write(e); err != nil {
			return err
		}
	}
	if err := b.others(); err != nil {
		return err
	}
	if _, err := tx.Exec(dropAll); err != nil {
		return err
	}
	if m.waiting, m.records = m.waiting[:0], 0; len(m.people) > maxPeople {
		clear(m.people)
	}
	return nil
}

// settling is the work of one settle.
type settling struct {
	tx     *sqlfile.Tx
	memory *memory
	rules  *retention.Rules // nil: cannot be had now
	byRef  map[int64]*entry // those who wait, or were read
	days   map[int64]int64  // worked out
	moved  []*entry         // those read
}

// subjects names those who have no row yet, in the order of the index on names.
func (b *settling) subjects() error {
	type name struct {
		ref int64
		id  []byte
	}
	var made []name
	for id, e := range b.memory.people {
		if e.made {
			made = append(made, name{e.ref, id[:]})
		}
	}
	slices.SortFunc(made, func(a, b name) int { return bytes.Compare(a.id, b.id) })
	for _, n := range made {
		if _, err := b.tx.Exec(putSubject, n.ref, n.id); err != nil {
			return err
		}
	}
	return nil
}

// look works out the day of a person: of the first of all who are merged with it. The
// others have none.
func (b *settling) look(e *entry) error {
	if _, seen := b.days[e.ref]; seen {
		return nil
	}
	c, err := retention.Decode(e.data)
	if err != nil {
		return err
	}
	if !c.Linked {
		b.days[e.ref] = b.day(c)
		return nil
	}
	refs, err := connected(e.ref, func(ref int64) (next []int64, err error) {
		err = b.tx.Query(edges, refsInto(&next), ref)
		return next, err
	})
	if err != nil {
		return err
	}
	var whole *retention.Clocks
	for _, ref := range refs {
		e, err := b.stored(ref)
		if err != nil {
			return err
		}
		of, err := retention.Decode(e.data)
		if err != nil {
			return err
		}
		b.days[ref] = none
		whole = joined(whole, of)
	}
	b.days[refs[0]] = b.day(whole)
	return nil
}

// again works out the day of one who does not wait.
func (b *settling) again(ref int64) error {
	e, err := b.stored(ref)
	if err != nil {
		return err
	}
	return b.look(e)
}

// stored gives one who waits, or else what the row says.
func (b *settling) stored(ref int64) (e *entry, err error) {
	if e = b.byRef[ref]; e != nil {
		return e, nil
	}
	if e, err = row(b.tx, getClock, ref); err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("clocks of a person: %w", retention.ErrClocks)
	}
	b.byRef[ref] = e
	b.moved = append(b.moved, e)
	return e, nil
}

// day is from which day on, since 1970 in UTC, a person is to be looked at; without
// rules at once.
func (b *settling) day(c *retention.Clocks) int64 {
	if b.rules == nil {
		return 0
	}
	next := b.rules.Next(c)
	if next.IsZero() {
		return none
	}
	return dayOf(next)
}

// write stores the row of one who waits.
func (b *settling) write(e *entry) (err error) {
	day := b.days[e.ref]
	switch {
	case e.made:
		_, err = b.tx.Exec(putClock, e.ref, value(day), e.data)
	case day != e.day:
		_, err = b.tx.Exec(setBoth, e.ref, value(day), e.data)
	default:
		_, err = b.tx.Exec(setClock, e.ref, e.data)
	}
	e.day, e.made, e.waits = day, false, false
	return err
}

// others stores the days that moved of those who do not wait.
func (b *settling) others() error {
	for _, e := range b.moved {
		day := b.days[e.ref]
		if day == e.day {
			continue
		}
		if _, err := b.tx.Exec(setNext, e.ref, value(day)); err != nil {
			return err
		}
		c, err := retention.Decode(e.data)
		if err != nil {
			return err
		}
		if known := b.memory.people[c.Subject]; known != nil {
			known.day = day
		}
	}
	return nil
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

func value(day int64) driver.Value {
	if day == none {
		return nil
	}
	return day
}
