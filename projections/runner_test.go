package projections_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"greffe/domain"
	"greffe/eventstore/memory"
	"greffe/projections"
	"greffe/projections/audit/sqlite"
	"greffe/projections/crm"
	"greffe/projections/index"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// list is a projection in memory that notes what it was given.
type list struct {
	name string
	fail func(projections.Fact) error

	mu      sync.Mutex
	got     []domain.Position
	batches []int
}

func (l *list) Name() string { return l.name }

func (l *list) Checkpoint(context.Context) (domain.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return domain.Position(len(l.got)), nil
}

func (l *list) Apply(_ context.Context, facts []projections.Fact) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, err := projections.Fresh(domain.Position(len(l.got)), facts)
	if err != nil {
		return err
	}
	for _, f := range fresh {
		if l.fail != nil {
			if err := l.fail(f); err != nil {
				return err
			}
		}
	}
	for _, f := range fresh {
		l.got = append(l.got, f.Position)
	}
	l.batches = append(l.batches, len(fresh))
	return nil
}

func (l *list) Reset(context.Context) error               { return nil }
func (l *list) Dump(_ context.Context, w io.Writer) error { return nil }

func (l *list) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

func filled(t testing.TB, n int) (*memory.Log, *projtest.World) {
	t.Helper()
	w, log := projtest.NewWorld(9, 50), memory.New()
	for at := 0; at < n; at += 1000 {
		if err := log.Append(t.Context(), domain.Position(at), w.Bytes(min(1000, n-at))); err != nil {
			t.Fatal(err)
		}
	}
	return log, w
}

// start runs r until the test ends or stop is called, which gives Run's error.
func start(t *testing.T, r *projections.Runner) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestFollow(t *testing.T) {
	t.Parallel()
	log, w := filled(t, 250)
	a, b := &list{name: "a"}, &list{name: "b"}
	r := projections.NewRunner(log, 100, a, b)
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), 249); err != nil {
		t.Fatal(err)
	}
	for at := 250; at < 260; at++ {
		if err := log.Append(t.Context(), domain.Position(at), w.Bytes(1)); err != nil {
			t.Fatal(err)
		}
		if err := r.WaitFor(t.Context(), domain.Position(at), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.WaitFor(t.Context(), 259, "b"); err != nil {
		t.Fatal(err)
	}
	states, err := r.States(t.Context())
	if err != nil || len(states) != 2 || states[0].Checkpoint != 260 || states[1].Name != "b" || states[1].Lag != 0 {
		t.Fatalf("states %+v, %v", states, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*list{a, b} {
		if !slices.IsSorted(l.got) || len(l.got) != 260 || slices.Max(l.batches) > 100 {
			t.Fatalf("%s got %d facts in batches of %v", l.name, len(l.got), l.batches)
		}
	}
	if err := r.WaitFor(t.Context(), 260); !errors.Is(err, projections.ErrStopped) {
		t.Errorf("wait after the end: %v", err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, projections.ErrRunning) {
		t.Errorf("second run: %v", err)
	}
}

// TestHalt checks that one projection's failure names its position, leaves the
// facts before it applied, and does not stop the other.
func TestHalt(t *testing.T) {
	t.Parallel()
	broken := errors.New("injected")
	for name, c := range map[string]struct {
		fail func()
		want error
	}{
		"error": {func() {}, broken},
		"panic": {func() { panic("not to be quoted") }, projections.ErrPanic},
		"fault": {func() { var x any = 1; _ = x.(error) }, projections.ErrPanic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, _ := filled(t, 300)
			bad := &list{name: "bad", fail: func(f projections.Fact) error {
				if f.Position < 137 {
					return nil
				}
				c.fail()
				return broken
			}}
			good := &list{name: "good"}
			r := projections.NewRunner(log, 100, bad, good)
			stop := start(t, r)
			var halt *projections.HaltError
			if err := r.WaitFor(t.Context(), 299, "bad"); !errors.As(err, &halt) || halt.Position != 137 || !errors.Is(err, c.want) {
				t.Fatalf("halt: %v", err)
			}
			if got := halt.Error(); got == "" || errors.Is(halt, broken) && name != "error" || len(got) > 200 {
				t.Errorf("message %q", got)
			}
			if err := r.WaitFor(t.Context(), 136, "bad"); err != nil {
				t.Errorf("wait for a fact before the halt: %v", err)
			}
			if err := r.WaitFor(t.Context(), 299, "good"); err != nil {
				t.Fatal(err)
			}
			states, err := r.States(t.Context())
			if err != nil || states[0].Halted == nil || states[0].Lag != 163 || states[1].Halted != nil {
				t.Fatalf("states %+v, %v", states, err)
			}
			if err := stop(); !errors.As(err, &halt) || bad.seen() != 137 {
				t.Fatalf("run: %v after %d facts", err, bad.seen())
			}
		})
	}
}

// TestStall makes the log unreadable for a while.
func TestStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := filled(t, 50)
		away := errors.New("away")
		log.Inject(memory.Faults{Head: func() error { return away }})
		l := &list{name: "l"}
		r := projections.NewRunner(log, 0, l)
		stop := start(t, r)
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		log.Inject(memory.Faults{})
		if states, err := r.States(t.Context()); err != nil || !errors.Is(states[0].Stalled, away) || l.seen() != 0 {
			t.Fatalf("states %+v, %v", states, err)
		}
		if err := r.WaitFor(t.Context(), 49); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if states, err := r.States(t.Context()); err != nil || states[0].Stalled != nil {
			t.Fatalf("states %+v, %v", states, err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStallAtTheEnd: who could not read on where the log ends is not stalled any more once
// it reads again, though nothing comes.
func TestStallAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := filled(t, 50)
		l := &list{name: "l"}
		r := projections.NewRunner(log, 0, l)
		away := errors.New("away")
		tries := 0
		log.Inject(memory.Faults{Head: func() error {
			if tries++; l.seen() == 50 && tries < 6 {
				return away
			}
			return nil
		}})
		stop := start(t, r)
		synctest.Wait()
		log.Inject(memory.Faults{})
		if states, err := r.States(t.Context()); err != nil || !errors.Is(states[0].Stalled, away) || l.seen() != 50 {
			t.Fatalf("it did not stall at the end: %+v, %v", states, err)
		}
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if states, err := r.States(t.Context()); err != nil || states[0].Stalled != nil {
			t.Errorf("states %+v, %v", states, err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitIsBounded(t *testing.T) {
	t.Parallel()
	log, _ := filled(t, 10)
	r := projections.NewRunner(log, 0, &list{name: "l"})
	stop := start(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- r.WaitFor(ctx, 10) }()
	if err := r.WaitFor(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
	if err := r.WaitFor(t.Context(), 0, "x"); !errors.Is(err, projections.ErrUnknownName) {
		t.Errorf("unknown name: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("run over a closed log: %v", err)
	}
}

// TestLaggard starts two projections far apart: each gets every fact once.
func TestLaggard(t *testing.T) {
	t.Parallel()
	log, _ := filled(t, 5000)
	ahead, behind := &list{name: "ahead"}, &list{name: "behind"}
	if err := projections.CatchUp(t.Context(), log, ahead, 4321, 10); err != nil || ahead.seen() != 4321 {
		t.Fatalf("catch up: %v after %d facts", err, ahead.seen())
	}
	r := projections.NewRunner(log, 10, ahead, behind)
	start(t, r)
	if err := r.WaitFor(t.Context(), 4999); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*list{ahead, behind} {
		for i, p := range l.got {
			if int(p) != i {
				t.Fatalf("%s got %d at %d", l.name, p, i)
			}
		}
	}
	if err := projections.CatchUp(t.Context(), log, behind, 5001, 0); err == nil {
		t.Error("caught up beyond the log's end")
	}
	bad := &list{name: "bad", fail: func(f projections.Fact) error {
		if f.Position == 77 {
			return errors.New("injected")
		}
		return nil
	}}
	var halt *projections.HaltError
	if err := projections.CatchUp(t.Context(), log, bad, 5000, 0); !errors.As(err, &halt) || halt.Position != 77 {
		t.Errorf("catch up over a bad fact: %v", err)
	}
}

func openers() []projtest.Open {
	type hook = func(sqlfile.Step) error
	return []projtest.Open{
		func(dir string, _ *projtest.World, h hook) (projtest.Closer, error) {
			return index.Open(filepath.Join(dir, "index.db"), sqlfile.Options{Hook: h})
		},
		func(dir string, w *projtest.World, h hook) (projtest.Closer, error) {
			return crm.Open(filepath.Join(dir, "crm.db"), w, nil, sqlfile.Options{Hook: h})
		},
		func(dir string, w *projtest.World, h hook) (projtest.Closer, error) {
			return sqlite.Open(filepath.Join(dir, "audit.db"), w, sqlfile.Options{Hook: h})
		},
	}
}

// BenchmarkAll follows the log for all projections together.
func BenchmarkAll(b *testing.B) { projtest.Bench(b, 100_000, 20_000, openers()...) }
