package vaulttest_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/memory"
	"greffe/eventstore/vault/vaulttest"
)

// broken is a right store with some methods replaced by wrong ones.
type broken struct {
	vault.Store
	brokenNodes
	disk    *memory.Disk
	prepare func(ctx context.Context, b *vault.Batch) (int64, error)
	done    func(ctx context.Context, settled []vault.Settled) error
	pending func(ctx context.Context, fn func(vault.Pending) error) error
	end     func(ctx context.Context) (domain.Position, error)
	intake  func(ctx context.Context, events []domain.ID) ([]vault.Intake, error)
	keys    func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error)
	parts   func(ctx context.Context, ids []vault.PartID) ([][]byte, error)
	tokens  func(ctx context.Context, events []domain.ID) ([][]byte, error)
	rewrite func(ctx context.Context, w []vault.KeyWrite) error
	destroy func(ctx context.Context, dooms []vault.Doom) error
	redact  func(ctx context.Context, parts []vault.PartID) error
	retoken func(ctx context.Context, r vault.Retoken) error
	reached func(ctx context.Context) (vault.Generation, error)
	walk    func(ctx context.Context, fn func(domain.ID, vault.Part) error) error
	setMeta func(ctx context.Context, name string, value []byte) error
	close   func() error
}

func (s *broken) Prepare(ctx context.Context, b *vault.Batch) (int64, error) {
	return or(s.prepare, s.Store.Prepare)(ctx, b)
}

func (s *broken) Done(ctx context.Context, settled []vault.Settled) error {
	return or(s.done, s.Store.Done)(ctx, settled)
}

func (s *broken) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	return or(s.pending, s.Store.Pending)(ctx, fn)
}

func (s *broken) End(ctx context.Context) (domain.Position, error) {
	return or(s.end, s.Store.End)(ctx)
}

func (s *broken) Intake(ctx context.Context, events []domain.ID) ([]vault.Intake, error) {
	return or(s.intake, s.Store.Intake)(ctx, events)
}

func (s *broken) Keys(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
	return or(s.keys, s.Store.Keys)(ctx, owners)
}

func (s *broken) Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error) {
	return or(s.parts, s.Store.Parts)(ctx, ids)
}

func (s *broken) Tokens(ctx context.Context, events []domain.ID) ([][]byte, error) {
	return or(s.tokens, s.Store.Tokens)(ctx, events)
}

func (s *broken) RewriteKeys(ctx context.Context, w []vault.KeyWrite) error {
	return or(s.rewrite, s.Store.RewriteKeys)(ctx, w)
}

func (s *broken) Destroy(ctx context.Context, dooms []vault.Doom) error {
	return or(s.destroy, s.Store.Destroy)(ctx, dooms)
}

func (s *broken) Redact(ctx context.Context, parts []vault.PartID) error {
	return or(s.redact, s.Store.Redact)(ctx, parts)
}

func (s *broken) Retoken(ctx context.Context, r vault.Retoken) error {
	return or(s.retoken, s.Store.Retoken)(ctx, r)
}

func (s *broken) Generation(ctx context.Context) (vault.Generation, error) {
	return or(s.reached, s.Store.Generation)(ctx)
}

func (s *broken) Walk(ctx context.Context, fn func(domain.ID, vault.Part) error) error {
	return or(s.walk, s.Store.Walk)(ctx, fn)
}

func (s *broken) SetMeta(ctx context.Context, name string, value []byte) error {
	return or(s.setMeta, s.Store.SetMeta)(ctx, name, value)
}

func (s *broken) Close() error { return or(s.close, s.Store.Close)() }

// or is the first that is not nil.
func or[F any](f, otherwise F) F {
	if reflect.ValueOf(f).IsNil() {
		return otherwise
	}
	return f
}

func TestRightStorePasses(t *testing.T) {
	t.Parallel()
	for name, complaint := range vaulttest.Check(t.Context(), "", func() vaulttest.Opener {
		disk := &memory.Disk{}
		return func() (vault.Store, error) { return &broken{Store: disk.Open(), disk: disk}, nil }
	}) {
		t.Errorf("%s: %s", name, complaint)
	}
}

// TestMutantsFail shows that the suite turns red for each planted fault:
//
//	a batch's checks, lifts, holds, links or key rows are forgotten; its last row
//	is; Done in it is, or takes its own facts along; a refused batch leaves holds
//	or key rows, or does what Done says; an event twice is let through; ErrStale
//	and ErrExists are mixed up; revisions are not compared; a destroyed owner is
//	created again; given slices are kept; numbers do not grow; Done does
//	nothing, takes one batch too many or all below, forgets the position, or moves
//	what is settled; an event's pending flag is never or always set; Pending leaves out the last batch, reverses facts, or hides
//	fn's error; End forgets, or counts what is only prepared; answers come sorted, are cut at 1,000, or lack repetitions; parts
//	come whatever the class; Destroy leaves tokens, MACs, parts or keys, takes
//	only the first owner, takes other owners of the same events, takes the facts,
//	or leaves no mark; a doom of a class takes all classes, every epoch, or tokens
//	unasked, leaves them when asked, forgets the row or writes a stale one, marks
//	the owner, or is refused when repeated; a mark forgets by what or when, or
//	takes the latest; Redact does nothing, takes the whole event, or knows one
//	part only; moves are forgotten, unchecked, or leave the link; Walk leaves out the last part, goes backwards, or hides
//	fn's error; the first meta value stays; a reopened vault is empty or has lost
//	its holds; a closed vault answers; contexts are ignored; two racers win. And
//	those of leases, swaps and the fence's lines that leaseMutants and nodesMutants name.
func TestMutantsFail(t *testing.T) {
	t.Parallel()
	all := slices.Concat(prepareMutants(), refusalMutants(), pendingMutants(), readMutants(), destroyMutants(), doomMutants(), retokenMutants(), moveMutants(), leaseMutants(), nodesMutants(), lifeMutants())
	if len(all) < 20 {
		t.Fatalf("only %d mutants", len(all))
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			failed := vaulttest.Check(t.Context(), m.red, func() vaulttest.Opener {
				disk := &memory.Disk{}
				return func() (vault.Store, error) {
					s := &broken{Store: disk.Open(), disk: disk}
					m.harm(s)
					return s, nil
				}
			})
			if len(failed) == 0 {
				t.Errorf("the cases named %q stayed green", m.red)
			}
		})
	}
}

// mutant is a planted fault; of the cases whose name contains
// red at least one must fail.
type mutant struct {
	name, red string
	harm      func(s *broken)
}

// changed passes an altered copy of each batch on.
func changed(alter func(b *vault.Batch)) func(s *broken) {
	return func(s *broken) {
		s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
			c := *b
			alter(&c)
			return s.Store.Prepare(ctx, &c)
		}
	}
}

func prepareMutants() []mutant {
	return []mutant{
		{"checks are forgotten", "refuses/check", changed(func(b *vault.Batch) { b.Touch = nil })},
		{"lifts are forgotten", "holds and lifts", changed(func(b *vault.Batch) { b.Lifts = nil })},
		{"holds are forgotten", "holds and lifts", changed(func(b *vault.Batch) { b.Holds = nil })},
		{"links are forgotten", "prepare/stores", changed(func(b *vault.Batch) { b.Links = nil })},
		{"key rows are forgotten", "prepare/stores", changed(func(b *vault.Batch) { b.Keys = nil })},
		{"the last row is forgotten", "prepare/stores", changed(func(b *vault.Batch) { b.Rows = b.Rows[:max(0, len(b.Rows)-1)] })},
		{"done is forgotten", "done with the next", changed(func(b *vault.Batch) { b.Done = nil })},
		{"bases are forgotten", "prepare/stores", changed(func(b *vault.Batch) { b.Base = 0 })},
		{"done takes its own facts", "done ahead", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				n, err := s.Store.Prepare(ctx, b)
				if err == nil {
					err = s.Store.Done(ctx, b.Done)
				}
				return n, err
			}
		}},
		{"numbers do not grow", "numbers grow", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				_, err := s.Store.Prepare(ctx, b)
				return 1, err
			}
		}},
		{"holds come before lifts", "holds and lifts", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				n, err := s.Store.Prepare(ctx, b)
				if err == nil && len(b.Lifts) > 0 {
					_, err = s.Store.Prepare(ctx, &vault.Batch{Lifts: b.Lifts})
				}
				return n, err
			}
		}},
		{"given slices are kept", "keeps no slice", func(s *broken) {
			kept := map[domain.ID][]byte{}
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				for _, r := range b.Rows {
					kept[r.Event] = r.Tokens
				}
				return s.Store.Prepare(ctx, b)
			}
			s.tokens = func(ctx context.Context, events []domain.ID) ([][]byte, error) {
				out, err := s.Store.Tokens(ctx, events)
				for i := range out {
					if out[i] != nil && kept[events[i]] != nil {
						out[i] = kept[events[i]]
					}
				}
				return out, err
			}
		}},
	}
}

// afterRefusal does something more when a batch was refused.
func afterRefusal(then func(s *broken, ctx context.Context, b *vault.Batch, err error) error) func(s *broken) {
	return func(s *broken) {
		s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
			n, err := s.Store.Prepare(ctx, b)
			if errors.Is(err, vault.ErrExists) || errors.Is(err, vault.ErrStale) {
				err = then(s, ctx, b, err)
			}
			return n, err
		}
	}
}

func refusalMutants() []mutant {
	return []mutant{
		{"a refused batch leaves holds", "refuses/", afterRefusal(func(s *broken, ctx context.Context, b *vault.Batch, err error) error {
			_, _ = s.Store.Prepare(ctx, &vault.Batch{Holds: b.Holds})
			return err
		})},
		{"a refused batch leaves key rows", "refuses/", afterRefusal(func(s *broken, ctx context.Context, b *vault.Batch, err error) error {
			_, _ = s.Store.Prepare(ctx, &vault.Batch{Keys: b.Keys[:min(1, len(b.Keys))]})
			return err
		})},
		{"a refused batch leaves its first row", "refuses/", afterRefusal(func(s *broken, ctx context.Context, b *vault.Batch, err error) error {
			_, _ = s.Store.Prepare(ctx, &vault.Batch{Rows: b.Rows[:min(1, len(b.Rows))]})
			return err
		})},
		{"a refused batch does what done says", "refuses/", afterRefusal(func(s *broken, ctx context.Context, b *vault.Batch, err error) error {
			return errors.Join(err, s.Store.Done(ctx, b.Done))
		})},
		{"refusals are swallowed", "race/", afterRefusal(func(*broken, context.Context, *vault.Batch, error) error { return nil })},
		{"errors are mixed up", "refuses/", afterRefusal(func(_ *broken, _ context.Context, _ *vault.Batch, err error) error {
			if errors.Is(err, vault.ErrExists) {
				return vault.ErrStale
			}
			return vault.ErrExists
		})},
		{"an event twice is let through", "refuses/event twice", changed(func(b *vault.Batch) {
			seen := map[domain.ID]bool{}
			b.Rows = slices.DeleteFunc(slices.Clone(b.Rows), func(r vault.Row) bool {
				twice := seen[r.Event]
				seen[r.Event] = true
				return twice
			})
		})},
		{"a link twice is let through", "refuses/link twice", changed(func(b *vault.Batch) {
			b.Links = slices.CompactFunc(slices.Clone(b.Links), func(a, c vault.Link) bool { return a.Token == c.Token })
		})},
		{"revisions are not compared", "refuses/key row of", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				c := *b
				c.Keys = slices.Clone(b.Keys)
				for i := range c.Keys {
					rows, err := s.Store.Keys(ctx, []part.Owner{c.Keys[i].Owner})
					if err != nil {
						return 0, err
					}
					c.Keys[i].Rev = rows[0].Rev
				}
				return s.Store.Prepare(ctx, &c)
			}
		}},
		{"a rewrite outside a batch is in part", "rewrite outside", func(s *broken) {
			s.rewrite = func(ctx context.Context, w []vault.KeyWrite) error {
				for i := range w {
					if err := s.Store.RewriteKeys(ctx, w[i:i+1]); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"a destroyed owner is created again", "destroyed owner", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				c := *b
				c.Keys = slices.DeleteFunc(slices.Clone(b.Keys), func(w vault.KeyWrite) bool {
					rows, err := s.Store.Keys(ctx, []part.Owner{w.Owner})
					return err == nil && rows[0].Destroyed
				})
				return s.Store.Prepare(ctx, &c)
			}
		}},
	}
}

func lifeMutants() []mutant {
	return []mutant{
		{"the first meta value stays", "meta/", func(s *broken) {
			s.setMeta = func(ctx context.Context, name string, value []byte) error {
				if v, err := s.Store.Meta(ctx, name); err != nil || v != nil {
					return err
				}
				return s.Store.SetMeta(ctx, name, value)
			}
		}},
		{"a reopened vault is empty", "life/everything", func(s *broken) {
			s.close = func() error {
				s.disk.Erase()
				return s.Store.Close()
			}
		}},
		{"a reopened vault has lost its holds", "after a reopen", func(s *broken) {
			s.close = func() error {
				var lifts []token.Token
				for i := range 200 {
					lifts = append(lifts, vaulttest.Token(i))
				}
				_, _ = s.Store.Prepare(context.Background(), &vault.Batch{Lifts: lifts})
				return s.Store.Close()
			}
		}},
		{"a closed vault answers", "life/a closed", func(s *broken) { s.close = func() error { return nil } }},
		{"a second close fails", "life/a closed", func(s *broken) {
			closed := false
			s.close = func() error {
				if closed {
					return vault.ErrClosed
				}
				closed = true
				return s.Store.Close()
			}
		}},
		{"contexts are ignored", "life/a cancelled", func(s *broken) {
			s.prepare = func(ctx context.Context, b *vault.Batch) (int64, error) {
				return s.Store.Prepare(context.WithoutCancel(ctx), b)
			}
		}},
	}
}
