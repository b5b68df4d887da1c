package sqlite

import (
	"context"
	"database/sql/driver"

	"greffe/domain"
)

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.read(ctx, "end", func(c *conn) error {
		return c.query("SELECT base+rows FROM batch WHERE rows>0 AND number NOT IN (SELECT number FROM fact) ORDER BY number DESC LIMIT 1",
			func(row []driver.Value) error {
				end = domain.Position(integer(row[0]))
				return nil
			})
	})
	return end, err
}
