package opposition

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"

	"greffe/domain"
	"greffe/domain/opposition"
	"greffe/projections/internal/sqlfile"
)

// Filter selects entries; zero members select all.
type Filter struct {
	Since   domain.Position // at or after
	Origin  Origin
	List    domain.ID
	Channel string // that the scope binds
	Purpose string // that the scope binds
}

// Lifted is an entry of the list with the lifts of it. Of an imported list's
// part, Single counts the addresses that were lifted one by one.
type Lifted struct {
	Entry
	Lifts  []opposition.Lift // of the whole entry
	Single int64
}

var errEnough = errors.New("enough")

// Page lists up to limit entries in the order of their positions; next is the
// position to go on from, 0 at the end.
func (l *List) Page(ctx context.Context, f Filter, limit int) (items []Lifted, next domain.Position, err error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.end()
	var page []Entry
	err = s.matching(f, func(e Entry) error {
		if len(page) == limit {
			next = e.Position
			return errEnough
		}
		page = append(page, e)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, 0, fmt.Errorf("page of the opposition list: %w", err)
	}
	for _, e := range page {
		item := Lifted{Entry: e}
		lifts, err := s.lifts(e.Event)
		if err != nil {
			return nil, 0, fmt.Errorf("page of the opposition list: %w", err)
		}
		single := map[int64]bool{}
		for _, x := range lifts {
			if x.n == whole {
				item.Lifts = append(item.Lifts, x.Lift)
			} else {
				single[x.n] = true
			}
		}
		item.Single = int64(len(single))
		items = append(items, item)
	}
	return items, next, nil
}

// Entry is one entry by the fact that made it; ok is false if there is none.
func (l *List) Entry(ctx context.Context, event domain.ID) (e Entry, ok bool, err error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return e, false, err
	}
	defer s.end()
	err = s.query(entryColumns+"WHERE event=?", func(row []driver.Value) error {
		e, ok = readEntry(row), true
		return nil
	}, event[:])
	return e, ok, err
}

// Holds reports whether an entry has any of the tokens of an address.
func (l *List) Holds(ctx context.Context, at domain.Position, address []opposition.Keyed) (bool, error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return false, err
	}
	defer s.end()
	for _, k := range address {
		values, err := s.find(k.Token)
		if err != nil {
			return false, err
		}
		for _, v := range values {
			if p, _, ok := v.entry(); ok && p == int64(at) {
				return true, nil
			}
		}
	}
	return false, nil
}

// Count counts the entries that f selects, lifted ones among them, and the
// addresses of those that are of imported lists.
func (l *List) Count(ctx context.Context, f Filter) (entries, listed int64, err error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer s.end()
	err = s.matching(f, func(e Entry) error {
		entries, listed = entries+1, listed+e.Count
		return nil
	})
	return entries, listed, err
}

func (s *snapshot) matching(f Filter, fn func(Entry) error) error {
	origin := int64(-1)
	if f.Origin != "" {
		origin = f.Origin.number()
	}
	return s.query(entryColumns+"WHERE position>=?1 AND (?2<0 OR origin=?2) AND (?3 IS NULL OR list=?3) ORDER BY position", func(row []driver.Value) error {
		e := readEntry(row)
		if !e.Binds(f.Channel, f.Purpose, "") {
			return nil
		}
		return fn(e)
	}, int64(min(f.Since, math.MaxInt64)), origin, blob(f.List))
}

// Objector is a person who objected, or who is merged with one that did.
type Objector struct {
	Subject domain.ID
	Changed domain.Position   // of the last fact that gave it an objection or an address
	Sources []domain.Position // of the facts that gave it addresses
}

// Objectors lists up to limit persons whose objections or addresses changed at or
// after since, in the order of their last change; next is 0 at the end. after
// goes on behind a position and a subject.
func (l *List) Objectors(ctx context.Context, since domain.Position, after domain.ID, limit int) (out []Objector, err error) {
	s, err := l.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	err = s.query("SELECT subject,changed FROM watched WHERE changed>?1 OR changed=?1 AND subject>?2 ORDER BY changed,subject LIMIT ?3",
		func(row []driver.Value) error {
			out = append(out, Objector{Subject: asID(row[0]), Changed: domain.Position(asInt(row[1]))})
			return nil
		}, int64(min(since, math.MaxInt64)), after[:], int64(limit))
	if err != nil {
		return nil, fmt.Errorf("objectors: %w", err)
	}
	for i := range out {
		o := &out[i]
		err := s.query("SELECT position FROM source WHERE subject=? ORDER BY position", func(row []driver.Value) error {
			o.Sources = append(o.Sources, domain.Position(asInt(row[0])))
			return nil
		}, o.Subject[:])
		if err != nil {
			return nil, fmt.Errorf("objectors: %w", err)
		}
	}
	return out, nil
}

// Sound reports damage of the file and of its indexes, see sqlfile.File.
func (l *List) Sound(ctx context.Context) error { return l.file.Sound(ctx) }

// Referred says what an address in a dump stands for, by its column of: the entry at
// a position, or a subject, which is zero for an entry or if there is none.
func (l *List) Referred(ctx context.Context, of int64) (domain.Position, domain.ID, error) {
	if p, _, ok := value(of).entry(); ok {
		return domain.Position(p), domain.ID{}, nil
	}
	ref, _ := value(of).subject()
	id, err := l.file.ID(ctx, "SELECT subject FROM watched WHERE ref=?", ref)
	return 0, id, err
}

// Dump implements projections.Projection.
func (l *List) Dump(ctx context.Context, w io.Writer) error {
	return l.file.Dump(ctx, w,
		sqlfile.Section{Name: "entries", Query: "SELECT position,event,subject,time,recorded,scope,origin,list,count FROM entry ORDER BY position"},
		l.tokens.Section("addresses", "of"),
		sqlfile.Section{Name: "lifts", Query: "SELECT entry,position,n,event,time,reason FROM lift ORDER BY 1,2,3"},
		sqlfile.Section{Name: "acts", Query: "SELECT subject,position,event,time,expires,scope FROM act ORDER BY 1,2"},
		sqlfile.Section{Name: "sources", Query: "SELECT subject,position,event FROM source ORDER BY 1,2"},
		sqlfile.Section{Name: "merges", Query: "SELECT a AS subject,b AS \"into\",time,position,merged FROM edge ORDER BY 1,2"},
		sqlfile.Section{Name: "watched", Query: "SELECT ref,subject,changed FROM watched ORDER BY 1"},
		sqlfile.Section{Name: "orders", Query: "SELECT event,subject,whole,addresses,staged FROM ordered ORDER BY 1"},
		sqlfile.Section{Name: "erased", Query: "SELECT subject,event,position,time FROM erased ORDER BY 1"},
	)
}
