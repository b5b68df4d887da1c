package notices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/consent"
)

// Published lists every published notice with the position of its fact: there
// are few. consent.Proven takes the look-up in it.
func (n *Notices) Published(ctx context.Context) (map[domain.ID]domain.Position, error) {
	out := map[domain.ID]domain.Position{}
	rows, err := n.file.Rows(ctx, "SELECT id,position FROM notice")
	err = each(rows, err, func(scan func(...any) error) error {
		var id []byte
		var at int64
		if err := scan(&id, &at); err != nil {
			return err
		}
		out[domain.ID(id)] = domain.Position(at)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("published notices: %w", err)
	}
	return out, nil
}

// At is the position of a notice's fact; ok is false if it is not published.
func (n *Notices) At(ctx context.Context, notice domain.ID) (at domain.Position, ok bool, err error) {
	var p int64
	err = n.file.Row(ctx, "SELECT position FROM notice WHERE id=?", []any{notice[:]}, &p)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("published notice: %w", err)
	}
	return domain.Position(p), true, nil
}

// List lists positions of published notices from a position on, at most limit.
func (n *Notices) List(ctx context.Context, from domain.Position, limit int) ([]domain.Position, error) {
	var out []domain.Position
	rows, err := n.file.Rows(ctx, "SELECT position FROM notice WHERE position>=? ORDER BY position LIMIT ?", int64(from), limit)
	err = each(rows, err, func(scan func(...any) error) error {
		var p int64
		out = append(out, 0)
		err := scan(&p)
		out[len(out)-1] = domain.Position(p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return out, nil
}

// Count is how many grants of one source lack the same.
type Count struct {
	Source domain.ID // zero: the ledger's own
	Lacks  []string
	Grants int64
}

// Unproven counts the grants that are not proven and still open, by source and by
// what they lack.
func (n *Notices) Unproven(ctx context.Context) ([]Count, error) {
	var out []Count
	rows, err := n.file.Rows(ctx, "SELECT g.source,g.lacks,count(DISTINCT g.position)"+openGrants+"GROUP BY 1,2 ORDER BY 1,2")
	err = each(rows, err, func(scan func(...any) error) error {
		var source []byte
		var lacks string
		var c Count
		if err := scan(&source, &lacks, &c.Grants); err != nil {
			return err
		}
		c.Source, c.Lacks = domain.ID(source), split(lacks)
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count unproven grants: %w", err)
	}
	return out, nil
}

// Grant is one grant that is unproven or comes to its end.
type Grant struct {
	Position            domain.Position
	Event               domain.ID
	Subject             domain.ID
	Source              domain.ID
	Controller, Purpose string
	Channels            []string // those of it that are open or end; none: every channel
	Lacks               []string
	Time                time.Time
	Due                 time.Time // zero in lists of unproven ones
}

// UnprovenGrants lists the grants that Unproven counts, from a position on, at
// most limit. Go on from the last one's plus one.
func (n *Notices) UnprovenGrants(ctx context.Context, from domain.Position, limit int) ([]Grant, error) {
	rows, err := n.file.Rows(ctx, "SELECT g.position,min(g.event),min(g.subject),min(g.source),min(g.controller),min(g.purpose),"+
		"group_concat(g.channel,','),min(g.lacks),min(g.time),NULL"+openGrants+"AND g.position>=? GROUP BY g.position ORDER BY g.position LIMIT ?",
		int64(from), limit)
	out, err := grants(rows, err)
	if err != nil {
		return nil, fmt.Errorf("unproven grants: %w", err)
	}
	return out, nil
}

// After is where a list of ends goes on; the zero value is its beginning.
type After struct {
	Due      int64 // µs
	Position int64
}

// Ended lists the grants that have come to their end by now and are not recorded
// as expired, in the order of their ends, at most limit, and where to go on; more
// is false at the end of the list.
func (n *Notices) Ended(ctx context.Context, now time.Time, after After, limit int) (out []Grant, next After, more bool, err error) {
	if after == (After{}) {
		after.Due = -1 << 62
	}
	rows, err := n.file.Rows(ctx, "SELECT g.position,min(g.event),min(g.subject),min(g.source),min(g.controller),min(g.purpose),"+
		"group_concat(g.channel,','),min(g.lacks),min(g.time),g.due"+dueGrants+"GROUP BY g.due,g.position ORDER BY g.due,g.position LIMIT ?",
		now.UnixMicro(), after.Due, after.Position, limit)
	if out, err = grants(rows, err); err != nil {
		return nil, After{}, false, fmt.Errorf("ended grants: %w", err)
	}
	if len(out) == 0 {
		return nil, after, false, nil
	}
	last := &out[len(out)-1]
	return out, After{last.Due.UnixMicro(), int64(last.Position)}, len(out) == limit, nil
}

// Erased is the order that erased a person, if one did.
func (n *Notices) Erased(ctx context.Context, subject domain.ID) (order domain.ID, at domain.Position, ok bool, err error) {
	var event []byte
	var p int64
	err = n.file.Row(ctx, "SELECT event,position FROM erased WHERE subject=?", []any{subject[:]}, &event, &p)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.ID{}, 0, false, nil
	}
	if err != nil {
		return domain.ID{}, 0, false, fmt.Errorf("erased in notices: %w", err)
	}
	return domain.ID(event), domain.Position(p), true, nil
}

// Gone is nil if nothing of the person but a tombstone is left, else ErrHeld.
func (n *Notices) Gone(ctx context.Context, subject domain.ID) error {
	var left int64
	err := n.file.Row(ctx, "SELECT (SELECT count(*) FROM granted WHERE subject=?1)+(SELECT count(*) FROM act WHERE subject=?1)", []any{subject[:]}, &left)
	if err != nil {
		return fmt.Errorf("check of notices: %w", err)
	}
	if left > 0 {
		return ErrHeld
	}
	return nil
}

func grants(rows *sql.Rows, err error) ([]Grant, error) {
	var out []Grant
	err = each(rows, err, func(scan func(...any) error) error {
		var g Grant
		var event, subject, source []byte
		var channels, lacks string
		var at, position int64
		var due sql.NullInt64
		if err := scan(&position, &event, &subject, &source, &g.Controller, &g.Purpose, &channels, &lacks, &at, &due); err != nil {
			return err
		}
		g.Position, g.Event, g.Subject, g.Source = domain.Position(position), domain.ID(event), domain.ID(subject), domain.ID(source)
		g.Lacks, g.Time = split(lacks), time.UnixMicro(at).UTC()
		if g.Channels = split(channels); slices.Contains(g.Channels, consent.Any) {
			g.Channels = nil
		}
		slices.Sort(g.Channels)
		if due.Valid {
			g.Due = time.UnixMicro(due.Int64).UTC()
		}
		out = append(out, g)
		return nil
	})
	return out, err
}

func each(rows *sql.Rows, err error, one func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := one(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
