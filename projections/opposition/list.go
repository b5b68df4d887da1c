// Package opposition is the opposition list (liste d'opposition, liste
// repoussoir; art. 21 GDPR, délib. CNIL 2021-131): which addresses and persons
// objected to what, by which fact, and what ended it.
//
// Promised, beside what projections promises:
//   - An objection of a person binds every address the person ever had, those of
//     the contacts merged with it, and every address that comes later.
//   - When a person is erased the tokens that erasure.staged carries take the
//     place of the person's own in one transaction: there is no moment at which
//     the objection does not bind. The person's own tokens therefore go with
//     erasure.staged, and with erasure.ordered only where nothing binds them.
//   - A rebuild gives the same list after any number of erasures, since what is
//     destroyed was carried before, into parts that the ledger itself owns.
//   - Nothing is held but ids, codes, times and keyed tokens (MED-2023-040: an
//     opposition list holds no more than it needs to recognise an address).
//
// Merges are resolved here, by the edges this projection has seen, and not by
// asking another projection at the time of a query: the tokens of merged
// contacts must be indexed anyhow, and an answer depends on one checkpoint only.
//
// Assumed: the vault's tokens of an event stay until an erasure.staged of its
// subject is in the log. Tokens are asked of the vault while facts are applied.
package opposition

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
)

// ErrLarge: more subjects are merged into one person than one answer takes.
var ErrLarge = errors.New("one person is merged of more subjects than one answer takes")

// ErrHeld: something of an erased person is in the file still.
var ErrHeld = errors.New("the opposition list still holds something of the person")

// Vault gives the packed tokens of events, in their order, nil where there are
// none. vault.Store is one.
type Vault interface {
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)
}

// Opened is what an opposition part of the ledger says; Gone if its key was
// destroyed at the end of its term.
type Opened struct {
	Fields []event.Field
	Gone   bool
}

// Opener opens the parts of class opposition that the ledger owns, one answer
// to a fact, in order; the zero Opened for a fact without one.
type Opener interface {
	Opposition(ctx context.Context, facts []*event.Fact) ([]Opened, error)
}

// Peppers makes tokens; *token.Peppers is one.
type Peppers interface {
	Opposition(kind token.Kind, normalised string) token.Opposed
	Carry(u token.Use, generation int, t token.Token) (token.Token, bool)
	Generation() int
}

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

var schema = sqlfile.Schema{
	Name:    "opposition",
	Version: Format,
	DDL: sqlfile.BlindDDL(tokenTable) + `
		CREATE TABLE run(entry INTEGER, cell INTEGER, n INTEGER NOT NULL, PRIMARY KEY(entry,cell)) WITHOUT ROWID;
		CREATE TABLE own(ref INTEGER, cell INTEGER, PRIMARY KEY(ref,cell)) WITHOUT ROWID;
		CREATE TABLE cleared(subject BLOB PRIMARY KEY, below INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE entry(position INTEGER PRIMARY KEY, event BLOB NOT NULL UNIQUE, subject BLOB, time INTEGER NOT NULL,
			recorded INTEGER NOT NULL, scope TEXT NOT NULL, origin INTEGER NOT NULL, list BLOB, count INTEGER NOT NULL);
		CREATE INDEX entry_of ON entry(subject) WHERE subject IS NOT NULL;
		CREATE TABLE lift(entry BLOB, position INTEGER, n INTEGER, event BLOB NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
			PRIMARY KEY(entry,position,n)) WITHOUT ROWID;
		CREATE TABLE act(subject BLOB, position INTEGER, event BLOB NOT NULL, time INTEGER NOT NULL, expires INTEGER NOT NULL,
			scope TEXT NOT NULL, PRIMARY KEY(subject,position)) WITHOUT ROWID;
		CREATE TABLE source(subject BLOB, position INTEGER, event BLOB NOT NULL, PRIMARY KEY(subject,position)) WITHOUT ROWID;
		CREATE TABLE edge(a BLOB, b BLOB, time INTEGER NOT NULL, position INTEGER NOT NULL, merged INTEGER NOT NULL,
			PRIMARY KEY(a,b)) WITHOUT ROWID;
		CREATE INDEX edge_back ON edge(b);
		CREATE TABLE watched(ref INTEGER PRIMARY KEY, subject BLOB NOT NULL UNIQUE, changed INTEGER NOT NULL);
		CREATE INDEX watched_at ON watched(changed);
		CREATE TABLE ordered(event BLOB PRIMARY KEY, subject BLOB NOT NULL, whole INTEGER NOT NULL, addresses INTEGER NOT NULL,
			staged INTEGER NOT NULL) WITHOUT ROWID;
		CREATE INDEX ordered_of ON ordered(subject);
		CREATE TABLE erased(subject BLOB PRIMARY KEY, event BLOB NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE generation(n INTEGER NOT NULL);`,
}

// List is the projection. Its queries may run beside Apply.
type List struct {
	file    *sqlfile.File
	vault   Vault
	opener  Opener
	peppers Peppers
	tokens  *sqlfile.Blind
	sieve   *sqlfile.Sieve
}

var _ projections.Projection = (*List)(nil)

// Open opens or makes the list at path. A list whose tokens went through another
// number of pepper roots than peppers is emptied, to be built anew.
func Open(path string, v Vault, o Opener, p Peppers, opt sqlfile.Options) (*List, error) {
	f, err := sqlfile.Open(path, schema, opt)
	if err != nil {
		return nil, err
	}
	l := &List{file: f, vault: v, opener: o, peppers: p, tokens: sqlfile.NewBlind(tokenTable)}
	l.sieve = sqlfile.NewSieve(f, l.tokens, tokenTag)
	if err := l.generation(); err != nil {
		return nil, errors.Join(fmt.Errorf("open projection opposition %s: %w", filepath.Base(path), err), f.Close())
	}
	return l, nil
}

// generation empties a list of other peppers and notes whose it is.
func (l *List) generation() error {
	var n int64
	err := l.file.Update(context.Background(), func(tx *sqlfile.Tx) (err error) {
		n, _, err = tx.Int("SELECT n FROM generation")
		return err
	})
	now := int64(l.peppers.Generation())
	if err != nil || n == now {
		return err
	}
	if n != 0 {
		return l.Reset(context.Background())
	}
	return l.noteGeneration()
}

func (l *List) noteGeneration() error {
	return l.file.Update(context.Background(), func(tx *sqlfile.Tx) error {
		_, err := tx.Exec("INSERT INTO generation(n) VALUES(?)", int64(l.peppers.Generation()))
		return err
	})
}

// Close releases the file.
func (l *List) Close() error { return l.file.Close() }

// Name implements projections.Projection.
func (l *List) Name() string { return "opposition" }

// Checkpoint implements projections.Projection.
func (l *List) Checkpoint(ctx context.Context) (domain.Position, error) {
	return l.file.Checkpoint(ctx)
}

// Reset implements projections.Projection.
func (l *List) Reset(ctx context.Context) error {
	l.tokens.Forget()
	if err := l.file.Reset(ctx); err != nil {
		return err
	}
	return l.noteGeneration()
}

// Apply implements projections.Projection.
func (l *List) Apply(ctx context.Context, facts []projections.Fact) error {
	err := l.file.Apply(ctx, facts, func(tx *sqlfile.Tx, fresh []projections.Fact) error {
		opened, err := l.open(ctx, fresh)
		if err != nil {
			return err
		}
		b := batch{list: l, ctx: ctx, tx: tx, opened: opened}
		for _, f := range fresh {
			if err := b.fact(f); err != nil {
				return fmt.Errorf("%s: %w", f.Type, err)
			}
		}
		return nil
	})
	if err != nil {
		l.tokens.Forget()
	}
	return err
}
