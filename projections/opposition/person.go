package opposition

import (
	"database/sql/driver"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
)

// query runs a statement and calls fn for each row.
type query func(text string, fn func(row []driver.Value) error, args ...driver.Value) error

// sourced notes an event that gave a contact addresses, and binds them at once
// if the person, or one merged with it, objected.
func (b *batch) sourced(f projections.Fact) error {
	if !slices.Contains(f.Fields, "person.emails") && !slices.Contains(f.Fields, "person.phones") {
		return nil
	}
	if gone, err := b.isErased(f.Subject); err != nil || gone {
		return err
	}
	_, err := b.tx.Exec("INSERT INTO source(subject,position,event) VALUES(?,?,?)", f.Subject[:], int64(f.Position), f.ID[:])
	if err != nil {
		return err
	}
	ref, watched, err := b.watched(f.Subject)
	if err != nil || !watched {
		return err
	}
	if _, err := b.tx.Exec("UPDATE watched SET changed=? WHERE ref=?", int64(f.Position), ref); err != nil {
		return err
	}
	return b.bindEvents(ref, []domain.ID{f.ID})
}

func (b *batch) isErased(subject domain.ID) (bool, error) {
	_, gone, err := b.tx.Int("SELECT 1 FROM erased WHERE subject=?", subject[:])
	return gone, err
}

func (b *batch) watched(subject domain.ID) (ref int64, ok bool, err error) {
	return b.tx.Int("SELECT ref FROM watched WHERE subject=?", subject[:])
}

// watch binds every address of the subjects, from now on. Those of somebody who
// is being erased are carried instead.
func (b *batch) watch(at domain.Position, subjects []domain.ID) error {
	for _, s := range subjects {
		ref, known, err := b.watched(s)
		if err != nil {
			return err
		}
		if known {
			if _, err := b.tx.Exec("UPDATE watched SET changed=? WHERE ref=?", int64(at), ref); err != nil {
				return err
			}
			continue
		}
		if gone, err := b.isErased(s); err != nil {
			return err
		} else if gone {
			continue
		}
		if _, err := b.tx.Exec("INSERT INTO watched(subject,changed) VALUES(?,?)", s[:], int64(at)); err != nil {
			return err
		}
		if ref, _, err = b.watched(s); err != nil {
			return err
		}
		if err := b.bindPerson(ref, s); err != nil {
			return err
		}
	}
	return nil
}

// bindPerson binds the addresses of every event that the vault still knows.
func (b *batch) bindPerson(ref int64, subject domain.ID) error {
	var events []domain.ID
	err := b.tx.Query("SELECT event FROM source WHERE subject=? ORDER BY position", func(row []driver.Value) error {
		events = append(events, asID(row[0]))
		return nil
	}, subject[:])
	if err != nil || len(events) == 0 {
		return err
	}
	return b.bindEvents(ref, events)
}

func (b *batch) bindEvents(ref int64, events []domain.ID) error {
	packed, err := b.list.vault.Tokens(b.ctx, events)
	if err != nil {
		return fmt.Errorf("tokens of events: %w", err)
	}
	if len(packed) != len(events) {
		return fmt.Errorf("tokens of events: %d answers to %d", len(packed), len(events))
	}
	var tokens []token.Token
	for i, p := range packed {
		entries, err := token.Unpack(p)
		if err != nil {
			return fmt.Errorf("tokens of event %s: %w", events[i], err)
		}
		for _, e := range entries {
			if e.Form != token.FormSearch && (e.Field == token.FieldEmails || e.Field == token.FieldPhones) {
				tokens = append(tokens, e.Token)
			}
		}
	}
	return b.bindOwn(ref, tokens)
}

// unwatch takes the person's own tokens off the list.
func (b *batch) unwatch(subject domain.ID) error {
	ref, known, err := b.watched(subject)
	if err != nil || !known {
		return err
	}
	if err := b.unbind(ref); err != nil {
		return err
	}
	_, err = b.tx.Exec("DELETE FROM watched WHERE ref=?", ref)
	return err
}

// edge takes a merge or its undoing: of those between the same two in the same
// direction the later time holds, then the later position.
func (b *batch) edge(f projections.Fact) error {
	into := f.Codes.ID("into")
	if into.IsZero() {
		return fmt.Errorf("%w: the contact it goes into", errEntry)
	}
	merged := int64(0)
	if f.Type == event.ContactMerged {
		merged = 1
	}
	before, err := component(b.tx.Query, f.Subject, 0)
	if err != nil {
		return err
	}
	n, err := b.tx.Exec("INSERT INTO edge(a,b,time,position,merged) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(a,b) DO UPDATE "+
		"SET time=?3,position=?4,merged=?5 WHERE ?3>time OR ?3=time AND ?4>position", f.Subject[:], into[:], f.Time.UnixMicro(), int64(f.Position), merged)
	if err != nil || n == 0 {
		return err
	}
	after, err := component(b.tx.Query, f.Subject, 0)
	if err != nil || len(after) == len(before) {
		return err
	}
	if err := b.settle(f.Position, after); err != nil || merged == 1 {
		return err
	}
	rest, err := component(b.tx.Query, into, 0)
	if err != nil {
		return err
	}
	return b.settle(f.Position, rest)
}

// settle watches all of a person's subjects if one of them objected, else none.
func (b *batch) settle(at domain.Position, person []domain.ID) error {
	objected := false
	for _, s := range person {
		_, has, err := b.tx.Int("SELECT 1 FROM entry WHERE subject=? LIMIT 1", s[:])
		if err != nil {
			return err
		}
		objected = objected || has
	}
	if objected {
		return b.watch(at, person)
	}
	for _, s := range person {
		if err := b.unwatch(s); err != nil {
			return err
		}
	}
	return nil
}

// component lists the subjects that are one person with subject, itself first.
// A limit of 0 is none; beyond it is ErrLarge.
func component(ask query, subject domain.ID, limit int) ([]domain.ID, error) {
	out := []domain.ID{subject}
	seen := map[domain.ID]bool{subject: true}
	for i := 0; i < len(out); i++ {
		err := ask("SELECT b FROM edge WHERE a=?1 AND merged=1 UNION SELECT a FROM edge WHERE b=?1 AND merged=1 ORDER BY 1", func(row []driver.Value) error {
			if id := asID(row[0]); !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
			return nil
		}, out[i][:])
		if err != nil {
			return nil, err
		}
		if limit > 0 && len(out) > limit {
			return nil, ErrLarge
		}
	}
	return out, nil
}

func asID(v driver.Value) domain.ID {
	b, _ := v.([]byte)
	if len(b) != len(domain.ID{}) {
		return domain.ID{}
	}
	return domain.ID(b)
}
