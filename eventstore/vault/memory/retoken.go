package memory

import (
	"bytes"
	"context"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// retoken is how far the tokens are.
type retoken struct {
	past  int // changes that ended
	under bool
	maps  bool // the links and holds of the change under way are done
	rows  int  // batches of which the rows are
}

// whole refuses what goes by tokens while they are of two generations.
func (st *state) whole() error {
	if st.retoken.under {
		return vault.ErrRetoken
	}
	return nil
}

// Generation implements vault.Store.
func (s *Store) Generation(ctx context.Context) (g vault.Generation, err error) {
	err = s.do(ctx, Generation, func(st *state) error {
		g = vault.Generation{Tokens: 1 + st.retoken.past, Under: st.retoken.under}
		return nil
	})
	return g, err
}

// Retoken implements vault.Store, in steps that can fail one by one: the beginning
// with the key row, links and holds, the rows of each batch, the end.
func (s *Store) Retoken(ctx context.Context, r vault.Retoken) error {
	if err := s.do(ctx, Retoken, func(st *state) error { return st.begin(&r) }); err != nil {
		return err
	}
	err := s.do(ctx, Retoken, func(st *state) error {
		if !st.retoken.maps {
			st.links, st.holds, st.retoken.maps = stepped(st.links, r.Link, r.LinkMAC), stepped(st.holds, r.Hold, r.HoldMAC), true
		}
		return nil
	})
	for more := true; more && err == nil; {
		err = s.do(ctx, Retoken, func(st *state) (err error) {
			more, err = st.retokenRows(&r)
			return err
		})
	}
	if err != nil {
		return err
	}
	return s.do(ctx, Retoken, func(st *state) error {
		st.retoken = retoken{past: st.retoken.past + 1}
		return nil
	})
}

func (st *state) begin(r *vault.Retoken) error {
	if r.Generation != st.retoken.past+2 || (r.Row == nil) != st.retoken.under {
		return vault.ErrTokens
	}
	if r.Row == nil {
		return nil
	}
	row := []vault.KeyWrite{*r.Row}
	if err := st.checkKeys(row); err != nil {
		return err
	}
	st.putKeys(row)
	st.retoken.under = true
	return nil
}

func stepped(m map[token.Token]vault.Link, step func(token.Token) token.Token, mac func(token.Token, domain.ID) vault.MAC) map[token.Token]vault.Link {
	out := make(map[token.Token]vault.Link, len(m))
	for _, l := range m {
		if l.Token = step(l.Token); mac != nil {
			l.MAC = mac(l.Token, l.ID)
		}
		out[l.Token] = l
	}
	return out
}

// retokenRows does the next batch's rows, all or none.
func (st *state) retokenRows(r *vault.Retoken) (more bool, err error) {
	if st.retoken.rows < len(st.batches) {
		b := st.batches[st.retoken.rows]
		next := make([][]byte, len(b.rows))
		for i := range b.rows {
			if next[i] = bytes.Clone(b.rows[i].Tokens); len(next[i]) == 0 {
				continue
			}
			if err := r.Packed(next[i]); err != nil {
				return false, err
			}
		}
		for i := range next {
			if b.rows[i].Tokens = next[i]; len(next[i]) > 0 && r.RowMAC != nil {
				b.rows[i].MAC = r.RowMAC(&b.rows[i])
			}
		}
		st.retoken.rows++
	}
	if r.Progress != nil {
		done, total := len(st.links)+len(st.holds), len(st.links)+len(st.holds)
		for i, b := range st.batches {
			if total += len(b.rows); i < st.retoken.rows {
				done += len(b.rows)
			}
		}
		r.Progress(int64(done), int64(total))
	}
	return st.retoken.rows < len(st.batches), nil
}
