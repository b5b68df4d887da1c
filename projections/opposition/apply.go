package opposition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Origin says how an entry came onto the list.
type Origin string

// The origins.
const (
	Own     Origin = "own"     // opposition.registered by a known person
	Request Origin = "request" // request.received that claims art. 21
	Address Origin = "address" // opposition.registered for an address alone
	Listed  Origin = "list"    // opposition.listed: a part of an imported list
	Carried Origin = "carried" // of a person who was erased since
)

// Origins lists them, in the order of the numbers they are stored as.
func Origins() []Origin { return []Origin{Own, Request, Address, Listed, Carried} }

func (o Origin) number() int64 { return int64(slices.Index(Origins(), o)) }

// errEntry: an own fact does not say what it must.
var errEntry = errors.New("the fact does not say what it must")

// batch is one transaction's work.
type batch struct {
	list   *List
	ctx    context.Context
	tx     *sqlfile.Tx
	opened map[domain.ID]sealed
}

func (b *batch) fact(f projections.Fact) error {
	switch f.Type {
	case event.OppositionRegistered, event.RequestReceived:
		return b.objected(f)
	case event.OppositionListed:
		return b.listed(f)
	case event.OppositionLifted:
		return b.lifted(f)
	case event.ConsentGranted:
		return b.granted(f)
	case event.ContactCreated, event.ContactChanged:
		return b.sourced(f)
	case event.ContactMerged, event.ContactUnmerged:
		return b.edge(f)
	case event.ErasureOrdered:
		return b.ordered(f)
	case event.ErasureStaged:
		return b.staged(f)
	case event.SubjectErased:
		return b.erased(f)
	}
	return nil
}

// objected takes an objection, by a person, by an address or by both.
func (b *batch) objected(f projections.Fact) error {
	e, ok := opposition.EntryOf(f.Position, f.Fact)
	if !ok {
		return nil
	}
	origin := Own
	switch {
	case f.Type == event.RequestReceived:
		origin = Request
	case f.Subject.IsZero():
		origin = Address
	}
	if err := b.enter(&e, origin, domain.ID{}, 0); err != nil {
		return err
	}
	tokens := b.opened[f.ID].tokens
	if err := b.bindEntry(int64(f.Position), tokens, max(1, len(tokens))); err != nil || f.Subject.IsZero() {
		return err
	}
	person, err := component(b.tx.Query, f.Subject, 0)
	if err != nil {
		return err
	}
	return b.watch(f.Position, person)
}

// listed takes a part of an imported list. Its addresses are numbered from 0; a
// clear one stands under two tokens, a digest under one.
func (b *batch) listed(f projections.Fact) error {
	e := opposition.Entry{Event: f.ID, Position: f.Position, Time: f.Time.Time, Recorded: f.Recorded.Time,
		Scope: opposition.Scope{Controller: f.Controller, Purpose: f.Codes.String("purpose"), Channels: f.Codes.Strings("channels")}}
	if c := f.Codes.String("controller"); c != "" {
		e.Controller = c
	}
	if err := b.enter(&e, Listed, f.Codes.ID("list"), f.Codes.Int("count")); err != nil {
		return err
	}
	each := 1
	if f.Codes.String("form") == "clear" {
		each = 2
	}
	tokens := b.opened[f.ID].tokens
	if len(tokens) > each*maxListed {
		return fmt.Errorf("%w: more than %d addresses", errEntry, maxListed)
	}
	return b.bindEntry(int64(f.Position), tokens, each)
}

func (b *batch) enter(e *opposition.Entry, origin Origin, list domain.ID, count int64) error {
	_, err := b.tx.Exec("INSERT INTO entry(position,event,subject,time,recorded,scope,origin,list,count) VALUES(?,?,?,?,?,?,?,?,?)",
		int64(e.Position), e.Event[:], blob(e.Subject), e.Time.UnixMicro(), e.Recorded.UnixMicro(), scopeText(&e.Scope), origin.number(), blob(list), count)
	return err
}

// whole is the number of a lift that ends the entry for every address.
const whole = -1

// lifted ends an entry: for every address, or, where the fact says so, for those
// whose tokens it seals. Without a reason it ends nothing.
func (b *batch) lifted(f projections.Fact) error {
	entry := f.Codes.ID("entry")
	if entry.IsZero() || f.Codes.String("reason") == "" {
		return nil
	}
	if f.Codes.String("of") != "address" {
		return b.lift(f, entry, whole)
	}
	at, _, err := b.tx.Int("SELECT position FROM entry WHERE event=?", entry[:])
	if err != nil {
		return err
	}
	numbers, err := b.numbers(at, b.opened[f.ID].tokens)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if err := b.lift(f, entry, int64(n)); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) lift(f projections.Fact, entry domain.ID, n int64) error {
	_, err := b.tx.Exec("INSERT OR IGNORE INTO lift(entry,position,n,event,time,reason) VALUES(?,?,?,?,?,?)",
		entry[:], int64(f.Position), n, f.ID[:], f.Time.UnixMicro(), f.Codes.String("reason"))
	return err
}

// granted keeps the person's own proven acts, which may outlive an objection.
func (b *batch) granted(f projections.Fact) error {
	a, ok := opposition.ActOf(f.Fact)
	if !ok {
		return nil
	}
	if gone, err := b.isErased(f.Subject); err != nil || gone {
		return err
	}
	expires := int64(0)
	if !a.ExpiresAt.IsZero() {
		expires = a.ExpiresAt.UnixMicro()
	}
	scope := opposition.Scope{Controller: a.Controller, Purpose: a.Purpose, Channels: a.Channels}
	_, err := b.tx.Exec("INSERT INTO act(subject,position,event,time,expires,scope) VALUES(?,?,?,?,?,?)",
		f.Subject[:], int64(f.Position), f.ID[:], a.Time.UnixMicro(), expires, scopeText(&scope))
	return err
}

// scopeText writes a scope as controller|purpose|channel,channel. Codes hold
// neither sign.
func scopeText(s *opposition.Scope) string {
	return s.Controller + "|" + s.Purpose + "|" + strings.Join(s.Channels, ",")
}

func readScope(text string) (s opposition.Scope) {
	var channels string
	s.Controller, text, _ = strings.Cut(text, "|")
	s.Purpose, channels, _ = strings.Cut(text, "|")
	if channels != "" {
		s.Channels = strings.Split(channels, ",")
	}
	return s
}

// blob is nil for the absent id.
func blob(id domain.ID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}
