package vaulttest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// brokenNodes are the wrong methods of what several nodes share.
type brokenNodes struct {
	lease   func(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error)
	release func(ctx context.Context, role string, holder domain.ID) error
	leases  func(ctx context.Context, prefix string) ([]vault.Lease, error)
	swap    func(ctx context.Context, name string, old, new []byte) error
	relay   func(ctx context.Context, first int64, lines [][]byte) error
	lines   func(ctx context.Context, after int64, fn func(int64, []byte) error) error
}

func (s *broken) Lease(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
	return or(s.lease, s.Store.Lease)(ctx, role, holder, ttl, note)
}

func (s *broken) Release(ctx context.Context, role string, holder domain.ID) error {
	return or(s.release, s.Store.Release)(ctx, role, holder)
}

func (s *broken) Leases(ctx context.Context, prefix string) ([]vault.Lease, error) {
	return or(s.leases, s.Store.Leases)(ctx, prefix)
}

func (s *broken) SwapMeta(ctx context.Context, name string, old, new []byte) error {
	return or(s.swap, s.Store.SwapMeta)(ctx, name, old, new)
}

func (s *broken) AppendFence(ctx context.Context, first int64, lines [][]byte) error {
	return or(s.relay, s.Store.AppendFence)(ctx, first, lines)
}

func (s *broken) FenceLines(ctx context.Context, after int64, fn func(int64, []byte) error) error {
	return or(s.lines, s.Store.FenceLines)(ctx, after, fn)
}

// leased passes an altered wish for a lease on.
func leased(alter func(role *string, holder *domain.ID, ttl *time.Duration, note *[]byte)) func(s *broken) {
	return func(s *broken) {
		s.lease = func(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
			alter(&role, &holder, &ttl, &note)
			return s.Store.Lease(ctx, role, holder, ttl, note)
		}
	}
}

// granted alters what a lease is answered with.
func granted(alter func(l *vault.Lease, err *error)) func(s *broken) {
	return func(s *broken) {
		s.lease = func(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
			l, err := s.Store.Lease(ctx, role, holder, ttl, note)
			alter(&l, &err)
			return l, err
		}
	}
}

func leaseMutants() []mutant {
	never := func(_ *string, _ *domain.ID, ttl *time.Duration, _ *[]byte) { *ttl = max(*ttl, time.Minute) }
	return []mutant{
		{"everybody gets the lease", "lease/taken", granted(func(_ *vault.Lease, err *error) { *err = nil })},
		{"two racers get it", "race/one of 64 takes a lease", granted(func(_ *vault.Lease, err *error) { *err = nil })},
		{"the present lease is not told", "lease/taken", granted(func(l *vault.Lease, err *error) {
			if *err != nil {
				*l = vault.Lease{}
			}
		})},
		{"a lease never expires", "lease/an expired", leased(never)},
		{"a lease expires at once", "lease/taken", leased(func(_ *string, _ *domain.ID, ttl *time.Duration, _ *[]byte) { *ttl = 0 })},
		{"all roles are one", "lease/taken", leased(func(role *string, _ *domain.ID, _ *time.Duration, _ *[]byte) { *role = "one" })},
		{"notes are forgotten", "lease/taken", leased(func(_ *string, _ *domain.ID, _ *time.Duration, note *[]byte) { *note = nil })},
		{"notes are cut", "lease/notes", leased(func(_ *string, _ *domain.ID, _ *time.Duration, note *[]byte) {
			*note = (*note)[:min(len(*note), 1024)]
		})},
		{"the bound of notes is not kept", "lease/notes", leased(func(_ *string, _ *domain.ID, _ *time.Duration, note *[]byte) {
			*note = (*note)[:min(len(*note), vault.MaxNote)]
		})},
		{"the first term stays", "lease/an expired", granted(func(l *vault.Lease, _ *error) { l.Term = min(l.Term, 1) })},
		{"one's own expired lease keeps its term", "lease/one's own", granted(func(l *vault.Lease, _ *error) { l.Term = 1 })},
		{"a renewal is a new term", "lease/taken", func(s *broken) {
			s.lease = func(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
				_ = s.Store.Release(ctx, role, holder)
				return s.Store.Lease(ctx, role, holder, ttl, note)
			}
		}},
		{"anybody releases", "lease/released", func(s *broken) {
			s.release = func(ctx context.Context, role string, _ domain.ID) error {
				all, err := s.Store.Leases(ctx, role)
				for _, l := range all {
					err = errors.Join(err, s.Store.Release(ctx, role, l.Holder))
				}
				return err
			}
		}},
		{"nothing is released", "lease/released", func(s *broken) {
			s.release = func(context.Context, string, domain.ID) error { return nil }
		}},
		{"a release of nothing is an error", "lease/released", func(s *broken) {
			s.release = func(ctx context.Context, role string, holder domain.ID) error {
				if all, _ := s.Store.Leases(ctx, role); len(all) == 0 {
					return vault.ErrStale
				}
				return s.Store.Release(ctx, role, holder)
			}
		}},
		{"terms begin again after a reopen", "lease/terms", func(s *broken) {
			s.lease = func(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
				l, err := s.Store.Lease(ctx, role, holder, ttl, note)
				l.Term = 1
				return l, err
			}
		}},
		{"leases come unsorted", "lease/those", listed(func(all []vault.Lease, _ string) []vault.Lease {
			slices.Reverse(all)
			return all
		})},
		{"the prefix is a pattern", "lease/those", func(s *broken) {
			s.leases = func(ctx context.Context, prefix string) ([]vault.Lease, error) {
				before, _, _ := bytes.Cut([]byte(prefix), []byte("_"))
				return s.Store.Leases(ctx, string(before))
			}
		}},
		{"a batch's lease is not checked", "fenced/a batch of an earlier", changed(func(b *vault.Batch) { b.Lease = nil })},
		{"a released lease passes", "fenced/a batch of a lease", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				c := *b
				if c.Lease != nil {
					if all, _ := s.Store.Leases(ctx, ""); len(all) == 0 {
						c.Lease = nil
					}
				}
				return s.Store.Prepare(ctx, &c)
			}
		}},
		{"an expired lease does not pass", "fenced/an expired", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				if all, _ := s.Store.Leases(ctx, ""); b.Lease != nil && len(all) == 0 {
					return 0, vault.ErrFenced
				}
				return s.Store.Prepare(ctx, b)
			}
		}},
		{"a fenced batch does what done says", "fenced/", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				n, err := s.Store.Prepare(ctx, b)
				if errors.Is(err, vault.ErrFenced) {
					_ = s.Store.Done(ctx, b.Done)
				}
				return n, err
			}
		}},
		{"generations are not compared", "generation/of", changed(func(b *vault.Batch) { b.Generation = 0 })},
		{"a batch of no generation is refused", "generation/of", changed(func(b *vault.Batch) { b.Generation = max(b.Generation, 1) })},
	}
}

func listed(alter func(all []vault.Lease, prefix string) []vault.Lease) func(s *broken) {
	return func(s *broken) {
		s.leases = func(ctx context.Context, prefix string) ([]vault.Lease, error) {
			all, err := s.Store.Leases(ctx, prefix)
			return alter(all, prefix), err
		}
	}
}

// eachLine alters the lines that are read; a nil answer leaves one out.
func eachLine(alter func(n int64, line []byte) (int64, []byte)) func(s *broken) {
	return func(s *broken) {
		s.lines = func(ctx context.Context, after int64, fn func(int64, []byte) error) error {
			return s.Store.FenceLines(ctx, after, func(n int64, line []byte) error {
				if n, line = alter(n, line); line == nil {
					return nil
				}
				return fn(n, line)
			})
		}
	}
}

func nodesMutants() []mutant {
	return []mutant{
		{"swaps are not compared", "swap/", func(s *broken) {
			s.swap = func(ctx context.Context, name string, _, new []byte) error { return s.Store.SetMeta(ctx, name, new) }
		}},
		{"a swap to nothing leaves an empty value", "swap/", func(s *broken) {
			s.swap = func(ctx context.Context, name string, old, new []byte) error {
				return s.Store.SwapMeta(ctx, name, old, append([]byte{}, new...))
			}
		}},
		{"an empty value is as good as none", "swap/", func(s *broken) {
			s.swap = func(ctx context.Context, name string, old, new []byte) error {
				if v, _ := s.Store.Meta(ctx, name); v != nil && len(v) == 0 && old == nil {
					old = v
				}
				return s.Store.SwapMeta(ctx, name, old, new)
			}
		}},
		{"two racers swap", "race/one of 64 swaps", func(s *broken) {
			var mu sync.Mutex
			s.swap = func(ctx context.Context, name string, old, new []byte) error {
				mu.Lock()
				defer mu.Unlock()
				_ = s.Store.SwapMeta(ctx, name, old, new)
				return nil
			}
		}},
		{"lines are not compared", "relay/refuses", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				if err := s.Store.AppendFence(ctx, first, lines); err == nil || first < 1 || first > 3 {
					return err
				}
				return nil
			}
		}},
		{"gaps are let through", "relay/refuses", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				last := int64(0)
				_ = s.Store.FenceLines(ctx, 0, func(n int64, _ []byte) error { last = n; return nil })
				return s.Store.AppendFence(ctx, min(first, last+1), lines)
			}
		}},
		{"the same again is an error", "relay/lines", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				err := s.Store.AppendFence(ctx, first, lines)
				_ = s.Store.FenceLines(ctx, 0, func(n int64, _ []byte) error {
					if n >= first+int64(len(lines)) {
						err = vault.ErrStale
					}
					return nil
				})
				return err
			}
		}},
		{"only whole repetitions are known", "relay/lines", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				last := int64(0)
				_ = s.Store.FenceLines(ctx, 0, func(n int64, _ []byte) error { last = n; return nil })
				if first <= last && first+int64(len(lines))-1 > last {
					return vault.ErrStale
				}
				return s.Store.AppendFence(ctx, first, lines)
			}
		}},
		{"a refused append leaves its lines", "relay/refuses", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				err := s.Store.AppendFence(ctx, first, lines)
				if errors.Is(err, vault.ErrStale) && len(lines) > 0 {
					_ = s.Store.AppendFence(ctx, 4, lines[len(lines)-1:])
				}
				return err
			}
		}},
		{"two racers add", "race/one of 64 adds", func(s *broken) {
			s.relay = func(ctx context.Context, first int64, lines [][]byte) error {
				_ = s.Store.AppendFence(ctx, first, lines)
				return nil
			}
		}},
		{"lines end at 1,000", "relay/many", eachLine(func(n int64, line []byte) (int64, []byte) {
			if n > 1000 {
				return n, nil
			}
			return n, line
		})},
		{"numbers begin at 0", "relay/lines", eachLine(func(n int64, line []byte) (int64, []byte) { return n - 1, line })},
		{"after is forgotten", "relay/many", func(s *broken) {
			s.lines = func(ctx context.Context, _ int64, fn func(int64, []byte) error) error {
				return s.Store.FenceLines(ctx, 0, fn)
			}
		}},
		{"the callback's error is hidden", "relay/the callback", func(s *broken) {
			s.lines = func(ctx context.Context, after int64, fn func(int64, []byte) error) error {
				_ = s.Store.FenceLines(ctx, after, fn)
				return nil
			}
		}},
	}
}
