package memory_test

import (
	"context"
	"errors"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/memory"
	"greffe/eventstore/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) storetest.Store {
		log := memory.New()
		return storetest.Store{Open: func() (eventstore.Log, error) {
			log = log.Reopen()
			return log, nil
		}}
	})
}

var errInjected = errors.New("injected")

func fault(domain.Position, [][]byte) error { return errInjected }

func head(t *testing.T, l eventstore.Log) domain.Position {
	t.Helper()
	p, err := l.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAppendFaults: the two outcomes behind one error, on a store that goes on
// and on one that stops.
func TestAppendFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		faults        memory.Faults
		now, reopened domain.Position
	}{
		{"lost", memory.Faults{Lost: fault}, 1, 1},
		{"kept", memory.Faults{Kept: fault}, 3, 3},
		{"lost and stopped", memory.Faults{Lost: fault, Stop: true}, 1, 1},
		{"kept and stopped", memory.Faults{Kept: fault, Stop: true}, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			log := memory.New()
			if err := log.Append(ctx, 0, [][]byte{{0}}); err != nil {
				t.Fatal(err)
			}
			log.Inject(c.faults)
			if err := log.Append(ctx, 7, [][]byte{{1}}); !errors.Is(err, eventstore.ErrWrongHead) {
				t.Errorf("a refused append met the fault: %v", err)
			}
			err := log.Append(ctx, 1, [][]byte{{1}, {2}})
			if !errors.Is(err, errInjected) || errors.Is(err, eventstore.ErrFailed) != c.faults.Stop {
				t.Errorf("append: %v", err)
			}
			if got := head(t, log); got != c.now {
				t.Errorf("head %d, want %d", got, c.now)
			}
			log.Inject(memory.Faults{})
			err = log.Append(ctx, c.now, [][]byte{{3}})
			if errors.Is(err, eventstore.ErrFailed) != c.faults.Stop {
				t.Errorf("append after healing: %v", err)
			}
			want := c.reopened
			if !c.faults.Stop {
				want++
			}
			again := log.Reopen()
			if got := head(t, again); got != want {
				t.Errorf("reopened: head %d, want %d", got, want)
			}
			if _, err := log.Head(ctx); !errors.Is(err, eventstore.ErrClosed) {
				t.Errorf("the old log after Reopen: %v", err)
			}
		})
	}
}

func TestReadFaults(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	log := memory.New()
	if err := log.Append(ctx, 0, [][]byte{{0}, {1}, {2}}); err != nil {
		t.Fatal(err)
	}
	log.Inject(memory.Faults{
		Read: func(p domain.Position) error {
			if p == 1 {
				return errInjected
			}
			return nil
		},
		Head: func() error { return errInjected },
	})
	calls := 0
	err := log.Read(ctx, 0, 3, func(domain.Position, []byte) error { calls++; return nil })
	if !errors.Is(err, errInjected) || calls != 1 {
		t.Errorf("read: %d calls, %v", calls, err)
	}
	if _, err := log.Head(ctx); !errors.Is(err, errInjected) {
		t.Errorf("head: %v", err)
	}
	if _, err := log.Wait(ctx, 0); !errors.Is(err, errInjected) {
		t.Errorf("wait: %v", err)
	}
}

// TestKeptBytesAreSeen: who keeps the bytes of a Read finds them overwritten.
func TestKeptBytesAreSeen(t *testing.T) {
	t.Parallel()
	log := memory.New()
	if err := log.Append(context.Background(), 0, [][]byte{[]byte("abc")}); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	err := log.Read(context.Background(), 0, 1, func(_ domain.Position, b []byte) error { kept = b; return nil })
	if err != nil || string(kept) == "abc" {
		t.Errorf("kept bytes read %q, %v", kept, err)
	}
}
