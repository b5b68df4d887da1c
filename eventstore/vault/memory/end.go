package memory

import (
	"context"

	"greffe/domain"
)

// End implements vault.Store.
func (s *Store) End(ctx context.Context) (end domain.Position, err error) {
	err = s.do(ctx, End, func(st *state) error {
		end = st.end
		return nil
	})
	return end, err
}
