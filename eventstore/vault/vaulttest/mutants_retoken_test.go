package vaulttest_test

import (
	"bytes"
	"context"
	"errors"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// retokened passes an altered change of tokens on.
func retokened(alter func(r *vault.Retoken)) func(s *broken) {
	return func(s *broken) {
		s.retoken = func(ctx context.Context, r vault.Retoken) error {
			alter(&r)
			return s.Store.Retoken(ctx, r)
		}
	}
}

// forgiven answers a change of tokens with nil where it refused with err.
func forgiven(err error) func(s *broken) {
	return func(s *broken) {
		s.retoken = func(ctx context.Context, r vault.Retoken) error {
			if e := s.Store.Retoken(ctx, r); !errors.Is(e, err) {
				return e
			}
			return nil
		}
	}
}

func twice(step func(token.Token) token.Token) func(token.Token) token.Token {
	return func(t token.Token) token.Token { return step(step(t)) }
}

func same(t token.Token) token.Token { return t }

// retokenMutants: links, markers or rows are left or changed twice, or only on
// resuming; the key row is not what was given; the generation is forgotten, or the
// change is said to have ended; tokens are shown or taken meanwhile; refusals and
// errors are hidden; nothing is reported.
func retokenMutants() []mutant {
	return []mutant{
		{"links are left", "retoken/every", retokened(func(r *vault.Retoken) { r.Link = same })},
		{"markers are left", "retoken/every", retokened(func(r *vault.Retoken) { r.Hold = same })},
		{"rows are left", "retoken/every", retokened(func(r *vault.Retoken) { r.Packed = func([]byte) error { return nil } })},
		{"links are changed twice", "retoken/every", retokened(func(r *vault.Retoken) { r.Link = twice(r.Link) })},
		{"markers are changed as links", "retoken/every", retokened(func(r *vault.Retoken) { r.Hold = r.Link })},
		{"rows are changed twice after an error", "retoken/an error", retokened(func(r *vault.Retoken) {
			if packed := r.Packed; r.Row == nil {
				r.Packed = func(b []byte) error { return errors.Join(packed(b), packed(b)) }
			}
		})},
		{"the key row is another", "retoken/every", retokened(func(r *vault.Retoken) {
			if r.Row != nil {
				r.Row = &vault.KeyWrite{Owner: r.Row.Owner, Rev: r.Row.Rev, Wrapped: bytes.Clone(r.Row.Wrapped[1:])}
			}
		})},
		{"nothing is reported", "retoken/every", retokened(func(r *vault.Retoken) { r.Progress = nil })},
		{"an error at a row is hidden", "retoken/an error", func(s *broken) {
			s.retoken = func(ctx context.Context, r vault.Retoken) error {
				_ = s.Store.Retoken(ctx, r)
				return nil
			}
		}},
		{"any generation will do", "retoken/refuses", forgiven(vault.ErrTokens)},
		{"any revision will do", "retoken/refuses", forgiven(vault.ErrStale)},
		{"the generation is forgotten", "retoken/again", func(s *broken) {
			s.reached = func(context.Context) (vault.Generation, error) { return vault.Generation{Tokens: 1}, nil }
		}},
		{"a change that began is forgotten", "retoken/cancelled", func(s *broken) {
			s.reached = func(ctx context.Context) (vault.Generation, error) {
				g, err := s.Store.Generation(ctx)
				g.Under = false
				return g, err
			}
		}},
		{"tokens are shown meanwhile", "retoken/nobody", func(s *broken) {
			s.tokens = func(ctx context.Context, events []domain.ID) ([][]byte, error) {
				b, err := s.Store.Tokens(ctx, events)
				if errors.Is(err, vault.ErrRetoken) {
					return make([][]byte, len(events)), nil
				}
				return b, err
			}
		}},
		{"batches are taken meanwhile", "retoken/nobody", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				n, err := s.Store.Prepare(ctx, b)
				if errors.Is(err, vault.ErrRetoken) {
					return 99, nil
				}
				return n, err
			}
		}},
	}
}
