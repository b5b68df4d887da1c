package eraser_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/fence"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// second is another node on the stores of w: a ledger, a fence and an eraser of its own.
func second(t *testing.T, w *world, change func(c *eraser.Config)) *eraser.Eraser {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Log: w.log, Vault: w.vault, KEK: nameKEK{}, Now: w.clock, Rand: rand.Reader,
		FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := fence.Open(filepath.Join(t.TempDir(), "fence"), domain.ID{1}, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := eraser.Config{Ledger: l, Facts: scan{w.log}, Vault: w.vault, Fence: f,
		Wait: func(context.Context, domain.Position) error { return nil }, Seen: func(context.Context, domain.Position) error { return nil },
		SourceName: func(context.Context, domain.ID) (string, error) { return "crm/eu", nil },
		Told:       func() []string { return []string{"crm", "mailer"} }, Now: w.clock, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	ctx, stop := context.WithCancel(context.Background())
	e, ended := eraser.New(cfg), make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := errors.Join(l.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (w *world) certified(op domain.ID) bool {
	s, err := w.eraser.State(w.t.Context(), op)
	return err == nil && s.Certificate != nil
}

// onceEach demands one of the facts for each order.
func (w *world) onceEach(orders int, types ...event.Type) {
	w.t.Helper()
	for _, typ := range types {
		seen := map[domain.ID]int{}
		for _, f := range w.facts(typ) {
			seen[f.Codes.ID("order")]++
		}
		if len(seen) != orders {
			w.t.Errorf("%s about %d orders, want %d", typ, len(seen), orders)
		}
		for id, n := range seen {
			if n != 1 {
				w.t.Errorf("%d %s about order %s", n, typ, id)
			}
		}
	}
}

// TestTwoErasers: two nodes that carry out the same erasures at once write each fact
// once, and both are done in the end.
func TestTwoErasers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ops []domain.ID
	for i := range 12 {
		who := w.record(created(fmt.Sprint("e", i), fmt.Sprint("C-", i), "a@example.org"))[0].Subject
		ops = append(ops, w.order(eraser.Request{Subject: who}))
	}
	other := second(t, w, nil)
	if n, err := other.Resume(t.Context()); err != nil || n != len(ops) {
		t.Fatal(n, err)
	}
	w.run()
	for _, op := range ops {
		for !w.certified(op) {
			w.later(time.Second) // also for those that came second
			_ = w.eraser.Wait(t.Context(), op)
			_ = other.Wait(t.Context(), op)
		}
	}
	w.onceEach(len(ops), event.ErasureStaged, event.SubjectErased)
	if n, err := other.Resume(t.Context()); err != nil || n != 0 {
		t.Errorf("%d are left to do, %v", n, err)
	}
}

// TestCertifiedByAnother: who is about to certify what another node certified just then
// certifies nothing more, and is done.
func TestCertifiedByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := w.record(created("e1", "C-1", "a@example.org"))[0].Subject
	op := w.order(eraser.Request{Subject: who})
	overtaken := false
	other := second(t, w, func(cfg *eraser.Config) {
		cfg.Step = func(step string) error {
			if step == "checked" && !overtaken {
				overtaken = true
				w.run()
				return w.eraser.Wait(context.Background(), op)
			}
			return nil
		}
	})
	if _, err := other.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(t.Context(), op); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("the second certificate: %v", err)
	}
	w.onceEach(1, event.ErasureStaged, event.SubjectErased)
	w.later(time.Minute)
	for n := 1; n > 0; n, _ = other.Pending() {
		runtime.Gosched()
	}
	w.onceEach(1, event.ErasureStaged, event.SubjectErased)
}

// TestResumedElsewhere: what a node that died had begun, another ends.
func TestResumedElsewhere(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"staged", "fenced", "destroyed", "checked"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			who := w.record(created("e1", "C-1", "a@example.org"))[0].Subject
			w.set(step, nil)
			w.run()
			op := w.order(eraser.Request{Subject: who})
			if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			other := second(t, w, nil)
			for range 2 { // again is no matter
				if _, err := other.Resume(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := other.Wait(t.Context(), op); err != nil || !w.certified(op) {
				t.Errorf("certified %v, %v", w.certified(op), err)
			}
			w.onceEach(1, event.ErasureStaged, event.SubjectErased)
		})
	}
}

// TestEraserUnderLease: who lost the lease certifies nothing.
func TestEraserUnderLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := w.record(created("e1", "C-1", "a@example.org"))[0].Subject
	op := w.order(eraser.Request{Subject: who})
	hold := func(holder byte) *vault.LeaseCheck {
		l, err := w.vault.Lease(t.Context(), "keeper", domain.ID{holder}, time.Hour, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &vault.LeaseCheck{Role: l.Role, Term: l.Term}
	}
	old := hold(1)
	if err := w.vault.Release(t.Context(), "keeper", domain.ID{1}); err != nil {
		t.Fatal(err)
	}
	present := hold(2)
	under := func(c *vault.LeaseCheck) *eraser.Eraser {
		e := second(t, w, func(cfg *eraser.Config) { cfg.Lease = func() *vault.LeaseCheck { return c } })
		if _, err := e.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if err := under(old).Wait(t.Context(), op); !errors.Is(err, vault.ErrFenced) {
		t.Errorf("under an old term: %v", err)
	}
	if n := len(w.facts(event.ErasureStaged)); n != 0 {
		t.Errorf("%d facts under an old term", n)
	}
	if err := under(present).Wait(t.Context(), op); err != nil || !w.certified(op) {
		t.Errorf("under the present term: %v", err)
	}
}

// TestElsewhere: nothing is certified before the other nodes have applied what was
// staged.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := w.record(created("e1", "C-1", "a@example.org"))[0].Subject
	op := w.order(eraser.Request{Subject: who})
	asked, applied := make(chan domain.Position), make(chan error)
	e := second(t, w, func(cfg *eraser.Config) {
		cfg.Elsewhere = func(_ context.Context, upTo domain.Position) error {
			asked <- upTo
			return <-applied
		}
	})
	if _, err := e.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	upTo := <-asked
	var staged *event.Fact
	if err := w.log.Read(t.Context(), upTo, upTo+1, func(_ domain.Position, b []byte) (err error) {
		staged, err = event.DecodeFact(b)
		return err
	}); err != nil || staged.Type != event.ErasureStaged || staged.Subject != who {
		t.Errorf("asked for position %d: %v %v", upTo, staged, err)
	}
	behind := errors.New("a node is behind")
	applied <- behind
	if err := e.Wait(t.Context(), op); !errors.Is(err, behind) || w.certified(op) {
		t.Errorf("certified %v while a node is behind, %v", w.certified(op), err)
	}
	w.later(time.Minute)
	go func() { <-asked; applied <- nil }()
	for !w.certified(op) {
		_ = e.Wait(t.Context(), op)
		if _, err := e.Resume(t.Context()); err != nil { // wakes nothing that is known
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// TestNodeThatStandsStill: a node that serves and applies nothing holds back the
// certificates, and nobody's destruction: not of those ordered while it is waited for.
func TestNodeThatStandsStill(t *testing.T) {
	t.Parallel()
	for _, read := range []string{"here", "elsewhere"} {
		t.Run(read, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			still := func(ctx context.Context, _ domain.Position) error { <-ctx.Done(); return ctx.Err() }
			e := second(t, w, func(cfg *eraser.Config) {
				cfg.Patience = 50 * time.Millisecond
				if read == "here" {
					cfg.Seen = still
				} else {
					cfg.Elsewhere = still
				}
			})
			for i := range 3 {
				who := w.record(created(fmt.Sprint("e", i), fmt.Sprint("C-", i), "a@example.org"))[0].Subject
				op, err := e.Order(t.Context(), eraser.Request{Subject: who, Ground: "art17.1.b"})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				err = e.Wait(ctx, op)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || w.certified(op) {
					t.Fatalf("erasure %d: %v", i, err)
				}
				rows, err := w.vault.Keys(t.Context(), []part.Owner{part.SubjectOwner(who)})
				if err != nil || !rows[0].Destroyed {
					t.Fatalf("erasure %d: the keys are not destroyed, %v", i, err)
				}
			}
		})
	}
}
