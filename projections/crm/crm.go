// Package crm is the current view of every contact, as pointers: for each field
// the event that last set it, found by the later time, then the later position;
// what the view needs of clear codes; and the search tokens of current addresses
// and names. Values stay in their parts, sealed; nothing personal is held in
// clear.
//
// Promises, assumptions and what a crash leaves are those of projections and
// projections/internal/sqlfile. Tokens are asked of the vault while facts are
// applied: the ones of a person whose data was destroyed are not found again by
// a rebuild.
package crm

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// Vault gives the packed tokens of events, in their order, nil where there are
// none. vault.Store is one.
type Vault interface {
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)
}

// Class gives the retention class of a field's path under a version of the
// policy, or "" if it does not know. An error halts the projection.
type Class func(policy int64, path string) (string, error)

const maxCached = 1 << 14 // contacts kept decoded, some 2 KiB each

var schema = sqlfile.Schema{
	Name:    "crm",
	Version: 1,
	DDL: sqlfile.InternDDL("subject", "BLOB") +
		`CREATE TABLE contact(ref INTEGER PRIMARY KEY, state BLOB NOT NULL);
		CREATE TABLE holder(token BLOB PRIMARY KEY, ref INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE shared(token BLOB, ref INTEGER, PRIMARY KEY(token,ref)) WITHOUT ROWID;
		CREATE TABLE tally(kind TEXT, year INTEGER, n INTEGER NOT NULL, PRIMARY KEY(kind,year)) WITHOUT ROWID;`,
}

// View is the projection. Its queries may run beside Apply.
type View struct {
	file     *sqlfile.File
	vault    Vault
	class    Class
	subjects *sqlfile.Interner
	cache    map[domain.ID]*Contact
}

var _ projections.Projection = (*View)(nil)

// Open opens or makes the view at path. class may be nil: then a field's class
// is known only when its event has one part.
func Open(path string, v Vault, class Class, o sqlfile.Options) (*View, error) {
	f, err := sqlfile.Open(path, schema, o)
	if err != nil {
		return nil, err
	}
	if class == nil {
		class = func(int64, string) (string, error) { return "", nil }
	}
	return &View{file: f, vault: v, class: class, subjects: sqlfile.NewInterner("subject"), cache: map[domain.ID]*Contact{}}, nil
}

// Close releases the file.
func (v *View) Close() error { return v.file.Close() }

// Name implements projections.Projection.
func (v *View) Name() string { return "crm" }

// Checkpoint implements projections.Projection.
func (v *View) Checkpoint(ctx context.Context) (domain.Position, error) {
	return v.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (v *View) Reset(ctx context.Context) error {
	v.forget()
	return v.file.Reset(ctx)
}

func (v *View) forget() {
	v.subjects.Forget()
	clear(v.cache)
}

// Apply implements projections.Projection.
func (v *View) Apply(ctx context.Context, facts []projections.Fact) error {
	committed := false
	defer func() {
		if !committed {
			v.forget()
		}
	}()
	err := v.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		tokens, err := v.tokens(ctx, fresh)
		if err != nil {
			return err
		}
		b := batch{v: v, tx: tx, dirty: map[*Contact]before{}, tally: map[bucket]int64{}}
		for _, f := range fresh {
			if err := b.fact(f, tokens[f.ID]); err != nil {
				return err
			}
		}
		return b.flush()
	})
	committed = err == nil
	return err
}

var addressed = []string{"person.emails", "person.family_name", "person.given_name", "person.phones"}

// tokens asks for those of all facts that set an address or a name.
func (v *View) tokens(ctx context.Context, facts []projections.Fact) (map[domain.ID][]token.Entry, error) {
	var ids []domain.ID
	for _, f := range facts {
		if f.Type != event.ContactCreated && f.Type != event.ContactChanged {
			continue
		}
		if slices.ContainsFunc(f.Fields, func(p string) bool { return slices.Contains(addressed, p) }) {
			ids = append(ids, f.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	packed, err := v.vault.Tokens(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("tokens of events: %w", err)
	}
	if len(packed) != len(ids) {
		return nil, fmt.Errorf("tokens of events: %d answers to %d", len(packed), len(ids))
	}
	out := make(map[domain.ID][]token.Entry, len(ids))
	for i, id := range ids {
		if out[id], err = token.Unpack(packed[i]); err != nil {
			return nil, fmt.Errorf("tokens of event %s: %w", id, err)
		}
	}
	return out, nil
}

// before is what a contact was when the batch first touched it.
type before struct {
	made   bool
	bucket bucket
	tokens []held
}

// bucket is a cell of the summary.
type bucket struct {
	kind string
	year int64 // of the last activity; 0: none known
}

func (c *Contact) bucket() bucket {
	b := bucket{kind: c.Kind}
	if !c.LastActivity.IsZero() {
		b.year = int64(c.LastActivity.Year())
	}
	return b
}

// batch is one transaction's work.
type batch struct {
	v     *View
	tx    *sqlfile.Tx
	dirty map[*Contact]before
	order []*Contact
	tally map[bucket]int64
}

func (b *batch) fact(f projections.Fact, entries []token.Entry) error {
	if f.Subject.IsZero() {
		return nil
	}
	c, made, err := b.contact(f.Subject, f.Type == event.ContactCreated)
	if err != nil {
		return err
	}
	_, known := b.dirty[c]
	var was before
	if !known {
		was = before{made: made, bucket: c.bucket(), tokens: slices.Clone(c.tokens)}
	}
	var failed error
	changed := c.fold(f, func(path string) string {
		class, err := b.classOf(f, path)
		failed = errors.Join(failed, err)
		return class
	}, entries)
	if failed != nil {
		return failed
	}
	if !known && (changed || made) {
		b.dirty[c] = was
		b.order = append(b.order, c)
	}
	return nil
}

// classOf names a class only if the fact has a part of it.
func (b *batch) classOf(f projections.Fact, path string) (string, error) {
	if len(f.Parts) == 1 {
		return f.Parts[0].Class, nil
	}
	class, err := b.v.class(f.Policy, path)
	if err != nil || slices.ContainsFunc(f.Parts, func(p event.PartRef) bool { return p.Class == class }) {
		return class, err
	}
	return "", nil
}

func (b *batch) contact(id domain.ID, fresh bool) (c *Contact, made bool, err error) {
	if c := b.v.cache[id]; c != nil {
		return c, false, nil
	}
	ref, made, err := b.v.subjects.Bytes(b.tx, id[:], fresh)
	if err != nil {
		return nil, false, err
	}
	c = &Contact{Subject: id, ref: ref}
	if !made {
		err = b.tx.Query("SELECT state FROM contact WHERE ref=?", func(row []driver.Value) error {
			return c.readState(row[0].([]byte))
		}, ref)
		if err != nil {
			return nil, false, err
		}
	}
	b.v.cache[id] = c
	return c, made, nil
}

// flush writes every contact that changed once, with its tokens and counts.
func (b *batch) flush() error {
	slices.SortFunc(b.order, func(x, y *Contact) int { return int(x.ref - y.ref) })
	var buf []byte
	for _, c := range b.order {
		was := b.dirty[c]
		buf = c.appendState(buf[:0])
		if _, err := b.tx.Exec("REPLACE INTO contact(ref,state) VALUES(?,?)", c.ref, buf); err != nil {
			return err
		}
		if err := b.retoken(c, was.tokens); err != nil {
			return err
		}
		if !was.made {
			b.tally[was.bucket]--
		}
		b.tally[c.bucket()]++
	}
	for k, n := range b.tally {
		if n == 0 {
			continue
		}
		if _, err := b.tx.Exec("INSERT INTO tally(kind,year,n) VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET n=n+?3", k.kind, k.year, n); err != nil {
			return err
		}
	}
	if _, err := b.tx.Exec("DELETE FROM tally WHERE n=0"); err != nil {
		return err
	}
	if len(b.v.cache) > maxCached {
		clear(b.v.cache)
	}
	return nil
}
