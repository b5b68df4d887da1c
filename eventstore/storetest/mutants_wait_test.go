package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"greffe/eventstore"
	"greffe/eventstore/memory"
)

func waitMutants() []planted {
	rewait := func(f func(m *mutant, ctx context.Context, after position) (position, error)) func(*mutant) {
		return func(m *mutant) {
			m.wait = func(ctx context.Context, after position) (position, error) { return f(m, ctx, after) }
		}
	}
	return []planted{
		{name: "never wakes", caught: "wait wakes", bend: rewait(func(m *mutant, ctx context.Context, _ position) (position, error) {
			return m.Log.Wait(ctx, 1<<60)
		})},
		{name: "wakes one only", caught: "wait wakes", bend: func(m *mutant) {
			var one sync.Mutex
			rewait(func(m *mutant, ctx context.Context, after position) (position, error) {
				if !one.TryLock() {
					after = 1 << 60
				}
				return m.Log.Wait(ctx, after)
			})(m)
		}},
		{name: "stale head", caught: "wait wakes", bend: rewait(func(m *mutant, ctx context.Context, after position) (position, error) {
			_, err := m.Log.Wait(ctx, after)
			return after, err
		})},
		{name: "head not yet readable", caught: "followers beside a writer", bend: rewait(func(m *mutant, ctx context.Context, after position) (position, error) {
			p, err := m.Log.Wait(ctx, after)
			return p + 1, err
		})},
		{name: "ctx ignored", caught: "wait ends with ctx", bend: rewait(func(m *mutant, _ context.Context, after position) (position, error) {
			return m.Log.Wait(context.Background(), after)
		})},
		{name: "not woken by Close", caught: "wait ends with close", bend: func(m *mutant) {
			never := memory.New()
			rewait(func(m *mutant, ctx context.Context, after position) (position, error) {
				p, err := m.Log.Wait(ctx, after)
				if errors.Is(err, eventstore.ErrClosed) {
					return never.Wait(ctx, after)
				}
				return p, err
			})(m)
		}},
	}
}

func closeMutants() []planted {
	return []planted{
		{name: "append after close", caught: "closed", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				if err := m.Log.Append(ctx, base, facts); !errors.Is(err, eventstore.ErrClosed) {
					return err
				}
				return nil
			}
		}},
		{name: "read after close", caught: "closed", bend: func(m *mutant) {
			m.read = func(ctx context.Context, from, to position, fn visit) error {
				if err := m.Log.Read(ctx, from, to, fn); !errors.Is(err, eventstore.ErrClosed) {
					return err
				}
				return nil
			}
		}},
		{name: "head after close", caught: "closed", bend: func(m *mutant) {
			m.head = func(ctx context.Context) (position, error) {
				p, err := m.Log.Head(ctx)
				if errors.Is(err, eventstore.ErrClosed) {
					return 0, nil
				}
				return p, err
			}
		}},
		{name: "second close an error", caught: "closed", bend: func(m *mutant) {
			var once atomic.Bool
			m.close = func() error {
				if once.Swap(true) {
					return eventstore.ErrClosed
				}
				return m.Log.Close()
			}
		}},
		{name: "close beside a writer is another error", caught: "close while busy", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				if err := m.Log.Append(ctx, base, facts); errors.Is(err, eventstore.ErrClosed) {
					return errors.New("file already closed")
				} else {
					return err
				}
			}
		}},
		{name: "acked before durable", caught: "reopened", restart: func(old *memory.Log) *memory.Log {
			return copyOf(old, 1)
		}},
		{name: "everything lost", caught: "reopened", restart: func(*memory.Log) *memory.Log { return memory.New() }},
	}
}

// copyOf is a log of old's facts but the last less.
func copyOf(old *memory.Log, less position) *memory.Log {
	ctx, log := context.Background(), memory.New()
	old = old.Reopen()
	head, _ := old.Head(ctx)
	var facts [][]byte
	_ = old.Read(ctx, 0, head-min(head, less), func(_ position, b []byte) error {
		facts = append(facts, bytes.Clone(b))
		return nil
	})
	_ = log.Append(ctx, 0, facts)
	return log
}
