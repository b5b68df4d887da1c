package crm

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
)

// ErrLeft: something of the person is still in the view: the order to erase it is
// not applied yet, or was given for other classes.
var ErrLeft = errors.New("the CRM view still holds something of the person")

// tombstone is what is left of a contact that was erased.
type tombstone struct {
	By       domain.ID
	At       domain.Time
	position domain.Position
}

func (s *tombstone) err() error { return &contact.ErasedError{By: s.By, At: s.At} }

func readTombstone(by []byte, at, position int64) (*tombstone, error) {
	if len(by) != len(domain.ID{}) {
		return nil, errState
	}
	return &tombstone{domain.ID(by), domain.NewTime(time.UnixMicro(at)), domain.Position(position)}, nil
}

// bury takes everything of a contact away but that it was erased, and which cells
// its tokens lay in.
func (b *batch) bury(c *Contact, was before) error {
	if c.slot != 0 {
		if err := b.v.states.Clear(b.tx, c.slot); err != nil {
			return err
		}
		if _, err := b.tx.Exec("DELETE FROM contact WHERE ref=?", c.ref); err != nil {
			return err
		}
	}
	cells := []byte{}
	for _, n := range cellsOf(was.tokens) {
		cells = binary.AppendUvarint(cells, uint64(n))
	}
	_, err := b.tx.Exec("INSERT INTO erased(ref,event,at,position,cells) VALUES(?,?,?,?,?)",
		c.ref, c.erased.By[:], c.erased.At.UnixMicro(), int64(c.erased.position), cells)
	*c = Contact{Subject: c.Subject, ref: c.ref, erased: c.erased}
	return err
}

// Gone returns nil if no byte of an erased person is left in the view's files but
// a tombstone: its id, the event that ordered the erasure, and when. It empties
// the write-ahead log first if that may hold something of it; those who ask about
// erasures that were applied together share that (see sqlfile.File.Scrub). Of
// somebody the view never knew, nothing is left. Else it is ErrLeft, or an error
// of the store.
func (v *View) Gone(ctx context.Context, subject domain.ID) error {
	s, cells, err := v.grave(ctx, subject)
	if err != nil || s == nil {
		return err
	}
	if err := v.file.Scrub(ctx, s.position+1); err != nil {
		return fmt.Errorf("is subject %s gone: %w", subject, err)
	}
	wiped, err := v.tokens.Wiped(ctx, v.file.Rows, cells...)
	if err == nil && !wiped {
		err = ErrLeft
	}
	if err != nil {
		return fmt.Errorf("is subject %s gone: %w", subject, err)
	}
	return nil
}

// grave is what is left of a subject, nil if it was never known.
func (v *View) grave(ctx context.Context, subject domain.ID) (s *tombstone, cells []int64, err error) {
	var slot, at, position sql.NullInt64
	var by, packed []byte
	err = v.file.Row(ctx, "SELECT c.slot,e.event,e.at,e.position,e.cells FROM subject s LEFT JOIN contact c ON c.ref=s.ref LEFT JOIN erased e ON e.ref=s.ref "+
		"WHERE s.value=?", []any{subject[:]}, &slot, &by, &at, &position, &packed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil, nil
	case err == nil && (slot.Valid || !at.Valid):
		err = ErrLeft
	case err == nil:
		s, err = readTombstone(by, at.Int64, position.Int64)
	}
	for r := bytes.NewReader(packed); err == nil && r.Len() > 0; {
		var n uint64
		n, err = binary.ReadUvarint(r)
		cells = append(cells, int64(n))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("is subject %s gone: %w", subject, err)
	}
	return s, cells, nil
}
