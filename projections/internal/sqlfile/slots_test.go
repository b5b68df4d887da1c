package sqlfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"greffe/projections"
)

// slotsModel is what Slots should hold, and every value that was there before.
type slotsModel struct {
	*blindModel
	slots map[int][2]any // by name: where, what
	old   [][]byte
}

func (m *slotsModel) value() []byte {
	n := m.rng.IntN(700)
	if m.rng.IntN(10) == 0 {
		n = m.rng.IntN(9000)
	}
	b := make([]byte, n)
	for i := 0; i+8 <= n; i += 8 {
		binary.BigEndian.PutUint64(b[i:], m.rng.Uint64())
	}
	return b
}

// step writes or clears one at random.
func (m *slotsModel) step(tx *Tx, s *Slots) error {
	name := m.rng.IntN(300)
	slot := int64(0)
	if was, ok := m.slots[name]; ok {
		slot = was[0].(int64)
		m.old = append(m.old, was[1].([]byte))
		if m.rng.IntN(8) == 0 {
			delete(m.slots, name)
			return s.Clear(tx, slot)
		}
	}
	v := m.value()
	slot, err := s.Put(tx, slot, v)
	m.slots[name] = [2]any{slot, v}
	return err
}

// TestSlots writes, overwrites and clears at random, over restarts and failed
// transactions: what is there is read back, what was there is in no file.
func TestSlots(t *testing.T) {
	t.Parallel()
	f, _, path := openBlind(t)
	m := &slotsModel{blindModel: newModel(2), slots: map[int][2]any{}}
	s := NewSlots("s")
	for round := range 60 {
		if round%3 == 0 {
			s = NewSlots("s")
		}
		if round%5 == 0 {
			broken := errors.New("injected")
			err := f.Update(t.Context(), func(tx *Tx) error {
				_, err := s.Put(tx, 0, m.value())
				return errors.Join(err, broken)
			})
			if !errors.Is(err, broken) {
				t.Fatal(err)
			}
			s.Forget()
		}
		update(t, f, func(tx *Tx) error {
			for range 50 {
				if err := m.step(tx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for name, was := range m.slots {
		var row []byte
		if err := f.Row(t.Context(), "SELECT data FROM s_slot WHERE slot=?", []any{was[0]}, &row); err != nil {
			t.Fatal(err)
		}
		if got, err := SlotData(row); err != nil || !bytes.Equal(got, was[1].([]byte)) {
			t.Fatalf("%d differs: %v", name, err)
		}
	}
	if traces(t, path, m.old...) == 0 {
		t.Error("nothing old is in the write-ahead log: the search is blind")
	}
	if err := f.Scrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := traces(t, path, m.old...); n != 0 {
		t.Errorf("%d traces of %d values that were replaced or cleared", n, len(m.old))
	}
	var slots, free int
	if err := f.Row(t.Context(), "SELECT (SELECT count(*) FROM s_slot),(SELECT count(*) FROM s_free)", nil, &slots, &free); err != nil {
		t.Fatal(err)
	}
	if slots != len(m.slots)+free || slots > 3*len(m.slots) {
		t.Errorf("%d slots, %d of them free, for %d values", slots, free, len(m.slots))
	}
}

func TestSlotsRefuse(t *testing.T) {
	t.Parallel()
	f, _, _ := openBlind(t)
	s := NewSlots("s")
	refused := func(what string, fn func(tx *Tx) error) {
		t.Helper()
		if err := f.Update(t.Context(), fn); !errors.Is(err, ErrSlot) {
			t.Errorf("%s: %v", what, err)
		}
		s.Forget()
	}
	refused("too long", func(tx *Tx) error { _, err := s.Put(tx, 0, make([]byte, 16<<20)); return err })
	refused("no such slot", func(tx *Tx) error { _, err := s.Put(tx, 77<<slotClass, []byte("x")); return err })
	refused("clear no such slot", func(tx *Tx) error { return s.Clear(tx, 77<<slotClass) })
	refused("no such size", func(tx *Tx) error { return s.Clear(tx, 1<<slotClass|15) })
	for _, row := range [][]byte{nil, {0, 0, 0}, {0, 0, 0, 2, 1}, {255, 255, 255, 255, 1}} {
		if _, err := SlotData(row); !errors.Is(err, ErrSlot) {
			t.Errorf("%x: %v", row, err)
		}
	}
	if got, err := SlotData([]byte{0, 0, 0, 1, 7, 0}); err != nil || !bytes.Equal(got, []byte{7}) {
		t.Errorf("%x, %v", got, err)
	}
	if err := f.Apply(t.Context(), facts(0, 1), func(tx *Tx, _ []projections.Fact) error {
		slot, err := s.Put(tx, 0, nil)
		if slot == 0 {
			t.Error("an empty value has no slot")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
