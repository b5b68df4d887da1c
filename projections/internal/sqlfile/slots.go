package sqlfile

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
)

// ErrSlot: a stored slot is damaged, or is none.
var ErrSlot = errors.New("a stored slot is damaged")

// slotSizes are the lengths of slots: 16, 8, 6, 4, 3, 2 or 1 of them fill a page of
// 2 KiB, the others go on in pages of their own.
var slotSizes = [...]int{114, 242, 326, 496, 666, 1006, 1996, 3900, 7900, 16 << 10, 32 << 10, 128 << 10, 1 << 20, 16 << 20}

const (
	slotHead  = 4 // length of what is in it
	slotClass = 4 // bits of a slot's number that say its size
)

// Slots keeps byte strings that change their length now and then, in such a way
// that nothing of their earlier values stays in the file: each lies in a row of a
// fixed length, which never moves, and is overwritten there. One that outgrows its
// slot gets a longer one; the old is zeroed and given to the next who needs it.
//
// What was overwritten is in the write-ahead log until that is emptied: see
// File.Scrub.
type Slots struct {
	put, set, last, take, leave, drop string
	loaded                            bool
	next                              int64 // number of the next new slot, without its size
	free                              [len(slotSizes)]int64
	buf                               []byte
}

// SlotsDDL creates the tables of Slots. Slot and data of the table named _slot are
// there for joins; SlotData reads the data.
func SlotsDDL(table string) string {
	return "CREATE TABLE " + table + "_slot(slot INTEGER PRIMARY KEY, data BLOB NOT NULL);" +
		"CREATE TABLE " + table + "_free(size INTEGER, slot INTEGER, PRIMARY KEY(size,slot)) WITHOUT ROWID;"
}

// NewSlots works on the tables made by SlotsDDL.
func NewSlots(table string) *Slots {
	return &Slots{
		put:   "INSERT INTO " + table + "_slot(slot,data) VALUES(?,?)",
		set:   "UPDATE " + table + "_slot SET data=?2 WHERE slot=?1",
		last:  "SELECT (SELECT coalesce(max(slot),0) FROM " + table + "_slot),size,count(*) FROM " + table + "_free GROUP BY size UNION ALL SELECT coalesce(max(slot),0),0,0 FROM " + table + "_slot",
		take:  "SELECT slot FROM " + table + "_free WHERE size=? ORDER BY slot LIMIT 1",
		leave: "INSERT INTO " + table + "_free(size,slot) VALUES(?,?)",
		drop:  "DELETE FROM " + table + "_free WHERE size=? AND slot=?",
	}
}

// Forget drops what is cached. It must be called when a transaction that used
// the Slots is not committed.
func (s *Slots) Forget() { s.loaded = false }

func (s *Slots) load(tx *Tx) error {
	if s.loaded {
		return nil
	}
	s.free = [len(slotSizes)]int64{}
	err := tx.Query(s.last, func(row []driver.Value) error {
		last, _ := row[0].(int64)
		size, _ := row[1].(int64)
		n, _ := row[2].(int64)
		if size < 0 || int(size) >= len(slotSizes) {
			return ErrSlot
		}
		s.next = last>>slotClass + 1
		s.free[size] += n
		return nil
	})
	s.loaded = err == nil
	return err
}

func sizeOf(slot int64) int { return int(slot & (1<<slotClass - 1)) }

// Put writes data to slot, or to another one if it does not fit, and returns
// where it is now. Slot 0 stands for none yet. More than 16 MiB is ErrSlot.
func (s *Slots) Put(tx *Tx, slot int64, data []byte) (int64, error) {
	if err := s.load(tx); err != nil {
		return 0, err
	}
	size := 0
	for size < len(slotSizes) && slotHead+len(data) > slotSizes[size] {
		size++
	}
	switch {
	case size == len(slotSizes):
		return 0, ErrSlot
	case slot != 0 && size <= sizeOf(slot):
		return slot, s.write(tx, s.set, slot, data)
	case slot != 0:
		if err := s.Clear(tx, slot); err != nil {
			return 0, err
		}
	}
	if s.free[size] == 0 {
		slot = s.next<<slotClass | int64(size)
		s.next++
		return slot, s.write(tx, s.put, slot, data)
	}
	slot, ok, err := tx.Int(s.take, int64(size))
	if err != nil || !ok {
		return 0, errors.Join(err, ErrSlot)
	}
	if _, err := tx.Exec(s.drop, int64(size), slot); err != nil {
		return 0, err
	}
	s.free[size]--
	return slot, s.write(tx, s.set, slot, data)
}

func (s *Slots) write(tx *Tx, statement string, slot int64, data []byte) error {
	n := slotSizes[sizeOf(slot)]
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	binary.BigEndian.PutUint32(s.buf, uint32(len(data)))
	clear(s.buf[slotHead+copy(s.buf[slotHead:], data):])
	changed, err := tx.Exec(statement, slot, s.buf)
	if err == nil && changed != 1 {
		err = ErrSlot
	}
	return err
}

// Clear zeroes a slot and gives it to the next who needs one of its size.
func (s *Slots) Clear(tx *Tx, slot int64) error {
	if err := s.load(tx); err != nil {
		return err
	}
	size := sizeOf(slot)
	if size >= len(slotSizes) {
		return ErrSlot
	}
	if err := s.write(tx, s.set, slot, nil); err != nil {
		return err
	}
	s.free[size]++
	_, err := tx.Exec(s.leave, int64(size), slot)
	return err
}

// SlotData is what a slot's row holds.
func SlotData(row []byte) ([]byte, error) {
	if len(row) < slotHead {
		return nil, ErrSlot
	}
	n := uint64(binary.BigEndian.Uint32(row))
	if n > uint64(len(row)-slotHead) {
		return nil, ErrSlot
	}
	return row[slotHead : slotHead+n], nil
}
