package index

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/projections"
)

// ErrCursor: the cursor was not given by this list.
var ErrCursor = errors.New("not a cursor of this list")

// erasure keeps what f, a fact about the subject ref, says of its erasure.
func (b *batch) erasure(f projections.Fact, ref int64) error {
	if d, ok := contact.DestructionOf(f.Position, f.Fact); ok {
		return b.destruction(f, d, ref)
	}
	switch f.Type {
	case event.ErasureContested:
		if source := sourceOf(f.Fact); !source.IsZero() {
			_, err := b.tx.Exec(putContested, ref, source[:], int64(f.Position))
			return err
		}
	case event.NotificationTaken:
		if source := sourceOf(f.Fact); !source.IsZero() {
			_, err := b.tx.Exec(dropContested, ref, source[:])
			return err
		}
	}
	return nil
}

// sourceOf is the producer that a fact of the ledger's own is about.
func sourceOf(f *event.Fact) domain.ID {
	if !f.Source.IsZero() {
		return f.Source
	}
	return f.Codes.ID("source")
}

func (b *batch) destruction(f projections.Fact, d contact.Destruction, ref int64) error {
	if _, err := b.tx.Exec(putDestroyed, ref, int64(f.Position)); err != nil {
		return err
	}
	if d.Whole && !d.Done {
		if _, err := b.tx.Exec(putErased, ref, d.By[:], d.At.UnixMicro()); err != nil {
			return err
		}
	}
	if f.Type != event.ErasureOrdered {
		order := f.Codes.ID("order")
		_, err := b.tx.Exec(dropFinished, order[:])
		return err
	}
	operation := f.Codes.ID("operation")
	if operation.IsZero() {
		operation = f.ID
	}
	_, err := b.tx.Exec(putUnfinished, int64(f.Position), f.ID[:], operation[:], ref)
	return err
}

// Erased says which event ordered the erasure of a whole person, and when; ok is
// false for who was not erased, or in some classes only.
func (x *Index) Erased(ctx context.Context, subject domain.ID) (by domain.ID, at time.Time, ok bool, err error) {
	var id []byte
	var micros int64
	err = x.file.Row(ctx, "SELECT e.event,e.at FROM subject s JOIN erased e ON e.subject=s.ref WHERE s.value=?", []any{subject[:]}, &id, &micros)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return by, at, false, nil
	case err != nil:
		return by, at, false, fmt.Errorf("is subject %s erased: %w", subject, err)
	}
	return domain.ID(id), time.UnixMicro(micros).UTC(), true, nil
}

// Destructions lists the positions of the facts that say what was destroyed of a
// subject (contact.DestructionOf), in order.
func (x *Index) Destructions(ctx context.Context, subject domain.ID) ([]domain.Position, error) {
	rows, err := x.file.Rows(ctx, "SELECT d.position FROM subject s JOIN destruction d ON d.subject=s.ref WHERE s.value=? ORDER BY d.position", subject[:])
	return collect(rows, err, "destructions", func(p int64) domain.Position { return domain.Position(p) })
}

// Order is an erasure.ordered fact.
type Order struct {
	Position                  domain.Position
	Event, Operation, Subject domain.ID
}

// Unfinished lists up to limit orders to erase from a position on that neither
// subject.erased nor part.redacted says to be carried out, in order. Go on from
// the last one's position plus one.
func (x *Index) Unfinished(ctx context.Context, from domain.Position, limit int) ([]Order, error) {
	rows, err := x.file.Rows(ctx, "SELECT u.position,u.event,u.operation,s.value FROM unfinished u JOIN subject s ON s.ref=u.subject "+
		"WHERE u.position>=? ORDER BY u.position LIMIT ?", clamp(from), limit)
	if err != nil {
		return nil, fmt.Errorf("unfinished erasures: %w", err)
	}
	defer rows.Close()
	var out []Order
	for rows.Next() {
		var at int64
		var ids [3][]byte
		if err := rows.Scan(&at, &ids[0], &ids[1], &ids[2]); err != nil {
			return nil, fmt.Errorf("unfinished erasures: %w", err)
		}
		out = append(out, Order{domain.Position(at), domain.ID(ids[0]), domain.ID(ids[1]), domain.ID(ids[2])})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("unfinished erasures: %w", err)
	}
	return out, nil
}

// Contested is an erased person whom a source still sends.
type Contested struct {
	Subject, Source domain.ID
	Position        domain.Position // of the first erasure.contested that was not settled
}

// Contested lists up to limit erased subjects that a source still sends, though it
// was told: erasure.contested without a later notification.acknowledged from that
// source. In order of first appearance, after cursor ("" at first), with the
// cursor to go on from, "" at the end.
func (x *Index) Contested(ctx context.Context, cursor string, limit int) (out []Contested, next string, err error) {
	ref, source, err := readContested(cursor)
	if err != nil {
		return nil, "", err
	}
	rows, err := x.file.Rows(ctx, "SELECT c.subject,s.value,c.source,c.position FROM contested c JOIN subject s ON s.ref=c.subject "+
		"WHERE (c.subject,c.source)>(?,?) ORDER BY c.subject,c.source LIMIT ?", ref, source, limit)
	if err != nil {
		return nil, "", fmt.Errorf("contested erasures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var subject []byte
		source = nil
		if err := rows.Scan(&ref, &subject, &source, &at); err != nil {
			return nil, "", fmt.Errorf("contested erasures: %w", err)
		}
		out = append(out, Contested{domain.ID(subject), domain.ID(source), domain.Position(at)})
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("contested erasures: %w", err)
	}
	if len(out) == limit && limit > 0 {
		next = base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(ref)), source...))
	}
	return out, next, nil
}

// readContested reads a cursor: a subject's number, eight bytes, and a source.
func readContested(cursor string) (ref int64, source []byte, err error) {
	if cursor == "" {
		return 0, []byte{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 8+len(domain.ID{}) || binary.BigEndian.Uint64(b) > math.MaxInt64 {
		return 0, nil, ErrCursor
	}
	return int64(binary.BigEndian.Uint64(b)), b[8:], nil
}
