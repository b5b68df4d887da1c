package memory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/memory"
	"greffe/eventstore/vault/vaulttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(*testing.T) vaulttest.Opener {
		disk := &memory.Disk{}
		return func() (vault.Store, error) { return disk.Open(), nil }
	})
}

func subject(i byte) part.Owner { return part.SubjectOwner(domain.ID{i}) }

func batchOf(i byte) *vault.Batch {
	notes := vault.Part{Key: part.KeyID{Owner: subject(i), Class: "notes", Epoch: "2026"}, Bytes: []byte{i}}
	return &vault.Batch{
		Base: domain.Position(i),
		Rows: []vault.Row{{Event: domain.ID{i}, Fact: []byte{i}, Owner: subject(i), BodyMAC: []byte{i}, Tokens: []byte{i},
			Parts: []vault.Part{notes}}},
		Keys:  []vault.KeyWrite{{Owner: subject(i), Wrapped: []byte{i}}},
		Links: []vault.Link{{Token: token.Token{i}, ID: domain.ID{i}}},
	}
}

// TestWriteFaults shows each pair: the call fails, and took effect or did not.
func TestWriteFaults(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	writes := map[memory.Op]struct {
		call func(s *memory.Store) error
		took func(s *memory.Store) bool
	}{
		memory.Prepare: {
			func(s *memory.Store) error { _, err := s.Prepare(ctx, batchOf(2)); return err },
			func(s *memory.Store) bool { in, _ := s.Intake(ctx, []domain.ID{{2}}); return in[0].Found },
		},
		memory.Done: {
			func(s *memory.Store) error { return s.Done(ctx, []vault.Settled{{Number: 1}}) },
			func(s *memory.Store) bool {
				return s.Pending(ctx, func(vault.Pending) error { return errors.New("one") }) == nil
			},
		},
		memory.SwapMeta: {
			func(s *memory.Store) error { return s.SwapMeta(ctx, "other", nil, []byte{1}) },
			func(s *memory.Store) bool { v, _ := s.Meta(ctx, "other"); return v != nil },
		},
		memory.Lease: {
			func(s *memory.Store) error { _, err := s.Lease(ctx, "role", domain.ID{1}, time.Hour, nil); return err },
			func(s *memory.Store) bool { all, _ := s.Leases(ctx, ""); return len(all) == 1 },
		},
		memory.AppendFence: {
			func(s *memory.Store) error { return s.AppendFence(ctx, 1, [][]byte{{1}}) },
			func(s *memory.Store) bool {
				return s.FenceLines(ctx, 0, func(int64, []byte) error { return errors.New("one") }) != nil
			},
		},
		memory.RewriteKeys: {
			func(s *memory.Store) error {
				return s.RewriteKeys(ctx, []vault.KeyWrite{{Owner: subject(1), Rev: 1, Wrapped: []byte{9}}})
			},
			func(s *memory.Store) bool { k, _ := s.Keys(ctx, []part.Owner{subject(1)}); return k[0].Rev == 2 },
		},
		memory.SetMeta: {
			func(s *memory.Store) error { return s.SetMeta(ctx, "name", []byte{1}) },
			func(s *memory.Store) bool { v, _ := s.Meta(ctx, "name"); return v != nil },
		},
		memory.Redact: {
			func(s *memory.Store) error {
				return s.Redact(ctx, []vault.PartID{{Event: domain.ID{1}, Class: "notes"}})
			},
			func(s *memory.Store) bool {
				p, _ := s.Parts(ctx, []vault.PartID{{Event: domain.ID{1}, Class: "notes"}})
				return p[0] == nil
			},
		},
		memory.Retoken: {
			func(s *memory.Store) error { return s.Retoken(ctx, retoken()) },
			func(s *memory.Store) bool { g, _ := s.Generation(ctx); return g.Under },
		},
		memory.Destroy: {
			func(s *memory.Store) error { return s.Destroy(ctx, vault.Whole(subject(1))) },
			func(s *memory.Store) bool { k, _ := s.Keys(ctx, []part.Owner{subject(1)}); return k[0].Destroyed },
		},
	}
	for op, w := range writes {
		for _, kept := range []bool{false, true} {
			disk := &memory.Disk{}
			s := disk.Open()
			if _, err := s.Prepare(ctx, batchOf(1)); err != nil {
				t.Fatal(err)
			}
			disk.Inject(memory.Fault{Op: op, Kept: kept})
			if err := w.call(s); !errors.Is(err, memory.ErrFault) {
				t.Errorf("%s, kept %v: error is %v", op, kept, err)
			}
			if got := w.took(s); got != kept || disk.Waiting() != 0 {
				t.Errorf("%s, kept %v: took effect is %v", op, kept, got)
			}
		}
	}
}

// retoken changes tokens to the second generation.
func retoken() vault.Retoken {
	step := func(t token.Token) token.Token { t[31]++; return t }
	return vault.Retoken{Generation: 2, Row: &vault.KeyWrite{Owner: part.LedgerOwner(), Wrapped: []byte{1}}, Link: step, Hold: step,
		Packed: func(b []byte) error { b[0]++; return nil }}
}

// TestRetokenStops shows that a change of tokens can stop at each step and be
// finished, and that each step happens once.
func TestRetokenStops(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for step := 0; ; step++ {
		for _, kept := range []bool{false, true} {
			disk := &memory.Disk{}
			s := disk.Open()
			for i := range byte(3) {
				if _, err := s.Prepare(ctx, batchOf(i+1)); err != nil {
					t.Fatal(err)
				}
			}
			disk.Inject(memory.Fault{Op: memory.Retoken, Skip: step, Kept: kept})
			r := retoken()
			err := s.Retoken(ctx, r)
			if err == nil {
				if step != 6 {
					t.Errorf("%d steps", step)
				}
				return
			}
			g, _ := s.Generation(ctx)
			if g.Under {
				r.Row = nil
			}
			if g.Tokens == 1 {
				if err := s.Retoken(ctx, r); err != nil {
					t.Fatalf("step %d, kept %v: again: %v", step, kept, err)
				}
			} else if step != 5 || !kept {
				t.Errorf("step %d, kept %v: %+v", step, kept, g)
			}
			toks, err1 := s.Tokens(ctx, []domain.ID{{1}, {2}, {3}})
			links, err2 := s.Links(ctx, []token.Token{{0: 1, 31: 1}, {0: 2, 31: 1}, {0: 3, 31: 1}})
			if err := errors.Join(err1, err2); g.Tokens == 1 && err != nil {
				t.Fatalf("step %d, kept %v: %v", step, kept, err)
			}
			for i := range byte(3) {
				if len(toks[i]) != 1 || toks[i][0] != i+2 || links[i] != (domain.ID{i + 1}) {
					t.Errorf("step %d, kept %v: row %d: %v %v", step, kept, i, toks[i], links[i])
				}
			}
		}
	}
}

// TestReadFaults shows that every read fails once, with the error asked for, and
// answers the next time.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	errRead := errors.New("read failed")
	disk := &memory.Disk{}
	s := disk.Open()
	reads := map[memory.Op]func() error{
		memory.Pending:    func() error { return s.Pending(ctx, func(vault.Pending) error { return nil }) },
		memory.End:        func() error { _, err := s.End(ctx); return err },
		memory.Intake:     func() error { _, err := s.Intake(ctx, []domain.ID{{1}}); return err },
		memory.Links:      func() error { _, err := s.Links(ctx, []token.Token{{1}}); return err },
		memory.Holds:      func() error { _, err := s.Holds(ctx, []token.Token{{1}}); return err },
		memory.Keys:       func() error { _, err := s.Keys(ctx, []part.Owner{subject(1)}); return err },
		memory.Parts:      func() error { _, err := s.Parts(ctx, []vault.PartID{{}}); return err },
		memory.Tokens:     func() error { _, err := s.Tokens(ctx, []domain.ID{{1}}); return err },
		memory.Walk:       func() error { return s.Walk(ctx, func(domain.ID, vault.Part) error { return nil }) },
		memory.Meta:       func() error { _, err := s.Meta(ctx, "name"); return err },
		memory.Generation: func() error { _, err := s.Generation(ctx); return err },
	}
	for op, read := range reads {
		disk.Inject(memory.Fault{Op: op, Skip: 1, Err: errRead})
		for i, want := range []error{nil, errRead, nil} {
			if err := read(); !errors.Is(err, want) {
				t.Errorf("%s, call %d: error is %v, want %v", op, i, err, want)
			}
		}
	}
}

// TestDestroyStops shows that Destroy can stop at each step and be finished.
func TestDestroyStops(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	owners := []part.Owner{subject(1), subject(2)}
	for step := range 4 {
		for _, kept := range []bool{false, true} {
			disk := &memory.Disk{}
			s := disk.Open()
			for i := range byte(3) {
				if _, err := s.Prepare(ctx, batchOf(i)); err != nil {
					t.Fatal(err)
				}
			}
			disk.Inject(memory.Fault{Op: memory.Destroy, Skip: step, Kept: kept})
			if err := s.Destroy(ctx, vault.Whole(owners...)); !errors.Is(err, memory.ErrFault) {
				t.Fatalf("step %d: error is %v", step, err)
			}
			if got, want := left(t, s), 4-step-map[bool]int{true: 1}[kept]; got != want {
				t.Errorf("step %d, kept %v: %d things left, want %d", step, kept, got, want)
			}
			if err := s.Destroy(ctx, vault.Whole(owners...)); err != nil || left(t, s) != 0 {
				t.Errorf("step %d: second call: %v, %d left", step, err, left(t, s))
			}
		}
	}
}

// TestClassDoomStops shows the same of a doom with a row: the row, then the part.
func TestClassDoomStops(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	doom := []vault.Doom{{
		Owner: subject(1), Keys: []vault.ClassEpoch{{Class: "notes", Epoch: "2026"}},
		Row: &vault.KeyWrite{Owner: subject(1), Rev: 1, Wrapped: []byte{9}},
	}}
	for step := range 2 {
		for _, kept := range []bool{false, true} {
			disk := &memory.Disk{}
			s := disk.Open()
			if _, err := s.Prepare(ctx, batchOf(1)); err != nil {
				t.Fatal(err)
			}
			disk.Inject(memory.Fault{Op: memory.Destroy, Skip: step, Kept: kept})
			if err := s.Destroy(ctx, doom); !errors.Is(err, memory.ErrFault) {
				t.Fatalf("step %d: error is %v", step, err)
			}
			if rev, part := noted(t, s); rev == 2 != (step == 1 || kept) || part != (step == 0 || !kept) {
				t.Errorf("step %d, kept %v: revision %d, part there: %v", step, kept, rev, part)
			}
			if err := s.Destroy(ctx, doom); err != nil {
				t.Errorf("step %d: second call: %v", step, err)
			}
			if rev, part := noted(t, s); rev != 2 || part {
				t.Errorf("step %d, kept %v: after the second call: revision %d, part there: %v", step, kept, rev, part)
			}
		}
	}
}

// noted is the first subject's revision and whether its notes are there.
func noted(t *testing.T, s *memory.Store) (rev int64, there bool) {
	t.Helper()
	keys, err1 := s.Keys(context.Background(), []part.Owner{subject(1)})
	parts, err2 := s.Parts(context.Background(), []vault.PartID{{Event: domain.ID{1}, Class: "notes"}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return keys[0].Rev, parts[0] != nil
}

// left counts keys and token rows of the first two subjects.
func left(t *testing.T, s *memory.Store) (n int) {
	t.Helper()
	keys, err1 := s.Keys(context.Background(), []part.Owner{subject(1), subject(2)})
	toks, err2 := s.Tokens(context.Background(), []domain.ID{{1}, {2}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if !keys[i].Destroyed {
			n++
		}
		if toks[i] != nil {
			n++
		}
	}
	return n
}
