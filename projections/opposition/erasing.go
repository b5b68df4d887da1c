package opposition

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/opposition"
	"greffe/projections"
)

// addressClasses are the retention classes whose destruction takes a person's
// tokens with it.
var addressClasses = [...]string{"identity", "contact_details"}

// ordered closes a person, or notes that its addresses are about to go. What
// binds stays until erasure.staged brings what takes its place.
func (b *batch) ordered(f projections.Fact) error {
	all := f.Codes.Bool("whole")
	addresses := all || f.Codes.ID("event").IsZero() && ofAddresses(f.Codes.Strings("classes")) // one part takes no token
	if _, err := b.tx.Exec("INSERT INTO ordered(event,subject,whole,addresses,staged) VALUES(?,?,?,?,0)", f.ID[:], f.Subject[:], flag(all), flag(addresses)); err != nil {
		return err
	}
	if !all {
		return nil
	}
	if err := b.tombstone(f); err != nil {
		return err
	}
	if _, err := b.tx.Exec("DELETE FROM act WHERE subject=?", f.Subject[:]); err != nil {
		return err
	}
	if _, watched, err := b.watched(f.Subject); err != nil || watched {
		return err
	}
	_, err := b.tx.Exec("DELETE FROM source WHERE subject=?", f.Subject[:])
	return err
}

func (b *batch) tombstone(f projections.Fact) error {
	_, err := b.tx.Exec("INSERT OR IGNORE INTO erased(subject,event,position,time) VALUES(?,?,?,?)",
		f.Subject[:], f.ID[:], int64(f.Position), f.Time.UnixMicro())
	return err
}

// order is what is known of the order that a fact carries out. Of one that this
// log does not hold (it was restored) the fact itself tells.
func (b *batch) order(f projections.Fact) (all, addresses bool, err error) {
	id, known := f.Codes.ID("order"), false
	err = b.tx.Query("SELECT whole,addresses FROM ordered WHERE event=?", func(row []driver.Value) error {
		all, addresses, known = row[0] == int64(1), row[1] == int64(1), true
		return nil
	}, id[:])
	if known || err != nil {
		return all, addresses, err
	}
	all = f.Codes.Bool("whole")
	return all, all || ofAddresses(f.Codes.Strings("classes")), nil
}

func ofAddresses(classes []string) bool {
	return slices.ContainsFunc(classes, func(c string) bool { return slices.Contains(addressClasses[:], c) })
}

// staged puts the carried tokens in the place of the person's own.
func (b *batch) staged(f projections.Fact) error {
	all, addresses, err := b.order(f)
	if err != nil {
		return err
	}
	order := f.Codes.ID("order")
	if _, err := b.tx.Exec("UPDATE ordered SET staged=1 WHERE event=?", order[:]); err != nil {
		return err
	}
	if err := b.scrubbed(f); err != nil {
		return err
	}
	if tokens := b.opened[f.ID].tokens; len(tokens) > 0 {
		if err := b.carry(f, tokens); err != nil {
			return err
		}
	}
	switch {
	case all:
		if err := b.tombstone(f); err != nil {
			return err
		}
		return b.clear(f.Subject)
	case !addresses:
		return nil
	}
	ref, watched, err := b.watched(f.Subject)
	if err != nil {
		return err
	}
	if watched {
		if err := b.unbind(ref); err != nil {
			return err
		}
	}
	_, err = b.tx.Exec("DELETE FROM source WHERE subject=?", f.Subject[:])
	return err
}

// carry binds tokens to the objections that the fact names. Where it names one
// that is not on the list, or none, the fact itself binds, in the widest sense.
func (b *batch) carry(f projections.Fact, tokens []opposition.Keyed) error {
	var entries []int64
	names := f.Codes.Strings("objections")
	for _, name := range names {
		id, err := domain.ParseID(name)
		if err != nil {
			return err
		}
		p, known, err := b.tx.Int("SELECT position FROM entry WHERE event=?", id[:])
		if err != nil {
			return err
		}
		if known {
			entries = append(entries, p)
		}
	}
	if len(entries) < max(1, len(names)) {
		e := opposition.Entry{Event: f.ID, Position: f.Position, Time: f.Time.Time, Recorded: f.Recorded.Time}
		if err := b.enter(&e, Carried, domain.ID{}, 0); err != nil {
			return err
		}
		entries = append(entries, int64(f.Position))
	}
	for _, p := range entries {
		if err := b.bindEntry(p, tokens, len(tokens)); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what is held of an erased person but entries and edges, which
// hold what is merged with it together until each is staged.
func (b *batch) clear(subject domain.ID) error {
	if err := b.unwatch(subject); err != nil {
		return err
	}
	for _, text := range []string{"DELETE FROM act WHERE subject=?", "DELETE FROM source WHERE subject=?"} {
		if _, err := b.tx.Exec(text, subject[:]); err != nil {
			return err
		}
	}
	return nil
}

// erased cuts the entries of the person loose from it: from now on they are
// those of addresses alone. After a partial erasure the person is bound again by
// the addresses that came since.
func (b *batch) erased(f projections.Fact) error {
	all, addresses, err := b.order(f)
	if err != nil || !all && !addresses {
		return err
	}
	if err := b.scrubbed(f); err != nil {
		return err
	}
	if !all {
		return b.rebind(f.Subject)
	}
	if err := b.tombstone(f); err != nil {
		return err
	}
	if err := b.clear(f.Subject); err != nil {
		return err
	}
	if _, err := b.tx.Exec("DELETE FROM edge WHERE a=?1 OR b=?1", f.Subject[:]); err != nil {
		return err
	}
	_, err = b.tx.Exec("UPDATE entry SET subject=NULL,origin=? WHERE subject=?", Carried.number(), f.Subject[:])
	return err
}

// rebind asks the vault anew for what it holds of a person: what came between
// the order and the destruction went with it.
func (b *batch) rebind(subject domain.ID) error {
	ref, watched, err := b.watched(subject)
	if err != nil || !watched {
		return err
	}
	if err := b.unbind(ref); err != nil {
		return err
	}
	return b.bindPerson(ref, subject)
}

func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// Gone is nil if nothing of an erased person is left in the file, its journal
// included, but a tombstone and, until subject.erased, the ids of its objections.
// For a person erased in part it is nil once the carried tokens have taken the
// place of its own. Else it is ErrHeld, or sqlfile's reason why traces may be left.
func (l *List) Gone(ctx context.Context, subject domain.ID) error {
	below, err := l.held(ctx, subject)
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	return l.file.Scrub(ctx, below)
}

// held is ErrHeld while something is in the tables, else the position below which
// facts took it away.
func (l *List) held(ctx context.Context, subject domain.ID) (below domain.Position, err error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer s.end()
	has := func(text string) (found bool) {
		if err == nil {
			err = s.query(text, func([]driver.Value) error {
				found = true
				return nil
			}, subject[:])
		}
		return found
	}
	partly := has("SELECT 1 FROM ordered WHERE subject=?1 AND whole=0") && !has("SELECT 1 FROM erased WHERE subject=?1")
	watched := has("SELECT 1 FROM watched WHERE subject=?1")
	waiting := has("SELECT 1 FROM ordered WHERE subject=?1 AND addresses=1 AND staged=0")
	rest := has("SELECT 1 FROM source WHERE subject=?1 UNION ALL SELECT 1 FROM act WHERE subject=?1")
	if partly && watched && waiting || !partly && (watched || rest) {
		return 0, errors.Join(err, ErrHeld)
	}
	if err == nil {
		err = s.query("SELECT below FROM cleared WHERE subject=?", func(row []driver.Value) error {
			below = domain.Position(asInt(row[0]))
			return nil
		}, subject[:])
	}
	return below, err
}
