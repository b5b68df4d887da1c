package memory

import (
	"context"

	"greffe/domain"
)

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.do(ctx, Meta, func(st *state) error {
		for _, b := range st.batches {
			if b.facts == nil {
				end = b.base + domain.Position(len(b.rows))
			}
		}
		return nil
	})
	return end, err
}
