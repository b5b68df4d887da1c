package sqlite

import (
	"context"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// settle fixes the positions of batches and drops their facts.
func (t *txn) settle(settled []vault.Settled) error {
	for _, d := range settled {
		n, err := t.c.exec("DELETE FROM fact WHERE number=?", d.Number)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if _, err = t.c.exec("UPDATE batch SET base=? WHERE number=? AND base<>?", int64(d.Base), d.Number, int64(d.Base)); err != nil {
			return err
		}
		_, err = t.c.exec(`INSERT INTO state SELECT 'end', base+rows FROM batch WHERE number=?
			ON CONFLICT (name) DO UPDATE SET value=max(value, excluded.value)`, d.Number)
		if err != nil {
			return err
		}
	}
	return nil
}

// Done implements vault.Store.
func (s *Store) Done(ctx context.Context, settled []vault.Settled) error {
	_, err := s.write(ctx, "done", 0, func(t *txn) error { return t.settle(settled) })
	return err
}

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.read(ctx, "end", func(c *conn) error {
		n, err := c.one("SELECT value FROM state WHERE name='end'")
		end = domain.Position(n)
		return err
	})
	return end, err
}
