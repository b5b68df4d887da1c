package importer

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// plan is what a row of a snapshot comes to.
type plan struct {
	item item
	code string // why the row is rejected, if it is
}

// plan compares contacts with what the state knows of them.
func (s *snapshot) plan(ctx context.Context, chunk []*contact, e *envelope) ([]plan, error) {
	keys := make([]Key, len(chunk))
	for i, c := range chunk {
		keys[i] = s.key(c.subject)
	}
	again := s.fly(keys)
	known, seen, err := s.state.Get(ctx, s.run, keys)
	if err != nil {
		return nil, fmt.Errorf("import: snapshot: read state: %w", err)
	}
	out := make([]plan, len(chunk))
	for i, c := range chunk {
		if again[i] || seen[keys[i]] {
			out[i].code = "subject_repeated"
			continue
		}
		old, ok := known[keys[i]]
		out[i].item = s.differences(c, keys[i], old, ok, e)
	}
	return out, s.stillSent(ctx, chunk, out, e)
}

// stillSent makes rows that are as they were speak of whom the ledger erased.
func (s *snapshot) stillSent(ctx context.Context, chunk []*contact, plans []plan, e *envelope) error {
	if s.opt.Snapshot.Erased == nil {
		return nil
	}
	var at []int
	var subjects []string
	for i, p := range plans {
		if p.code == "" && len(p.item.events) == 0 && p.item.update != nil {
			at, subjects = append(at, i), append(subjects, chunk[i].subject)
		}
	}
	if len(subjects) == 0 {
		return nil
	}
	erased, err := s.opt.Snapshot.Erased(ctx, subjects)
	if err != nil {
		return fmt.Errorf("import: snapshot: who was erased: %w", err)
	}
	for n, i := range at {
		if it := &plans[i].item; erased[n] {
			when, ok := chunk[i].when(s.opt.At)
			if !ok {
				when = s.opt.At
			}
			it.events = e.created(chunk[i], when, s.opt.At, s.run.Instance[:])
			it.update = &Update{Key: it.update.Key, Entry: &Entry{}}
			*it = s.named(*it)
		}
	}
	return nil
}

// fly marks keys as on their way and reports which were already.
func (s *snapshot) fly(keys []Key) []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := make([]bool, len(keys))
	for i, k := range keys {
		again[i] = s.flying[k]
		s.flying[k] = true
	}
	return again
}

func (s *snapshot) differences(c *contact, k Key, old Entry, known bool, e *envelope) item {
	it := item{line: c.line, cells: c.cells}
	fresh := Entry{Fields: s.fields(c, k), Generation: old.Generation + 1}
	var salt []byte
	if known {
		salt = s.salt(old.Generation)
	}
	if !known || old.Gone {
		at := s.opt.At
		if t, ok := c.when(at); ok && !known {
			at = t
		}
		fresh.Sealed = s.sealed(k, c.subject)
		it.events = e.created(c, at, s.opt.At, salt)
		it.update = &Update{Key: k, Entry: &fresh}
		return s.named(it)
	}
	fresh.Sealed = old.Sealed
	if change, ok := s.change(c, old, &fresh, e, salt); ok {
		it.events = append(it.events, change)
	}
	it.events = append(it.events, s.choices(c, k, old, &fresh, e, salt)...)
	it.update = &Update{Key: k}
	if len(it.events) > 0 || len(fresh.Fields) != len(old.Fields) {
		it.update.Entry = &fresh
	}
	return s.named(it)
}

// named gives the events of choices the ids of their fields: what settles a
// batch does not share the MAC with what plans the next.
func (s *snapshot) named(it item) item {
	for i := range it.events {
		if e := &it.events[i]; e.path != "" {
			e.id = s.path(e.path)
		}
	}
	return it
}

// salt tells the same change made twice apart; the instance keeps a state that
// was begun anew from repeating ids of the one before.
func (s *snapshot) salt(generation uint32) []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(s.run.Instance[:]), generation)
}

func (s *snapshot) fields(c *contact, k Key) map[PathID]MAC {
	out := make(map[PathID]MAC, len(c.values)+len(c.choices))
	for _, v := range c.values {
		if v.seen { // a constant is of the import, not of the contact
			out[s.path(v.path)] = s.field(k, v.path, string(v.json))
		}
	}
	for i := range c.choices {
		ch := &c.choices[i]
		out[s.path(ch.key())] = s.field(k, ch.key(), ch.state())
	}
	return out
}

func (ch *choice) state() string {
	switch {
	case ch.opposed:
		return "opposed"
	case ch.granted:
		return "granted"
	}
	return "refused"
}

// change makes contact.changed of what differs. Fields whose column left the
// file stay as they were.
func (s *snapshot) change(c *contact, old Entry, fresh *Entry, e *envelope, salt []byte) (outgoing, bool) {
	var set []value
	for _, v := range c.values {
		id := s.path(v.path)
		if was, ok := old.Fields[id]; v.seen && (!ok || was != fresh.Fields[id]) {
			set = append(set, v)
		}
	}
	var unset []string
	for id, was := range old.Fields {
		if _, ok := fresh.Fields[id]; ok {
			continue
		}
		path, here := s.here[id]
		if here && !isChoice(path) {
			unset = append(unset, path)
		} else {
			fresh.Fields[id] = was
		}
	}
	if len(set)+len(unset) == 0 {
		return outgoing{}, false
	}
	slices.Sort(unset)
	data := changed(set, unset)
	return outgoing{doc: e.make(event.ContactChanged, c.subject, s.opt.At, data, salt), typ: event.ContactChanged}, true
}

func changed(set []value, unset []string) []byte {
	out := []byte(`{"reason":"synchronisation"`)
	for i, v := range set {
		if i == 0 {
			out = append(out, `,"set":{`...)
		}
		out = append(appendName(out, v.path, i == 0), v.json...)
	}
	if len(set) > 0 {
		out = append(out, '}')
	}
	for i, p := range unset {
		if i == 0 {
			out = append(out, `,"unset":[`...)
		} else {
			out = append(out, ',')
		}
		out = appendString(out, p)
	}
	if len(unset) > 0 {
		out = append(out, ']')
	}
	return append(out, '}')
}

func isChoice(path string) bool { return len(path) > 7 && path[:7] == "choice/" }

// choices makes the events of opt-ins and opt-outs that changed. What a CRM no
// longer grants is withdrawn; an objection that it no longer shows stays: only a
// reasoned lift or a later proven act of the person ends it.
func (s *snapshot) choices(c *contact, k Key, old Entry, fresh *Entry, e *envelope, salt []byte) []outgoing {
	var out []outgoing
	said := map[string]bool{}
	for i := range c.choices {
		ch := c.choices[i]
		said[ch.key()] = true
		id := s.path(ch.key())
		was, ok := old.Fields[id]
		if ok && was == fresh.Fields[id] {
			continue
		}
		if ch.at.IsZero() || !ch.granted {
			ch.at = date{Time: s.opt.At}
		}
		withdrawn := ch.refused && ok && was == s.field(k, ch.key(), "granted")
		out = append(out, e.choice(c, &ch, s.opt.At, salt, withdrawn))
	}
	for id, path := range s.here {
		was, ok := old.Fields[id]
		if !ok || !isChoice(path) || said[path] {
			continue
		}
		if was == s.field(k, path, "opposed") {
			c.warnings = append(c.warnings, Warning{toOpposition, "objection_stays"})
		}
		if was != s.field(k, path, "granted") {
			continue
		}
		ch := s.legacy[path]
		ch.refused, ch.at = true, date{Time: s.opt.At}
		fresh.Fields[id] = s.field(k, path, "refused")
		out = append(out, e.choice(c, &ch, s.opt.At, salt, true))
	}
	slices.SortStableFunc(out, func(a, b outgoing) int { return slices.Compare([]byte(a.path), []byte(b.path)) })
	return out
}

// keep puts the state of acknowledged items away. A conflict on an id of ours
// means that the same content is recorded under another instant, so it counts as
// kept; what is quarantined comes again with the next snapshot.
func (s *snapshot) keep(ctx context.Context, items []item, results []ledger.Result, dry bool) error {
	var ups []Update
	n := 0
	for _, it := range items {
		if it.update == nil {
			continue
		}
		up := *it.update
		if results != nil {
			up = acked(it, results[n:n+len(it.events)])
			n += len(it.events)
		}
		ups = append(ups, up)
	}
	if !dry {
		if err := s.state.Put(ctx, s.run, ups); err != nil {
			return fmt.Errorf("import: snapshot: state not kept, the events before are committed: %w", err)
		}
	}
	s.landed(items)
	return nil
}

// landed forgets keys that were on their way. A dry run, which writes no state,
// sees only those repeated subjects that stand close together.
func (s *snapshot) landed(items []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range items {
		if it.update != nil {
			delete(s.flying, it.update.Key)
		}
	}
}

func acked(it item, results []ledger.Result) Update {
	up := *it.update
	if up.Entry == nil {
		return up
	}
	entry := *up.Entry
	entry.Fields = maps.Clone(entry.Fields)
	up.Entry = &entry
	for i, res := range results {
		switch {
		case res.Status == ledger.Erased:
			return Update{Key: up.Key, Forget: true}
		case res.Status == ledger.Quarantined && it.events[i].path == "":
			return Update{Key: up.Key} // as it was, if it was
		case res.Status == ledger.Quarantined:
			delete(entry.Fields, it.events[i].id)
		}
	}
	return up
}
