package retention

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"

	"greffe/domain"
	"greffe/domain/retention"
	"greffe/projections/internal/sqlfile"
)

const (
	// maxJournal bounds how many changes wait in the journal for their rows, some 150
	// bytes each.
	maxJournal = 1 << 16
	// maxPeople bounds, between two times that the journal is written to the rows, how
	// many persons are remembered beside those whose changes wait.
	maxPeople = 1 << 16
)

// none is the day of whom nothing is ahead.
const none = math.MinInt64

const (
	getPerson  = "SELECT c.ref,c.next,c.data FROM subject s JOIN clock c ON c.ref=s.ref WHERE s.value=?"
	getClock   = "SELECT ref,next,data FROM clock WHERE ref=?"
	putJournal = "INSERT INTO journal(data) VALUES(?)"
	getJournal = "SELECT data FROM journal ORDER BY n"
	lastRef    = "SELECT max(coalesce((SELECT max(ref) FROM subject),0),coalesce((SELECT max(ref) FROM clock),0))"
)

// entry is a person in memory.
type entry struct {
	ref     int64
	day     int64  // of its row
	data    []byte // clocks as stored; nil at first
	made    bool   // it has no row yet
	waits   bool   // what changed is in the journal, and not in its row
	clocks  *retention.Clocks
	open    bool // clocks are read, for the batch
	changed bool // clocks are not those of data
}

// memory holds persons whom facts were about lately, all whose changes wait in the
// journal among them. Of a transaction that was not committed it must be forgotten.
type memory struct {
	loaded  bool
	people  map[domain.ID]*entry
	waiting []*entry
	records int   // of the journal
	next    int64 // number of the next person
	spare   []byte
}

func (m *memory) forget() { *m = memory{spare: m.spare[:0]} }

// load reads the journal.
func (m *memory) load(tx *sqlfile.Tx) error {
	if m.loaded {
		return nil
	}
	m.forget()
	m.people = map[domain.ID]*entry{}
	last, _, err := tx.Int(lastRef)
	if err != nil {
		return err
	}
	m.next = last + 1
	err = tx.Query(getJournal, func(row []driver.Value) error {
		data, _ := row[0].([]byte)
		for len(data) > 0 {
			if data, err = m.record(tx, data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("journal of the clocks: %w", err)
	}
	m.loaded = true
	return nil
}

// record takes the first record of a batch's journal: a person's number, and clocks.
func (m *memory) record(tx *sqlfile.Tx, data []byte) (rest []byte, err error) {
	ref, n := binary.Uvarint(data)
	if n <= 0 || ref == 0 || ref > math.MaxInt64 {
		return nil, retention.ErrClocks
	}
	size, k := binary.Uvarint(data[n:])
	if data = data[max(0, n+k):]; k <= 0 || size > uint64(len(data)) {
		return nil, retention.ErrClocks
	}
	c, err := retention.Decode(data[:size])
	if err != nil {
		return nil, err
	}
	e := m.people[c.Subject]
	if e == nil {
		if e, err = row(tx, getClock, int64(ref)); err != nil {
			return nil, err
		}
		if e == nil {
			e = &entry{ref: int64(ref), day: none, made: true}
			m.next = max(m.next, e.ref+1)
		}
		m.people[c.Subject] = e
	}
	e.data = append(e.data[:0], data[:size]...)
	m.records++
	m.wait(e)
	return data[size:], nil
}

// row reads the row of a person; nil if there is none.
func row(tx *sqlfile.Tx, query string, key driver.Value) (e *entry, err error) {
	err = tx.Query(query, func(row []driver.Value) error {
		e = &entry{day: none}
		e.ref, _ = row[0].(int64)
		if day, ok := row[1].(int64); ok {
			e.day = day
		}
		e.data, _ = row[2].([]byte)
		return nil
	}, key)
	return e, err
}

// person gives a subject's entry, a new one if there is none, with its clocks.
func (m *memory) person(tx *sqlfile.Tx, id domain.ID) (e *entry, err error) {
	if e = m.people[id]; e == nil {
		if e, err = row(tx, getPerson, id[:]); err != nil {
			return nil, err
		}
		if e == nil {
			e = &entry{ref: m.next, day: none, made: true}
			m.next++
		}
		m.people[id] = e
	}
	if e.clocks != nil {
		return e, nil
	}
	if e.data == nil {
		e.clocks = &retention.Clocks{}
	} else if e.clocks, err = retention.Decode(e.data); err != nil {
		return nil, fmt.Errorf("clocks of a person: %w", err)
	}
	return e, nil
}

func (m *memory) wait(e *entry) {
	if !e.waits {
		e.waits = true
		m.waiting = append(m.waiting, e)
	}
}

// journal writes the clocks that changed in a batch, and puts those that were read away.
func (m *memory) journal(tx *sqlfile.Tx, batch []*entry) error {
	out := m.spare[:0]
	for _, e := range batch {
		if e.changed {
			e.data = e.clocks.AppendBinary(e.data[:0])
			out = binary.AppendUvarint(out, uint64(e.ref))
			out = append(binary.AppendUvarint(out, uint64(len(e.data))), e.data...)
			m.records++
			m.wait(e)
		}
		e.clocks, e.open, e.changed = nil, false, false
	}
	m.spare = out
	if len(out) == 0 {
		return nil
	}
	_, err := tx.Exec(putJournal, out)
	return err
}
