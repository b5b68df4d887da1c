package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"greffe/eventstore"
)

func mutants() []planted {
	return slices.Concat(appendMutants(), headMutants(), byteMutants(), readMutants(), waitMutants(), closeMutants())
}

// refacts bends the facts on their way in.
func refacts(f func(facts [][]byte) [][]byte) func(*mutant) {
	return func(m *mutant) {
		m.append = func(ctx context.Context, base position, facts [][]byte) error {
			return m.Log.Append(ctx, base, f(slices.Clone(facts)))
		}
	}
}

// refact bends each fact on its way out.
func refact(f func(p position, b []byte) (position, []byte)) func(*mutant) {
	return func(m *mutant) {
		m.read = func(ctx context.Context, from, to position, fn visit) error {
			return m.Log.Read(ctx, from, to, func(p position, b []byte) error { return fn(f(p, b)) })
		}
	}
}

func appendMutants() []planted {
	const at = "append at the head"
	return []planted{
		{name: "head off by one", caught: "empty log", bend: func(m *mutant) {
			m.head = func(ctx context.Context) (position, error) {
				p, err := m.Log.Head(ctx)
				return p + 1, err
			}
		}},
		{name: "facts reversed", caught: at, bend: refacts(func(f [][]byte) [][]byte { slices.Reverse(f); return f })},
		{name: "last fact dropped", caught: at, bend: refacts(func(f [][]byte) [][]byte { return f[:max(len(f)-1, min(len(f), 1))] })},
		{name: "a fact twice", caught: at, bend: refacts(func(f [][]byte) [][]byte { return append(f, f[max(len(f)-1, 0):]...) })},
		{name: "positions off by one", caught: at, bend: refact(func(p position, b []byte) (position, []byte) { return p + 1, b })},
		{name: "positions from zero", caught: at, bend: func(m *mutant) {
			m.read = func(ctx context.Context, from, to position, fn visit) error {
				return m.Log.Read(ctx, from, to, func(p position, b []byte) error { return fn(p-from, b) })
			}
		}},
		{name: "torn in two", caught: "a batch is seen whole", bend: tear},
		{name: "more bytes taken", caught: "limits are exact", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				err := m.Log.Append(ctx, base, facts)
				if errors.Is(err, eventstore.ErrTooLarge) && len(facts) <= 2 {
					return m.Log.Append(ctx, base, facts[:1])
				}
				return err
			}
		}},
		{name: "more facts taken", caught: "limits are exact", bend: refacts(func(f [][]byte) [][]byte { return f[:min(len(f), eventstore.MaxAppendFacts)] })},
		{name: "exact limit refused", caught: "limits are exact", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				if len(facts) == eventstore.MaxAppendFacts {
					return eventstore.ErrTooLarge
				}
				return m.Log.Append(ctx, base, facts)
			}
		}},
		{name: "part of a refused append kept", caught: "limits are exact", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				err := m.Log.Append(ctx, base, facts)
				if errors.Is(err, eventstore.ErrTooLarge) && len(facts) > 2 {
					_ = m.Log.Append(ctx, base, facts[:1])
				}
				return err
			}
		}},
	}
}

// tear appends the first batch in two and lets a reader look in between.
func tear(m *mutant) {
	var torn atomic.Bool
	looked := make(chan struct{}, 1)
	m.head = func(ctx context.Context) (position, error) {
		p, err := m.Log.Head(ctx)
		select {
		case looked <- struct{}{}:
		default:
		}
		return p, err
	}
	m.append = func(ctx context.Context, base position, facts [][]byte) error {
		if torn.Swap(true) {
			return m.Log.Append(ctx, base, facts)
		}
		if err := m.Log.Append(ctx, base, facts[:1]); err != nil {
			return err
		}
		<-looked
		<-looked
		return m.Log.Append(ctx, base+1, facts[1:])
	}
}

// rehead bends the answer to an append whose expected head is wrong.
func rehead(f func(m *mutant, w *eventstore.WrongHeadError, facts [][]byte) error) func(*mutant) {
	return func(m *mutant) {
		m.append = func(ctx context.Context, base position, facts [][]byte) error {
			err := m.Log.Append(ctx, base, facts)
			var w *eventstore.WrongHeadError
			if errors.As(err, &w) {
				return f(m, w, facts)
			}
			return err
		}
	}
}

func headMutants() []planted {
	const wrong = "wrong head is typed and changes nothing"
	anyway := func(m *mutant, w *eventstore.WrongHeadError, facts [][]byte) error {
		return m.Log.Append(context.Background(), w.Actual, facts)
	}
	return []planted{
		{name: "expected head ignored", caught: wrong, bend: rehead(anyway)},
		{name: "older head accepted", caught: wrong, bend: rehead(func(m *mutant, w *eventstore.WrongHeadError, facts [][]byte) error {
			if w.Expected > w.Actual {
				return w
			}
			return anyway(m, w, facts)
		})},
		{name: "later head accepted", caught: wrong, bend: rehead(func(m *mutant, w *eventstore.WrongHeadError, facts [][]byte) error {
			if w.Expected < w.Actual {
				return w
			}
			return anyway(m, w, facts)
		})},
		{name: "error not typed", caught: wrong, bend: rehead(func(*mutant, *eventstore.WrongHeadError, [][]byte) error {
			return eventstore.ErrWrongHead
		})},
		{name: "actual head wrong", caught: wrong, bend: rehead(func(_ *mutant, w *eventstore.WrongHeadError, _ [][]byte) error {
			return &eventstore.WrongHeadError{Expected: w.Expected, Actual: w.Actual + 1}
		})},
		{name: "expected head wrong", caught: wrong, bend: rehead(func(_ *mutant, w *eventstore.WrongHeadError, _ [][]byte) error {
			return &eventstore.WrongHeadError{Expected: w.Actual, Actual: w.Actual}
		})},
		{name: "empty append at any head", caught: "no facts", bend: rehead(func(_ *mutant, w *eventstore.WrongHeadError, facts [][]byte) error {
			if len(facts) == 0 {
				return nil
			}
			return w
		})},
		{name: "loser of a race acked", caught: "one of 64 writers wins", bend: func(m *mutant) {
			var lost atomic.Int32
			rehead(func(_ *mutant, w *eventstore.WrongHeadError, _ [][]byte) error {
				if lost.Add(1) == 100 {
					return nil
				}
				return w
			})(m)
		}},
	}
}

func byteMutants() []planted {
	const verb = "bytes are verbatim"
	each := func(f func([]byte) []byte) func(*mutant) {
		return refacts(func(facts [][]byte) [][]byte {
			for i := range facts {
				facts[i] = f(facts[i])
			}
			return facts
		})
	}
	return []planted{
		{name: "zero tail trimmed", caught: verb, bend: each(func(b []byte) []byte { return bytes.TrimRight(b, "\x00") })},
		{name: "empty fact dropped", caught: verb, bend: refacts(func(f [][]byte) [][]byte {
			return slices.DeleteFunc(f, func(b []byte) bool { return len(b) == 0 })
		})},
		{name: "cut at NUL", caught: verb, bend: each(func(b []byte) []byte { f, _, _ := bytes.Cut(b, []byte{0}); return f })},
		{name: "invalid UTF-8 replaced", caught: verb, bend: each(func(b []byte) []byte { return bytes.ToValidUTF8(b, []byte("?")) })},
		{name: "caller's slices changed", caught: "caller's slices are the caller's", bend: func(m *mutant) {
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				defer func() { _ = append(facts[0], 7) }()
				return m.Log.Append(ctx, base, facts)
			}
		}},
		{name: "caller's slices kept", caught: "caller's slices are the caller's", bend: keepSlices(func(b []byte) []byte { return b })},
		{name: "stored bytes given away", caught: "reader's bytes are a loan", bend: keepSlices(bytes.Clone)},
		{name: "long log garbled", caught: "long log", bend: refact(func(p position, b []byte) (position, []byte) {
			if p == 3_333 {
				b[len(b)-1]++
			}
			return p, b
		})},
		{name: "equal neighbours merged", caught: modelName, bend: refacts(func(f [][]byte) [][]byte {
			return slices.CompactFunc(f, bytes.Equal)
		})},
	}
}

// keepSlices reads from what keep made of the appended slices, not from the log.
func keepSlices(keep func([]byte) []byte) func(*mutant) {
	return func(m *mutant) {
		var kept [][]byte
		m.append = func(ctx context.Context, base position, facts [][]byte) error {
			err := m.Log.Append(ctx, base, facts)
			if err == nil {
				for _, f := range facts {
					kept = append(kept, keep(f))
				}
			}
			return err
		}
		m.read = func(_ context.Context, from, to position, fn visit) error {
			for p := from; p < to; p++ {
				if err := fn(p, kept[p]); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

func readMutants() []planted {
	reread := func(f func(m *mutant, ctx context.Context, from, to position, fn visit) error) func(*mutant) {
		return func(m *mutant) {
			m.read = func(ctx context.Context, from, to position, fn visit) error { return f(m, ctx, from, to, fn) }
		}
	}
	return []planted{
		{name: "short without error", caught: "append at the head", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			return m.Log.Read(ctx, from, max(from, to-min(to, 1)), fn)
		})},
		{name: "beyond the head clamped", caught: "read ranges", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			head, _ := m.Log.Head(ctx)
			return m.Log.Read(ctx, min(from, head), min(to, head), fn)
		})},
		{name: "reversed range taken", caught: "read ranges", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			return m.Log.Read(ctx, min(from, to), to, fn)
		})},
		{name: "fn's error swallowed", caught: "fn's error", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			stop := false
			err := m.Log.Read(ctx, from, to, func(p position, b []byte) error { err := fn(p, b); stop = err != nil; return err })
			if stop {
				return nil
			}
			return err
		})},
		{name: "fn's error wrapped", caught: "fn's error", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			if err := m.Log.Read(ctx, from, to, fn); err != nil {
				return fmt.Errorf("read: %w", err)
			}
			return nil
		})},
		{name: "fn's error not the end", caught: "fn's error", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			var first error
			err := m.Log.Read(ctx, from, to, func(p position, b []byte) error {
				if err := fn(p, b); first == nil {
					first = err
				}
				return nil
			})
			if first != nil {
				return first
			}
			return err
		})},
		{name: "ended ctx read as the end", caught: "read and ctx", bend: reread(func(m *mutant, ctx context.Context, from, to position, fn visit) error {
			if err := m.Log.Read(ctx, from, to, fn); !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})},
		{name: "a lock that stops appends", caught: "append from within a read", bend: func(m *mutant) {
			var mu sync.Mutex
			m.append = func(ctx context.Context, base position, facts [][]byte) error {
				mu.Lock()
				defer mu.Unlock()
				return m.Log.Append(ctx, base, facts)
			}
			m.read = func(ctx context.Context, from, to position, fn visit) error {
				mu.Lock()
				defer mu.Unlock()
				return m.Log.Read(ctx, from, to, fn)
			}
		}},
	}
}
