// Package crm is the current view of every contact, as pointers: for each field
// the event that last set it, found by the later time, then the later position;
// what the view needs of clear codes; and the search tokens of current addresses
// and names. Values stay in their parts, sealed; nothing personal is held in
// clear.
//
// Promises, assumptions and what a crash leaves are those of projections and
// projections/internal/sqlfile. Tokens are asked of the vault while facts are
// applied: the ones of a person whose data was destroyed are not found again by
// a rebuild, which gives the same view all the same.
//
// An erasure that is ordered takes the whole contact away in the transaction that
// applies the order: tokens lie in cells and states in slots that never move
// (sqlfile.Blind, sqlfile.Slots) and are overwritten there; a tombstone says by
// which event and when. Gone empties the write-ahead log and looks: then no byte
// of the state, and of a token no more than its first 24 bits, is in any file.
// Measured with 500,000 contacts on two busy cores (BenchmarkErase): 6 to 10 ms
// for one erasure from order to Gone, about 75 ms if the write-ahead log is full of
// what was just applied, 1.2 ms each for a thousand together.
package crm

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/contact"
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

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 3

var schema = sqlfile.Schema{
	Name:    "crm",
	Version: Format,
	DDL: sqlfile.InternDDL("subject", "BLOB") + sqlfile.BlindDDL("token") + sqlfile.SlotsDDL("state") +
		`CREATE TABLE contact(ref INTEGER PRIMARY KEY, slot INTEGER NOT NULL);
		CREATE TABLE shared(prefix INTEGER PRIMARY KEY);
		CREATE TABLE erased(ref INTEGER PRIMARY KEY, event BLOB NOT NULL, at INTEGER NOT NULL, position INTEGER NOT NULL, cells BLOB NOT NULL);
		CREATE TABLE tally(kind TEXT, year INTEGER, n INTEGER NOT NULL, PRIMARY KEY(kind,year)) WITHOUT ROWID;`,
}

// View is the projection. Its queries may run beside Apply.
type View struct {
	file     *sqlfile.File
	vault    Vault
	class    Class
	subjects *sqlfile.Interner
	tokens   *sqlfile.Blind // reference: a contact's
	sieve    *sqlfile.Sieve // of e-mail addresses and phone numbers
	states   *sqlfile.Slots
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
	tokens := sqlfile.NewBlind("token")
	return &View{file: f, vault: v, class: class, subjects: sqlfile.NewInterner("subject"), tokens: tokens,
		sieve:  sqlfile.NewSieve(f, tokens, kindByte(token.KindEmail), kindByte(token.KindPhone)),
		states: sqlfile.NewSlots("state"), cache: map[domain.ID]*Contact{}}, nil
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
	v.tokens.Forget()
	v.states.Forget()
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
		tokens, err := v.tokensOf(ctx, fresh)
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

// tokensOf asks for those of all facts that set an address or a name.
func (v *View) tokensOf(ctx context.Context, facts []projections.Fact) (map[domain.ID][]token.Entry, error) {
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
	if f.Subject.IsZero() || f.Type == event.IngestQuarantined { // what was set aside tells nothing of a contact
		return nil
	}
	c, made, err := b.contact(f.Subject, f.Type == event.ContactCreated)
	if err != nil {
		return err
	}
	if c.erased != nil {
		return nil
	}
	_, known := b.dirty[c]
	var was before
	if !known {
		was = before{made: made, bucket: c.bucket(), tokens: slices.Clone(c.tokens)}
	}
	changed, err := b.fold(c, f, entries)
	if err != nil {
		return err
	}
	if !known && (changed || made) {
		b.dirty[c] = was
		b.order = append(b.order, c)
	}
	return nil
}

func (b *batch) fold(c *Contact, f projections.Fact, entries []token.Entry) (changed bool, failed error) {
	if d, ok := contact.DestructionOf(f.Position, f.Fact); ok && d.Whole && !d.Done {
		c.erased = &tombstone{By: d.By, At: d.At, position: f.Position}
		return true, nil
	}
	changed = c.fold(f, func(path string) keyOf {
		key, err := b.keyOf(f, path)
		failed = errors.Join(failed, err)
		return key
	}, entries)
	return changed, failed
}

// keyOf names a key only if the fact has a part that it seals.
func (b *batch) keyOf(f projections.Fact, path string) (keyOf, error) {
	if len(f.Parts) == 1 {
		return keyOfPart(&f.Parts[0]), nil
	}
	class, err := b.v.class(f.Policy, path)
	if err != nil {
		return keyOf{}, err
	}
	if at := slices.IndexFunc(f.Parts, func(p event.PartRef) bool { return p.Class == class }); at >= 0 {
		return keyOfPart(&f.Parts[at]), nil
	}
	return keyOf{}, nil
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
		if err := b.load(c); err != nil {
			return nil, false, err
		}
	}
	b.v.cache[id] = c
	return c, made, nil
}

// load reads a contact that was there, or what is left of it.
func (b *batch) load(c *Contact) error {
	err := b.tx.Query("SELECT c.slot,s.data FROM contact c CROSS JOIN state_slot s ON s.slot=c.slot WHERE c.ref=?", func(row []driver.Value) error {
		c.slot, _ = row[0].(int64)
		data, _ := row[1].([]byte)
		return c.readSlot(data)
	}, c.ref)
	if err != nil || c.slot != 0 {
		return err
	}
	return b.tx.Query("SELECT event,at,position FROM erased WHERE ref=?", func(row []driver.Value) error {
		by, _ := row[0].([]byte)
		at, _ := row[1].(int64)
		position, _ := row[2].(int64)
		var err error
		c.erased, err = readTombstone(by, at, position)
		return err
	}, c.ref)
}
