package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"

	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// Wrapped keys lie in slots, several to a cell: room(4) ‖ len(4) ‖ revision(8) ‖
// bytes, with room to grow. A rewrite that fits overwrites its slot; one that does not
// zeroes it and takes a new one. Cells keep their length for ever, so SQLite
// never moves one and no old copy of a wrapped key is left in a page.
const (
	slotHead   = 16
	slotRound  = 64
	cellTarget = 3500 // bytes; a cell fits a page
	offsetBits = 16   // a slot is cell id ‖ offset in the cell
)

// cellWriter packs new slots into cells.
type cellWriter struct {
	t    *txn
	id   int64
	data []byte
}

func (w *cellWriter) add(rev int64, wrapped []byte) (slot int64, err error) {
	room := (len(wrapped) + slotRound - 1) / slotRound * slotRound
	if len(w.data) > 0 && len(w.data)+slotHead+room > cellTarget {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if len(w.data) == 0 {
		w.id = w.t.nextCell
		w.t.nextCell++
	}
	at := len(w.data)
	w.data = append(w.data, make([]byte, slotHead+room)...)
	binary.BigEndian.PutUint32(w.data[at:], uint32(room))
	fillSlot(w.data, at, rev, wrapped)
	return w.id<<offsetBits | int64(at), nil
}

func (w *cellWriter) flush() error {
	if len(w.data) == 0 {
		return nil
	}
	_, err := w.t.c.exec("INSERT INTO keycell VALUES (?,?)", w.id, w.data)
	w.data = nil
	return err
}

// fillSlot writes wrapped into the slot at and zeroes the rest of it.
func fillSlot(cell []byte, at int, rev int64, wrapped []byte) {
	room := int(binary.BigEndian.Uint32(cell[at:]))
	binary.BigEndian.PutUint32(cell[at+4:], uint32(len(wrapped)))
	binary.BigEndian.PutUint64(cell[at+8:], uint64(rev))
	body := cell[at+slotHead : at+slotHead+room]
	clear(body[copy(body, wrapped):])
}

// slotIn returns the room, the revision and the wrapped key of a slot.
func slotIn(cell []byte, at int) (room int, row vault.KeyRow, err error) {
	if at < 0 || at+slotHead > len(cell) {
		return 0, row, errDamaged
	}
	room = int(binary.BigEndian.Uint32(cell[at:]))
	n := int(binary.BigEndian.Uint32(cell[at+4:]))
	if n > room || room > len(cell)-at-slotHead {
		return 0, row, errDamaged
	}
	row.Rev = int64(binary.BigEndian.Uint64(cell[at+8:]))
	row.Wrapped = bytes.Clone(cell[at+slotHead : at+slotHead+n])
	return room, row, nil
}

// emptySlot reports whether a slot is there and holds nothing but zeroes.
func emptySlot(cell []byte, at int) bool {
	room, row, err := slotIn(cell, at)
	return err == nil && row.Rev == 0 && len(row.Wrapped) == 0 && zero(cell[at+slotHead:at+slotHead+room])
}

func splitSlot(slot int64) (cell int64, at int) {
	return slot >> offsetBits, int(slot & (1<<offsetBits - 1))
}

func cellOf(c *conn, id int64) (cell []byte, err error) {
	err = c.query("SELECT data FROM keycell WHERE id=?", func(row []driver.Value) error {
		cell = blob(row[0])
		return nil
	}, id)
	return cell, err
}

func slotOf(c *conn, slot int64) (row vault.KeyRow, err error) {
	id, at := splitSlot(slot)
	cell, err := cellOf(c, id)
	if err == nil {
		_, row, err = slotIn(cell, at)
	}
	return row, err
}

// editSlot overwrites a slot if wrapped fits in it and else zeroes it.
func (t *txn) editSlot(slot, rev int64, wrapped []byte) (fits bool, err error) {
	id, at := splitSlot(slot)
	cell, err := cellOf(t.c, id)
	if err != nil {
		return false, err
	}
	room, _, err := slotIn(cell, at)
	if err != nil {
		return false, err
	}
	if fits = len(wrapped) <= room; !fits {
		rev, wrapped = 0, nil
	}
	fillSlot(cell, at, rev, wrapped)
	_, err = t.c.exec("UPDATE keycell SET data=? WHERE id=?", cell, id)
	return fits, err
}

// checkKeys reads the owners to write or check and compares their revisions.
func (t *txn) checkKeys(writes []vault.KeyWrite, checks []vault.KeyCheck) (map[part.Owner]ownerState, error) {
	owners := make([]part.Owner, 0, len(writes)+len(checks))
	once := make(map[part.Owner]bool, len(writes))
	for _, w := range writes {
		if once[w.Owner] {
			return nil, vault.ErrStale
		}
		once[w.Owner] = true
		owners = append(owners, w.Owner)
	}
	for _, c := range checks {
		if !once[c.Owner] {
			once[c.Owner] = true
			owners = append(owners, c.Owner)
		}
	}
	states, err := t.owners(t.c, owners)
	if err != nil {
		return nil, err
	}
	for _, w := range writes {
		if s := states[w.Owner]; s.destroyed || s.rev != w.Rev {
			return nil, vault.ErrStale
		}
	}
	for _, c := range checks {
		if s := states[c.Owner]; s.destroyed || s.rev != c.Rev {
			return nil, vault.ErrStale
		}
	}
	return states, nil
}

// putKeys writes key rows that checkKeys let pass.
func (t *txn) putKeys(writes []vault.KeyWrite, states map[part.Owner]ownerState) error {
	cells := cellWriter{t: t}
	for _, w := range writes {
		s := states[w.Owner]
		fits := false
		var err error
		if s.rev > 0 {
			if fits, err = t.editSlot(s.slot, s.rev+1, w.Wrapped); err != nil {
				return err
			}
		}
		if !fits {
			if s.slot, err = cells.add(s.rev+1, w.Wrapped); err != nil {
				return err
			}
		}
		s.rev++
		t.delta.owners[w.Owner] = s
	}
	return cells.flush()
}

// RewriteKeys implements vault.Store.
func (s *Store) RewriteKeys(ctx context.Context, w []vault.KeyWrite) error {
	_, err := s.write(ctx, "rewrite keys", 0, func(t *txn) error {
		states, err := t.checkKeys(w, nil)
		if err != nil {
			return err
		}
		return t.putKeys(w, states)
	})
	return err
}

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	var out []vault.KeyRow
	torn := false // those that are not of their owner's revision are shown without bytes
	read := func(c *conn) (err error) {
		out, err = s.keys(c, owners, torn)
		return err
	}
	err := s.read(ctx, "keys", read)
	if errors.Is(err, errMoved) {
		if err := s.take(ctx); err != nil {
			return nil, fmt.Errorf("vault: keys: %w", err)
		}
		defer s.give()
		torn = true
		err = s.read(ctx, "keys", read)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// errMoved: a slot is not of the revision its owner has. That is a write in
// progress or, when none is, damage: such a key opens nothing.
var errMoved = errors.New("a wrapped key is not of its owner's revision; restore the vault")

func (s *Store) keys(c *conn, owners []part.Owner, torn bool) ([]vault.KeyRow, error) {
	states, err := s.owners(c, owners)
	if err != nil {
		return nil, err
	}
	return keysOf(c, owners, states, torn)
}

// keysOf reads the key rows of owners whose states are known.
func keysOf(c *conn, owners []part.Owner, states map[part.Owner]ownerState, torn bool) ([]vault.KeyRow, error) {
	cells := map[int64][]byte{}
	var ids []driver.Value
	for _, o := range owners {
		st := states[o]
		if id, _ := splitSlot(st.slot); st.rev > 0 && !st.destroyed && cells[id] == nil {
			cells[id] = []byte{}
			ids = append(ids, id)
		}
	}
	err := c.in("SELECT id, data FROM keycell WHERE id IN ", ids, func(row []driver.Value) error {
		cells[integer(row[0])] = blob(row[1])
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]vault.KeyRow, len(owners))
	for i, o := range owners {
		switch st, ok := states[o]; {
		case !ok:
		case st.destroyed:
			out[i] = vault.KeyRow{Destroyed: true, By: st.by, At: st.at}
		default:
			id, at := splitSlot(st.slot)
			_, out[i], err = slotIn(cells[id], at)
			switch {
			case err == nil && out[i].Rev == st.rev:
			case torn:
				out[i] = vault.KeyRow{Rev: st.rev}
			default:
				return nil, errMoved
			}
		}
	}
	return out, nil
}
