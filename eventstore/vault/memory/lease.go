package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// lease is a role's lease; a released one keeps its term alone.
type lease struct {
	holder domain.ID
	term   int64
	note   []byte
	until  time.Time
}

func (l *lease) shown(role string, now time.Time) vault.Lease {
	return vault.Lease{Role: role, Holder: l.holder, Term: l.term, Note: bytes.Clone(l.note), Left: l.until.Sub(now)}
}

func (d *Disk) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// Lease implements vault.Store.
func (s *Store) Lease(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (out vault.Lease, err error) {
	err = s.do(ctx, Lease, func(st *state) error {
		if len(note) > vault.MaxNote {
			return vault.ErrNote
		}
		now := s.d.now()
		l := st.leases[role]
		switch free := !l.until.After(now); {
		case free:
			l.term++
		case l.holder != holder:
			out = l.shown(role, now)
			return vault.ErrHeld
		}
		l.holder, l.note, l.until = holder, bytes.Clone(note), now.Add(ttl)
		st.leases[role] = l
		out = l.shown(role, now)
		return nil
	})
	return out, err
}

// Release implements vault.Store.
func (s *Store) Release(ctx context.Context, role string, holder domain.ID) error {
	return s.do(ctx, Release, func(st *state) error {
		if l, there := st.leases[role]; there && l.holder == holder {
			st.leases[role] = lease{term: l.term}
		}
		return nil
	})
}

// Leases implements vault.Store.
func (s *Store) Leases(ctx context.Context, prefix string) (all []vault.Lease, err error) {
	err = s.do(ctx, Leases, func(st *state) error {
		now := s.d.now()
		for role, l := range st.leases {
			if strings.HasPrefix(role, prefix) && l.until.After(now) {
				all = append(all, l.shown(role, now))
			}
		}
		slices.SortFunc(all, func(a, b vault.Lease) int { return cmp.Compare(a.Role, b.Role) })
		return nil
	})
	return all, err
}

// fenced is what a batch's lease check says.
func (st *state) fenced(c *vault.LeaseCheck) error {
	if c == nil {
		return nil
	}
	if l := st.leases[c.Role]; l.holder.IsZero() || l.term != c.Term {
		return vault.ErrFenced
	}
	return nil
}

// SwapMeta implements vault.Store.
func (s *Store) SwapMeta(ctx context.Context, name string, old, new []byte) error {
	return s.do(ctx, SwapMeta, func(st *state) error {
		v, there := st.meta[name]
		if there != (old != nil) || !bytes.Equal(v, old) {
			return vault.ErrStale
		}
		if delete(st.meta, name); new != nil {
			st.meta[name] = append([]byte{}, new...)
		}
		return nil
	})
}

// AppendFence implements vault.Store.
func (s *Store) AppendFence(ctx context.Context, first int64, lines [][]byte) error {
	return s.do(ctx, AppendFence, func(st *state) error {
		if first < 1 || first > int64(len(st.fence))+1 {
			return vault.ErrStale
		}
		have := st.fence[first-1:]
		for i := range min(len(have), len(lines)) {
			if !bytes.Equal(have[i], lines[i]) {
				return vault.ErrStale
			}
		}
		for _, l := range lines[min(len(have), len(lines)):] {
			st.fence = append(st.fence, append([]byte{}, l...))
		}
		return nil
	})
}

// FenceLines implements vault.Store.
func (s *Store) FenceLines(ctx context.Context, after int64, fn func(number int64, line []byte) error) error {
	var lines [][]byte
	err := s.do(ctx, FenceLines, func(st *state) error {
		after = max(after, 0)
		lines = slices.Clone(st.fence[min(after, int64(len(st.fence))):])
		return nil
	})
	if err != nil {
		return err
	}
	for i, l := range lines {
		if err := fn(after+int64(i)+1, bytes.Clone(l)); err != nil {
			return err
		}
	}
	return nil
}
