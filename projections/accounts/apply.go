package accounts

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/projections"
)

var _ projections.Projection = (*Store)(nil)

// Name is "accounts".
func (s *Store) Name() string { return "accounts" }

// Checkpoint is the position of the fact it needs next.
func (s *Store) Checkpoint(context.Context) (domain.Position, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.next, nil
}

// Apply folds facts in. After an error nothing of them took effect, unless the
// commit itself failed; then the store must be opened again to tell.
func (s *Store) Apply(ctx context.Context, facts []projections.Fact) error {
	facts, err := projections.Fresh(s.next, facts)
	if err != nil || len(facts) == 0 {
		return err
	}
	m := s.model
	var changes []change
	for _, f := range facts {
		if !concerns(f.Fact) {
			continue
		}
		if len(changes) == 0 {
			m = m.clone()
		}
		c, err := m.apply(f.Fact)
		if err != nil {
			return fmt.Errorf("accounts at %s: %w", f.Position, err)
		}
		changes = append(changes, c)
	}
	next := facts[len(facts)-1].Position + 1
	if err := s.save(ctx, changes, next); err != nil {
		return fmt.Errorf("accounts up to %s: %w", next, projections.NoRoom(err))
	}
	s.replace(m, next)
	return nil
}

func (s *Store) replace(m *model, next domain.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model, s.next = m, next
}

// Reset empties the store.
func (s *Store) Reset(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `BEGIN; DELETE FROM account; DELETE FROM token; DELETE FROM token_kept; DELETE FROM name; UPDATE checkpoint SET next = 0; COMMIT`)
	if err != nil {
		return fmt.Errorf("reset accounts: %w", err)
	}
	s.replace(newModel(), 0)
	return nil
}

// Sound has SQLite compare the file's tables and indexes with each other.
func (s *Store) Sound(ctx context.Context) error {
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check accounts: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check accounts: the file is damaged: %s", verdict)
	}
	return nil
}

// Dump writes the checkpoint, then a line for every account and one for every token,
// by id, from the file: tab-separated, under lines that begin with "# " and name the
// columns.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	fresh := &Store{db: s.db, model: newModel()}
	if err := fresh.load(ctx); err != nil {
		return fmt.Errorf("dump accounts: %w", err)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# checkpoint\tposition\n%s\n# accounts\taccount\troles\tbootstrap\tdisabled\tcreated\tevent\tperson\n", fresh.next)
	for _, id := range sorted(fresh.model.accounts) {
		a := fresh.model.accounts[id]
		person, err := json.Marshal(&a.State, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("dump accounts: %w", err)
		}
		fmt.Fprintf(out, "%s\t%s\t%t\t%t\t%d\t%s\t%s\n", a.ID, strings.Join(a.Roles, ","), a.Bootstrap, a.Disabled, a.Created.UnixMicro(), a.Label, person)
	}
	fmt.Fprintln(out, "# tokens\tid\taccount\tdigest\treason\tsources\tact_for\tmade\texpires\trevoked\tkept")
	for _, id := range sorted(fresh.model.tokens) {
		t := fresh.model.tokens[id]
		kept, err := json.Marshal(&t.Kept)
		if err != nil {
			return fmt.Errorf("dump accounts: %w", err)
		}
		fmt.Fprintf(out, "%s\t%s\t%x\t%s\t%s\t%t\t%d\t%d\t%d\t%s\n", t.ID, t.Account, t.Digest, t.DefaultReason, t.Sources, t.ActFor,
			t.Made.UnixMicro(), micros(t.Expires).Int64, micros(t.Revoked).Int64, kept)
	}
	dumpNames(out, fresh.model.names)
	return out.Flush()
}

func sorted[T any](of map[domain.ID]T) []domain.ID {
	return slices.SortedFunc(maps.Keys(of), func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
}

func (s *Store) save(ctx context.Context, changes []change, next domain.Position) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for _, c := range changes {
		if err = saveName(ctx, tx, c.name); err != nil {
			return err
		}
		for _, c := range []change{c, {token: c.also}} {
			if err = saveChange(ctx, tx, c); err != nil {
				return err
			}
		}
	}
	if _, err = tx.ExecContext(ctx, `UPDATE checkpoint SET next = ?`, int64(next)); err != nil {
		return err
	}
	return tx.Commit()
}

func saveChange(ctx context.Context, tx *sql.Tx, c change) error {
	if a := c.account; a != nil {
		person, err := json.Marshal(&a.State, json.Deterministic(true))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)`,
			a.ID[:], strings.Join(a.Roles, " "), a.Bootstrap, a.Disabled, a.Created.UnixMicro(), a.Label[:], string(person))
		return err
	}
	t := c.token
	if t == nil {
		return nil
	}
	sources := make([]byte, 0, len(t.Sources)*len(domain.ID{}))
	for _, id := range t.Sources {
		sources = append(sources, id[:]...)
	}
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.ID[:], t.Account[:], t.Digest[:],
		t.DefaultReason, sources, t.ActFor, t.Made.UnixMicro(), micros(t.Expires), micros(t.Revoked))
	if err != nil {
		return err
	}
	return saveKept(ctx, tx, t)
}

// micros is null for the zero time.
func micros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}
