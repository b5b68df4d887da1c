package memory_test

import (
	"context"
	"errors"
	"testing"

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
	return &vault.Batch{
		Base:  domain.Position(i),
		Rows:  []vault.Row{{Event: domain.ID{i}, Fact: []byte{i}, Owner: subject(i), BodyMAC: []byte{i}, Tokens: []byte{i}}},
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
		memory.Rebase: {
			func(s *memory.Store) error { return s.Rebase(ctx, 1, 50) },
			func(s *memory.Store) bool { in, _ := s.Intake(ctx, []domain.ID{{1}}); return in[0].Position == 50 },
		},
		memory.Done: {
			func(s *memory.Store) error { return s.Done(ctx, 1) },
			func(s *memory.Store) bool {
				return s.Pending(ctx, func(vault.Pending) error { return errors.New("one") }) == nil
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
		memory.Destroy: {
			func(s *memory.Store) error { return s.Destroy(ctx, []part.Owner{subject(1)}) },
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

// TestReadFaults shows that every read fails once, with the error asked for, and
// answers the next time.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	errRead := errors.New("read failed")
	disk := &memory.Disk{}
	s := disk.Open()
	reads := map[memory.Op]func() error{
		memory.Pending: func() error { return s.Pending(ctx, func(vault.Pending) error { return nil }) },
		memory.End:     func() error { _, err := s.End(ctx); return err },
		memory.Intake:  func() error { _, err := s.Intake(ctx, []domain.ID{{1}}); return err },
		memory.Links:   func() error { _, err := s.Links(ctx, []token.Token{{1}}); return err },
		memory.Holds:   func() error { _, err := s.Holds(ctx, []token.Token{{1}}); return err },
		memory.Keys:    func() error { _, err := s.Keys(ctx, []part.Owner{subject(1)}); return err },
		memory.Parts:   func() error { _, err := s.Parts(ctx, []vault.PartID{{}}); return err },
		memory.Tokens:  func() error { _, err := s.Tokens(ctx, []domain.ID{{1}}); return err },
		memory.Walk:    func() error { return s.Walk(ctx, func(domain.ID, vault.Part) error { return nil }) },
		memory.Meta:    func() error { _, err := s.Meta(ctx, "name"); return err },
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
			if err := s.Destroy(ctx, owners); !errors.Is(err, memory.ErrFault) {
				t.Fatalf("step %d: error is %v", step, err)
			}
			if got, want := left(t, s), 4-step-map[bool]int{true: 1}[kept]; got != want {
				t.Errorf("step %d, kept %v: %d things left, want %d", step, kept, got, want)
			}
			if err := s.Destroy(ctx, owners); err != nil || left(t, s) != 0 {
				t.Errorf("step %d: second call: %v, %d left", step, err, left(t, s))
			}
		}
	}
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
