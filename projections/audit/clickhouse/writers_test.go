//go:build real

package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/projtest"
)

// TestTwoWriters: two nodes follow one log into one database, each as if it were
// alone and with batches of its own size. No fact is doubled or missing.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	const facts = 6000
	log, w, want := filled(t, 31, facts)
	s := chtest.Shared(t)
	cfg := config("clickhouse://default@"+s.Addr+"/"+newDatabase(), w)
	cfg.Log, cfg.Timeout = log, time.Minute
	a, b := mustOpen(t, cfg), mustOpen(t, cfg)
	if _, err := a.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for size, d := range map[int]*Dataset{300: a, 470: b} {
		wg.Go(func() {
			r, stop := follow(t, log, size, d)
			defer stop()
			if err := r.WaitFor(ctx, facts-1); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var doubled uint64
	if err := a.pool.row(t.Context(), "count", "SELECT toUInt64(count() - uniqExact(position)) FROM ~.events", nil, &doubled); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows were written twice", doubled)
	for _, d := range []*Dataset{a, b} {
		if got := content(t, d); !bytes.Equal(got, want) {
			t.Error("the answers differ from those of SQLite: ", firstDifference(got, want))
		}
	}
	whole(t, a)
}

// TestStaleWriter: a writer that was paused between its rows and its checkpoint
// while another took over does no harm when it goes on: its rows are the same, its
// checkpoint is older, and it proves the tables again before it writes more.
func TestStaleWriter(t *testing.T) {
	t.Parallel()
	log, w, want := filled(t, 32, 3000)
	s := chtest.Shared(t)
	cfg := config("clickhouse://default@"+s.Addr+"/"+newDatabase(), w)
	cfg.Log = log
	for _, at := range []string{"begun", "rows written", "checkpointed"} {
		reset := mustOpen(t, cfg)
		if err := reset.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh := mustOpen(t, cfg)
		stale := cfg
		taken := false
		stale.hook = func(step string) error {
			if step != at || taken {
				return nil
			}
			taken = true
			return catchUp(t, log, fresh, 2000)
		}
		paused := mustOpen(t, stale)
		if err := catchUp(t, log, paused, 1000); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if next, err := fresh.Checkpoint(t.Context()); err != nil || next < 2000 {
			t.Fatalf("%s: checkpoint %d, %v after the stale writer went on", at, next, err)
		}
		if err := catchUp(t, log, paused, 3000); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if got := content(t, fresh); !bytes.Equal(got, want) {
			t.Errorf("%s: the answers differ from those of SQLite: %s", at, firstDifference(got, want))
		}
		whole(t, fresh)
	}
}

// closing is an opener whose parts are destroyed from a moment on.
type closing struct {
	*projtest.World
	closed bool
}

func (c *closing) Subjects(ctx context.Context, f *event.Fact) (domain.ID, []domain.ID, error) {
	if c.closed {
		return domain.ID{}, nil, audit.ErrExpired
	}
	return c.World.Subjects(ctx, f)
}

// TestReplaced: facts that are applied again after their accesses' parts were
// destroyed leave none of the rows that stood there, nor their counts.
func TestReplaced(t *testing.T) {
	t.Parallel()
	log, w, _ := filled(t, 33, 2000)
	s := chtest.Shared(t)
	o := &closing{World: w}
	cfg := config("clickhouse://default@"+s.Addr+"/"+newDatabase(), o)
	cfg.Log = log
	broken := errors.New("injected")
	fail := false
	cfg.hook = func(step string) error {
		if fail && step == "rows written" {
			return broken
		}
		return nil
	}
	d := mustOpen(t, cfg)
	if err := catchUp(t, log, d, 1000); err != nil {
		t.Fatal(err)
	}
	had := len(gather(t, d, audit.AccessFilter{}))
	fail = true
	if err := projections.CatchUp(t.Context(), log, d, 2000, 1000); !errors.Is(err, broken) {
		t.Fatalf("%v, want the injected error", err)
	}
	fail, o.closed = false, true
	if err := catchUp(t, log, d, 2000); err != nil {
		t.Fatal(err)
	}
	if n := len(gather(t, d, audit.AccessFilter{})); n != had || had == 0 {
		t.Errorf("%d accesses, want the %d of before", n, had)
	}
	sum, err := d.Summary(t.Context(), audit.Span{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range sum.AccessesByReason {
		n += int(c)
	}
	if n != had {
		t.Errorf("%d accesses are counted, want %d", n, had)
	}
	whole(t, d)
}

func gather(t testing.TB, d audit.Dataset, f audit.AccessFilter) (out []audit.Access) {
	t.Helper()
	for a, err := range d.Accesses(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}
