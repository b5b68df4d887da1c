//go:build real

package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/memory"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/audit/sqlite"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// filled is a log of n facts, and what SQLite answers of them.
func filled(t testing.TB, seed uint64, n int) (eventstore.Log, *projtest.World, []byte) {
	t.Helper()
	w := projtest.NewWorld(seed, 200)
	log := memory.New()
	raw := w.Bytes(n)
	for at := 0; at < n; at += 1000 {
		if err := log.Append(t.Context(), domain.Position(at), raw[at:min(at+1000, n)]); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := projections.CatchUp(t.Context(), log, s, domain.Position(n), 0); err != nil {
		t.Fatal(err)
	}
	return log, w, content(t, s)
}

func content(t testing.TB, d audit.Dataset) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := audit.Content(t.Context(), &b, d, 0); err != nil {
		t.Fatalf("content: %v", err)
	}
	return b.Bytes()
}

// follow runs a runner over d, which stops with the test, or by the function.
func follow(t testing.TB, log eventstore.Log, batch int, d projections.Projection) (r *projections.Runner, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r = projections.NewRunner(log, batch, d)
	r.OnHalt = func(h *projections.HaltError) { t.Errorf("halted: %v", h) }
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = func() {
		cancel()
		<-done
	}
	return r, stop
}

// whole fails unless every derived table holds what its view says.
func whole(t testing.TB, d *Dataset) {
	t.Helper()
	queries, err := views()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range derived {
		same, err := d.derivedWhole(t.Context(), v.name, v.sums, final(queries[v.name], v.from, ""))
		if err != nil || !same {
			t.Errorf("%s does not hold what its view says, or %v", v.name, err)
		}
	}
}

// TestKill kills the engine with SIGKILL 20 times while facts are inserted. The
// runner goes on by itself, and in the end the answers are those of SQLite.
func TestKill(t *testing.T) {
	t.Parallel()
	const facts, kills = 60_000, 20
	log, w, want := filled(t, 21, facts)
	s := chtest.Start(t, chtest.Options{})
	cfg := config("clickhouse://default@"+s.Addr+"/greffe", w)
	cfg.Log, cfg.Timeout = log, 20*time.Second
	cfg.OnLost = func(from, to domain.Position) { t.Errorf("[%d, %d) were acknowledged and lost", from, to) }
	var inserts atomic.Int64
	steps := make(chan struct{})
	cfg.hook = func(step string) error {
		if inserts.Add(1)%4 == 0 {
			select {
			case steps <- struct{}{}:
			default:
			}
		}
		return nil
	}
	d := mustOpen(t, cfg)
	r, stop := follow(t, log, 500, d)
	defer stop()
	rng := rand.New(rand.NewPCG(1, 2))
	within := 0
	for range kills {
		for range 1 + rng.IntN(3) {
			<-steps
		}
		pause(t, time.Duration(rng.IntN(40))*time.Millisecond) // anywhere in the next insert
		s.Kill(t)
		s.Start(t)
		if r.Applied("audit") < facts {
			within++
		}
	}
	if within < kills*3/4 {
		t.Fatalf("only %d of %d kills fell into the projection", within, kills)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := r.WaitFor(ctx, facts-1); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d); !bytes.Equal(got, want) {
		t.Error("the answers differ from those of SQLite: ", firstDifference(got, want))
	}
	whole(t, d)
}

// pause lets time pass for another process.
func pause(t testing.TB, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return "got " + string(g[i]) + "\nwant " + string(w[i])
		}
	}
	return "one is longer"
}

// TestLost plays a power cut after acknowledged inserts: the engine is killed, some
// of the parts that it had acknowledged are taken away, and it starts again, once
// with the dataset that wrote them, which has the log, and once with a new one.
func TestLost(t *testing.T) {
	t.Parallel()
	const facts = 4000
	log, w, want := filled(t, 22, facts)
	for _, lost := range []struct{ name, table string }{{"events", "events"}, {"accesses", "accesses"}, {"counts", "cells"}, {"reads", "reads"}, {"seen", "seen"},
		{"consents", "consents"}, {"contacts", "contacts"}, {"checkpoints", "checkpoint"}} {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			s := chtest.Start(t, chtest.Options{})
			cfg := config("clickhouse://default@"+s.Addr+"/greffe", w)
			cfg.Log = log
			var told atomic.Int64
			cfg.OnLost = func(from, to domain.Position) { told.Store(int64(to - from)) }
			d := mustOpen(t, cfg)
			if err := projections.CatchUp(t.Context(), log, d, 3000, 250); err != nil {
				t.Fatal(err)
			}
			if err := d.pool.exec(t.Context(), "stop merges", "SYSTEM STOP MERGES"); err != nil {
				t.Fatal(err)
			}
			if err := projections.CatchUp(t.Context(), log, d, 3500, 250); err != nil {
				t.Fatal(err)
			}
			var paths []string
			err := d.pool.row(t.Context(), "parts", "SELECT groupArray(path) FROM (SELECT path FROM system.parts WHERE active "+
				"AND database = 'greffe' AND table = {table:String} AND min_block_number = max_block_number ORDER BY min_block_number DESC LIMIT 2)",
				[]any{named("table", lost.table)}, &paths)
			if err != nil || len(paths) == 0 {
				t.Fatal(paths, err)
			}
			s.Kill(t)
			if err := os.RemoveAll(paths[len(paths)-1]); err != nil {
				t.Fatal(err)
			}
			s.Start(t)
			for name, again := range map[string]*Dataset{"same": d, "new": mustOpen(t, cfg)} {
				if err := catchUp(t, log, again, facts); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := content(t, again); !bytes.Equal(got, want) {
					t.Errorf("%s: the answers differ from those of SQLite: %s", name, firstDifference(got, want))
				}
				whole(t, again)
			}
			root := lost.table == "events" || lost.table == "accesses"
			if root != (told.Load() > 0) {
				t.Errorf("%d facts were told to be lost", told.Load())
			}
		})
	}
}

// catchUp tries again while the server is not there, as a runner does.
func catchUp(t testing.TB, log eventstore.Log, d *Dataset, to domain.Position) error {
	t.Helper()
	for range 20 {
		err := projections.CatchUp(t.Context(), log, d, to, 250)
		if !errors.Is(err, projections.ErrUnavailable) {
			return err
		}
	}
	return errors.New("the server does not come back")
}

// TestLostWithoutLog: a dataset that cannot read the log again says that it went
// back, and a new one tells the runner where to go on.
func TestLostWithoutLog(t *testing.T) {
	t.Parallel()
	log, w, want := filled(t, 23, 2000)
	s := chtest.Start(t, chtest.Options{})
	cfg := config("clickhouse://default@"+s.Addr+"/greffe", w)
	d := mustOpen(t, cfg)
	if err := projections.CatchUp(t.Context(), log, d, 1500, 500); err != nil {
		t.Fatal(err)
	}
	if err := d.pool.exec(t.Context(), "lose", "DELETE FROM ~.events WHERE position >= 700 AND position < 800 SETTINGS lightweight_deletes_sync = 2"); err != nil {
		t.Fatal(err)
	}
	s.Kill(t)
	s.Start(t)
	if err := catchUp(t, log, d, 2000); !errors.Is(err, ErrRewound) {
		t.Fatalf("%v, want ErrRewound", err)
	}
	again := mustOpen(t, cfg)
	if at, err := again.Checkpoint(t.Context()); err != nil || at != 700 {
		t.Fatalf("checkpoint %d, %v; want 700", at, err)
	}
	if err := catchUp(t, log, again, 2000); err != nil {
		t.Fatal(err)
	}
	if got := content(t, again); !bytes.Equal(got, want) {
		t.Error("the answers differ from those of SQLite: ", firstDifference(got, want))
	}
}
