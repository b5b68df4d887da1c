package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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
	_, err := s.db.ExecContext(ctx, `BEGIN; DELETE FROM account; DELETE FROM token; UPDATE checkpoint SET next = 0; COMMIT`)
	if err != nil {
		return fmt.Errorf("reset accounts: %w", err)
	}
	s.replace(newModel(), 0)
	return nil
}

// Dump writes one line per account and token, sorted by id, from the file.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	fresh := &Store{db: s.db, model: newModel()}
	if err := fresh.load(ctx); err != nil {
		return fmt.Errorf("dump accounts: %w", err)
	}
	var lines []string
	for _, a := range fresh.model.accounts {
		lines = append(lines, fmt.Sprintf("account %s roles=%s bootstrap=%t disabled=%t created=%s label=%s\n",
			a.ID, strings.Join(a.Roles, ","), a.Bootstrap, a.Disabled, domain.FormatTime(a.Created), a.Label))
	}
	for _, t := range fresh.model.tokens {
		lines = append(lines, fmt.Sprintf("token %s account=%s digest=%x reason=%s sources=%s act_for=%t made=%s expires=%d revoked=%d\n",
			t.ID, t.Account, t.Digest, t.DefaultReason, t.Sources, t.ActFor, domain.FormatTime(t.Made), micros(t.Expires).Int64, micros(t.Revoked).Int64))
	}
	slices.Sort(lines)
	_, err := io.WriteString(w, strings.Join(append(lines, fmt.Sprintf("next %s\n", fresh.next)), ""))
	return err
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
		if err = saveChange(ctx, tx, c); err != nil {
			return err
		}
	}
	if _, err = tx.ExecContext(ctx, `UPDATE checkpoint SET next = ?`, int64(next)); err != nil {
		return err
	}
	return tx.Commit()
}

func saveChange(ctx context.Context, tx *sql.Tx, c change) error {
	if a := c.account; a != nil {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?)`,
			a.ID[:], strings.Join(a.Roles, " "), a.Bootstrap, a.Disabled, a.Created.UnixMicro(), a.Label[:])
		return err
	}
	t := c.token
	sources := make([]byte, 0, len(t.Sources)*len(domain.ID{}))
	for _, id := range t.Sources {
		sources = append(sources, id[:]...)
	}
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.ID[:], t.Account[:], t.Digest[:],
		t.DefaultReason, sources, t.ActFor, t.Made.UnixMicro(), micros(t.Expires), micros(t.Revoked))
	return err
}

// micros is null for the zero time.
func micros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}
