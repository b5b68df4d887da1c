package vaulttest_test

import (
	"bytes"
	"context"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

func everyBatch() (all []vault.Settled) {
	for n := range int64(100) {
		all = append(all, vault.Settled{Number: n})
	}
	return all
}

func saysPending(says bool) func(s *broken) {
	return func(s *broken) {
		s.intake = func(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
			all, err := s.Store.Intake(ctx, events)
			for i := range all {
				all[i].Pending = all[i].Found && says
			}
			return all, err
		}
	}
}

func pendingMutants() []mutant {
	return []mutant{
		{"done does nothing", "pending/facts stay", func(s *broken) {
			s.done = func(context.Context, []vault.Settled) error { return nil }
		}},
		{"done takes one more", "pending/facts stay", func(s *broken) {
			s.done = func(ctx context.Context, settled []vault.Settled) error {
				last := settled[len(settled)-1]
				return s.Store.Done(ctx, append(slices.Clone(settled), vault.Settled{Number: last.Number + 1, Base: last.Base}))
			}
		}},
		{"done takes those before", "pending/facts stay", func(s *broken) {
			s.done = func(ctx context.Context, settled []vault.Settled) error {
				for _, d := range slices.Clone(settled) {
					for n := range d.Number {
						settled = append(settled, vault.Settled{Number: n})
					}
				}
				return s.Store.Done(ctx, settled)
			}
		}},
		{"done forgets the position", "pending/done fixes", func(s *broken) {
			s.done = func(ctx context.Context, settled []vault.Settled) error {
				settled = slices.Clone(settled)
				for i := range settled {
					_ = s.Store.Pending(ctx, func(p vault.Pending) error {
						if p.Number == settled[i].Number {
							settled[i].Base = p.Base
						}
						return nil
					})
				}
				return s.Store.Done(ctx, settled)
			}
		}},
		{"done moves what is settled", "pending/done again", func(s *broken) {
			moved := map[int64]domain.Position{}
			s.done = func(ctx context.Context, settled []vault.Settled) error {
				for _, d := range settled {
					moved[1] = d.Base
				}
				return s.Store.Done(ctx, settled)
			}
			s.intake = func(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
				all, err := s.Store.Intake(ctx, events)
				for i := range all {
					all[i].Position = moved[1] + 1
				}
				return all, err
			}
		}},
		{"nothing is ever pending", "pending/an event", saysPending(false)},
		{"everything is pending", "pending/an event", saysPending(true)},
		{"end forgets", "pending/the end", func(s *broken) {
			s.end = func(context.Context) (domain.Position, error) { return 0, nil }
		}},
		{"end counts what is only prepared", "pending/the end", func(s *broken) {
			s.end = func(ctx context.Context) (end domain.Position, err error) {
				err = s.Store.Pending(ctx, func(p vault.Pending) error {
					end = p.Base + domain.Position(len(p.Facts))
					return nil
				})
				if err != nil || end > 0 {
					return end, err
				}
				return s.Store.End(ctx)
			}
		}},
		{"pending leaves out the last batch", "pending/", func(s *broken) {
			s.pending = func(ctx context.Context, fn func(vault.Pending) error) error {
				var last *vault.Pending
				return s.Store.Pending(ctx, func(p vault.Pending) error {
					before := last
					last = &p
					if before == nil {
						return nil
					}
					return fn(*before)
				})
			}
		}},
		{"pending reverses facts", "pending/", func(s *broken) {
			s.pending = func(ctx context.Context, fn func(vault.Pending) error) error {
				return s.Store.Pending(ctx, func(p vault.Pending) error {
					slices.Reverse(p.Facts)
					return fn(p)
				})
			}
		}},
		{"pending cuts white space off facts", "prepare/", func(s *broken) {
			s.pending = func(ctx context.Context, fn func(vault.Pending) error) error {
				return s.Store.Pending(ctx, func(p vault.Pending) error {
					for i := range p.Facts {
						p.Facts[i] = bytes.TrimRight(p.Facts[i], "t")
					}
					return fn(p)
				})
			}
		}},
		{"pending hides fn's error", "pending/the callback's error", func(s *broken) {
			s.pending = func(ctx context.Context, fn func(vault.Pending) error) error {
				return s.Store.Pending(ctx, func(p vault.Pending) error {
					_ = fn(p)
					return nil
				})
			}
		}},
	}
}

func readMutants() []mutant {
	return []mutant{
		{"answers come sorted", "read/in the order", func(s *broken) {
			s.intake = func(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
				sorted := slices.SortedFunc(slices.Values(events), func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
				return s.Store.Intake(ctx, sorted)
			}
		}},
		{"answers are cut at 1000", "read/in the order", func(s *broken) {
			s.keys = func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
				rows, err := s.Store.Keys(ctx, owners[:min(1000, len(owners))])
				return append(rows, make([]vault.KeyRow, len(owners)-len(rows))...), err
			}
		}},
		{"repetitions get no answer", "read/in the order", func(s *broken) {
			s.tokens = func(ctx context.Context, events []domain.ID) ([][]byte, error) {
				out, err := s.Store.Tokens(ctx, events)
				seen := map[domain.ID]bool{}
				for i := range out {
					if seen[events[i]] {
						out[i] = nil
					}
					seen[events[i]] = true
				}
				return out, err
			}
		}},
		{"absent parts are errors of omission", "read/in the order", func(s *broken) {
			s.parts = func(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
				out, err := s.Store.Parts(ctx, ids)
				return slices.DeleteFunc(out, func(b []byte) bool { return b == nil }), err
			}
		}},
		{"parts come whatever the class", "prepare/stores", func(s *broken) {
			s.parts = func(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
				ids = slices.Clone(ids)
				for i := range ids {
					ids[i].Class = "identity"
				}
				return s.Store.Parts(ctx, ids)
			}
		}},
		{"walk leaves out the last part", "walk/", func(s *broken) {
			s.walk = func(ctx context.Context, fn func(domain.ID, vault.Part) error) error {
				return s.walkBut(ctx, fn, func(all []walkedPart) []walkedPart { return all[:max(0, len(all)-1)] })
			}
		}},
		{"walk goes backwards", "walk/", func(s *broken) {
			s.walk = func(ctx context.Context, fn func(domain.ID, vault.Part) error) error {
				return s.walkBut(ctx, fn, func(all []walkedPart) []walkedPart {
					slices.Reverse(all)
					return all
				})
			}
		}},
		{"walk hides fn's error", "walk/the callback's error", func(s *broken) {
			s.walk = func(ctx context.Context, fn func(domain.ID, vault.Part) error) error {
				return s.Store.Walk(ctx, func(id domain.ID, p vault.Part) error {
					_ = fn(id, p)
					return nil
				})
			}
		}},
	}
}

type walkedPart struct {
	event domain.ID
	part  vault.Part
}

// walkBut walks what alter makes of all parts.
func (s *broken) walkBut(ctx context.Context, fn func(domain.ID, vault.Part) error, alter func([]walkedPart) []walkedPart) error {
	var all []walkedPart
	err := s.Store.Walk(ctx, func(id domain.ID, p vault.Part) error {
		all = append(all, walkedPart{id, p})
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range alter(all) {
		if err := fn(w.event, w.part); err != nil {
			return err
		}
	}
	return nil
}

func destroyMutants() []mutant {
	return []mutant{
		{"destroy leaves tokens", "destroy/takes all", func(s *broken) {
			kept := map[domain.ID][]byte{}
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				for _, r := range b.Rows {
					kept[r.Event] = bytes.Clone(r.Tokens)
				}
				return s.Store.Prepare(ctx, b)
			}
			s.tokens = func(ctx context.Context, events []domain.ID) ([][]byte, error) {
				out, err := s.Store.Tokens(ctx, events)
				for i := range out {
					if out[i] == nil {
						out[i] = bytes.Clone(kept[events[i]])
					}
				}
				return out, err
			}
		}},
		{"destroy leaves body MACs", "destroy/takes all", func(s *broken) {
			s.intake = func(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
				out, err := s.Store.Intake(ctx, events)
				for i := range out {
					if out[i].Found && out[i].BodyMAC == nil {
						out[i].BodyMAC = make([]byte, 16)
					}
				}
				return out, err
			}
		}},
		{"destroy does nothing", "destroy/", func(s *broken) {
			s.destroy = func(context.Context, []vault.Doom) error { return nil }
		}},
		{"destroy takes only the first owner", "destroy/many", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				return s.Store.Destroy(ctx, dooms[:min(1, len(dooms))])
			}
		}},
		{"destroy takes only subjects", "destroy/", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				return s.Store.Destroy(ctx, slices.DeleteFunc(slices.Clone(dooms), func(d vault.Doom) bool { return d.Owner.Kind != part.Subject }))
			}
		}},
		{"destroy takes other owners of the same events", "destroy/several owners", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				return s.Store.Destroy(ctx, append(slices.Clone(dooms), vault.Whole(part.LedgerOwner())...))
			}
		}},
		{"destroy takes the facts", "destroy/facts", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				if err := s.Store.Destroy(ctx, dooms); err != nil {
					return err
				}
				return s.Store.Done(ctx, everyBatch())
			}
		}},
		{"destroy leaves no mark", "destroy/an owner that had nothing", func(s *broken) {
			s.keys = func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
				rows, err := s.Store.Keys(ctx, owners)
				for i := range rows {
					rows[i].Destroyed = false
				}
				return rows, err
			}
		}},
		{"destroyed owners keep a revision", "destroy/takes all", func(s *broken) {
			s.keys = func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
				rows, err := s.Store.Keys(ctx, owners)
				for i := range rows {
					if rows[i].Destroyed {
						rows[i].Rev = 1
					}
				}
				return rows, err
			}
		}},
	}
}
