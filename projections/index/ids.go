package index

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"greffe/domain"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

var errIDs = errors.New("a stored block of event ids is damaged")

// eventKey is where an event stands in the places: above all references of
// subjects, under 62 bits of its id. Others may share it, so the block of ids has
// the last word.
func eventKey(id domain.ID) int64 {
	return 1<<62 | int64(binary.BigEndian.Uint64(id[:])>>2)
}

// id keeps f's id, in the block of its position and under its key.
func (b *batch) id(f projections.Fact) error {
	at := int(f.Position) & (1<<blockBits - 1)
	switch x := b.x; {
	case at == 0:
		x.tail = x.tail[:0]
	case x.tail == nil:
		err := b.tx.Query(getIDs, func(row []driver.Value) error {
			x.tail, _ = row[0].([]byte)
			return nil
		}, int64(f.Position>>blockBits))
		if err != nil {
			return err
		}
	}
	if len(b.x.tail) != at*len(f.ID) {
		return fmt.Errorf("ids before position %d: %w", f.Position, errIDs)
	}
	b.x.tail = append(b.x.tail, f.ID[:]...)
	b.places = append(b.places, sqlfile.Entry{Key: eventKey(f.ID), Value: int64(f.Position)})
	if at == 1<<blockBits-1 {
		return b.closeIDs(f.Position)
	}
	return nil
}

// closeIDs writes the block that last stands in.
func (b *batch) closeIDs(last domain.Position) error {
	_, err := b.tx.Exec(putIDs, int64(last>>blockBits), b.x.tail)
	return err
}

// Position is where the event is in the log, or ErrUnknown.
func (x *Index) Position(ctx context.Context, id domain.ID) (domain.Position, error) {
	places, err := x.places.Values(ctx, x.file.Rows, eventKey(id), 0, math.MaxInt64, math.MaxInt)
	if err != nil {
		return 0, fmt.Errorf("position of event: %w", err)
	}
	for _, p := range places {
		var found []byte
		at := (p & (1<<blockBits - 1)) * int64(len(id))
		if err := x.file.Row(ctx, "SELECT substr(ids,?,16) FROM id WHERE n=?", []any{at + 1, p >> blockBits}, &found); err != nil {
			return 0, fmt.Errorf("position of event: %w", err)
		}
		if len(found) != len(id) {
			return 0, fmt.Errorf("position of event: %w", errIDs)
		}
		if domain.ID(found) == id {
			return domain.Position(p), nil
		}
	}
	return 0, fmt.Errorf("position of event: %w", ErrUnknown)
}
