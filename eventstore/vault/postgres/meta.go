package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
)

// Meta implements vault.Store.
func (s *Store) Meta(ctx context.Context, name string) (value []byte, err error) {
	err = s.read(ctx, "meta", func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", name).Scan(&value)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// SetMeta implements vault.Store.
func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	return s.read(ctx, "set meta", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "INSERT INTO meta VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, append([]byte{}, value...))
		return err
	})
}

// SwapMeta implements vault.Store.
func (s *Store) SwapMeta(ctx context.Context, name string, old, new []byte) error {
	return s.write(ctx, "swap meta", func(ctx context.Context, conn *pgx.Conn) error {
		sql, args := swapSQL(name, old, new)
		tag, err := conn.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() != 1 {
			err = own{fmt.Errorf("not committed: %w", vault.ErrStale)}
		}
		return err
	})
}

func swapSQL(name string, old, new []byte) (sql string, args []any) {
	switch {
	case old == nil && new == nil: // absent it is to be, and to stay
		return "SELECT WHERE NOT EXISTS (SELECT FROM meta WHERE name = $1)", []any{name}
	case old == nil:
		return "INSERT INTO meta VALUES ($1, $2) ON CONFLICT DO NOTHING", []any{name, new}
	case new == nil:
		return "DELETE FROM meta WHERE name = $1 AND value = $2", []any{name, old}
	}
	return "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2", []any{name, old, new}
}
