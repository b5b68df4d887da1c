package memory

import (
	"context"

	"greffe/domain"
)

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.do(ctx, End, func(st *state) error {
		for _, b := range st.batches {
			if len(b.rows) > 0 && b.facts == nil {
				end = b.base + domain.Position(len(b.rows))
			}
		}
		return nil
	})
	return end, err
}
