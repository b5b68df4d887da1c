package verify

import (
	"context"
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// archives are what the log says was archived: about 40 bytes an archival, and the
// names of keys once for all who have the same.
type archives struct {
	last   *table // by subject: of the last archival, its place in all, from 1 on
	all    []archival
	lists  [][]vault.ClassEpoch
	number map[string]uint32
	full   bool // there were more subjects than are kept: their marks are not judged
}

type archival struct {
	list, before uint32 // the place of the subject's archival before, 0: none
	at           domain.Position
	since        int64 // µs
}

func newArchives() *archives { return &archives{last: newTable(), number: map[string]uint32{}} }

// take collects retention.archived.
func (a *archives) take(p domain.Position, f *event.Fact) {
	names := f.Codes.Strings("epochs")
	text := strings.Join(names, " ")
	n, ok := a.number[text]
	if !ok {
		n = uint32(len(a.lists))
		var keys []vault.ClassEpoch
		for _, k := range erasure.Named(names) {
			keys = append(keys, vault.ClassEpoch{Class: k.Class, Epoch: k.Epoch})
		}
		a.lists, a.number[text] = append(a.lists, keys), n
	}
	before, _ := a.last.get(byte(part.Subject), f.Subject)
	a.all = append(a.all, archival{n, before, p, f.Recorded.UnixMicro()})
	if !a.last.put(byte(part.Subject), f.Subject, uint32(len(a.all))) {
		a.full = true
	}
}

// of is the first fact that archived a key of an owner.
func (a *archives) of(o part.Owner, key vault.ClassEpoch) (first *archival) {
	if o.Kind != part.Subject {
		return nil
	}
	for n, _ := a.last.get(byte(o.Kind), o.ID); n > 0; n = a.all[n-1].before {
		if x := &a.all[n-1]; slices.Contains(a.lists[x.list], key) {
			first = x
		}
	}
	return first
}

// strays are marks of keys that no fact archived, or that it archived at another time.
func (a *archives) strays(o part.Owner, row *seal.Row) (out []Finding) {
	for _, m := range row.Archived {
		f := Finding{Class: m.Class, Where: where("key", o.String())}
		switch by := a.of(o, m.ClassEpoch); {
		case by == nil && a.full:
		case by == nil:
			f.Code, f.Detail = ArchivedWithoutEvent, "The vault says that the key is archived, so that readers do not see what it seals, and no fact says so."
			out = append(out, f)
		case by.since != m.Since.UnixMicro():
			f.Code, f.Position, f.Detail = MarkAltered, by.at, "The vault has another time for the archival of the key than the fact."
			out = append(out, f)
		}
	}
	return out
}

// missing are keys that a fact archived and that have no mark.
func (a *archives) missing(o part.Owner, row *seal.Row) (out []Finding) {
	for _, k := range row.Keys {
		by := a.of(o, k)
		if by == nil || slices.ContainsFunc(row.Archived, func(m seal.ArchivedKey) bool { return m.ClassEpoch == k }) {
			continue
		}
		out = append(out, Finding{Code: ArchiveMissing, Position: by.at, Class: k.Class, Where: where("key", o.String()),
			Detail: "A fact says that the key was archived, and the vault does not: everybody reads what it seals."})
	}
	return out
}

// archived judges again the rows whose marks seemed to be others than the log's: a fact
// is in the log after its mark is in the vault.
func (r *run) archived(ctx context.Context, suspects []part.Owner) error {
	for some := range slices.Chunk(suspects, pageSize) {
		if _, err := r.later(ctx); err != nil {
			return err
		}
		stored, err := r.Vault.Keys(ctx, some)
		if err != nil {
			return err
		}
		rows := make([]seal.Row, len(some))
		for i, o := range some {
			if rows[i], err = r.Keys.Tell(o, stored[i]); err != nil {
				continue // it was told that it cannot be read
			}
			for _, f := range r.told.archived.missing(o, &rows[i]) {
				r.find(f)
			}
		}
		if err := r.prepared(ctx); err != nil {
			return err
		}
		if _, err := r.later(ctx); err != nil {
			return err
		}
		for i, o := range some {
			for _, f := range r.told.archived.strays(o, &rows[i]) {
				r.find(f)
			}
		}
	}
	return nil
}

// prepared takes in archivals whose mark is stored and whose fact is not yet in the log.
func (r *run) prepared(ctx context.Context) error {
	return r.Vault.Pending(ctx, func(p vault.Pending) error {
		for i, b := range p.Facts {
			if typeOf(b) != event.RetentionArchived {
				continue
			}
			if f, err := event.DecodeFact(b); err == nil {
				r.told.archived.take(p.Base+domain.Position(i), f)
			}
		}
		return nil
	})
}
