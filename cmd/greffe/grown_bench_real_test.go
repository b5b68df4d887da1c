//go:build real

package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/cmd/greffe/internal/app"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/vault/postgres/pgtest"
	"greffe/projections/audit/clickhouse/chtest"
)

// The benchmarks of these files (make bench-real) measure ledgers on a PostgreSQL,
// the ClickHouse engine, an Apache Kafka and our EventStoreDB protocol server,
// which syncs each append to its file as the real one does. Each measures bare
// clients of the same servers with the same bytes in the same run: on a machine
// that others use too, the ratios are what counts. All say how busy the machine
// was and where the processors' time went.

var (
	grownEvents  = flag.Int("grown.events", 50_000, "events that the benchmarks of grown-up stores take from Kafka")
	grownPeople  = flag.Int("grown.people", 2_000, "people in the ledger before erasures are measured")
	grownOnly    = flag.Bool("grown.only", false, "leave out the embedded stores, for profiles")
	grownProfile = flag.String("grown.profile", "", "file for a processor profile of this process while it records")
)

// benchServers are new servers behind the ledger of a data directory.
func benchServers(b *testing.B, data string) *servers {
	b.Helper()
	s := &servers{ch: chtest.Start(b, chtest.Options{}), log: esdbtest.StartProcess(b, esdbtest.Options{}),
		pg: pgtest.Start(b, pgtest.WithLogFiles(16), pgtest.With("shared_buffers", "'256MB'"))}
	s.env = []string{"GREFFE_LOG_STORE=" + s.log.URL(), "GREFFE_VAULT_STORE=" + s.pg.URL(b),
		"GREFFE_AUDIT_STORE=clickhouse://default@" + s.ch.Addr + "/greffe"}
	makeKey(b, data)
	grown.mu.Lock()
	defer grown.mu.Unlock()
	grown.of[data] = s
	return s
}

// at is where a store is, by its variable.
func (s *servers) at(name string) string {
	for _, e := range s.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// benchNode is a ledger that is served in this process, without a listener.
type benchNode struct {
	*app.App
	b    *testing.B
	stop func()
}

// openNode opens the ledger of a data directory, on its servers if there are any,
// and does what serve does, with the topics of a file if one is given.
func openNode(b *testing.B, s *servers, data, topics string) *benchNode {
	b.Helper()
	tuneCollector()
	cfg := app.Config{Data: data, KEK: data + ".kek", Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if s != nil {
		cfg.Stores = app.Stores{LogStore: s.at("GREFFE_LOG_STORE"), VaultStore: s.at("GREFFE_VAULT_STORE"), AuditStore: s.at("GREFFE_AUDIT_STORE"), Node: "bench"}
	}
	a, err := app.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	n := &benchNode{App: a, b: b}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var work sync.WaitGroup
	n.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(n.stop)
	if _, err := a.Bootstrap(ctx, benchToken); err != nil {
		b.Fatal(err)
	}
	k, err := a.OpenKafka(topics)
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Join(ctx); err != nil {
		b.Fatal(err)
	}
	work.Go(func() { a.Keep(ctx, app.Keeping{Kafka: k}) })
	if topics != "" {
		work.Go(func() { _ = k.TakeIn(ctx) })
	}
	n.audited()
	return n
}

func (n *benchNode) head() int {
	n.b.Helper()
	h, err := n.Ledger.Head(n.b.Context())
	if err != nil {
		n.b.Fatal(err)
	}
	return int(h)
}

// viewed waits for this node's own read models, audited for the audit dataset.
func (n *benchNode) viewed() {
	n.b.Helper()
	if err := n.CaughtUp(n.b.Context()); err != nil {
		n.b.Fatal(err)
	}
}

func (n *benchNode) audited() {
	n.b.Helper()
	for head := n.head(); ; time.Sleep(20 * time.Millisecond) {
		at, err := n.Audit.Checkpoint(n.b.Context())
		if err != nil {
			n.b.Fatal(err)
		}
		if int(at) >= head {
			return
		}
	}
}

// benchReport prints figures as a table.
type benchReport struct {
	b   *testing.B
	out strings.Builder
}

func newReport(b *testing.B) *benchReport { return &benchReport{b: b} }

func (r *benchReport) add(f figure) {
	fmt.Fprintf(&r.out, "\n%-46s %9.0f /s  p50 %-9s p99 %-9s %s", f.Case, f.PerSecond, f.P50, f.P99, f.Note)
}

func (r *benchReport) rate(name string, n int, took time.Duration, note string) float64 {
	rate := float64(n) / took.Seconds()
	r.add(figure{Case: name, PerSecond: rate, Note: note})
	return rate
}

func (r *benchReport) line(format string, args ...any) { fmt.Fprintf(&r.out, "\n"+format, args...) }

// end prints: a benchmark's log is cut.
func (r *benchReport) end() { fmt.Printf("\n%s:%s\n", r.b.Name(), r.out.String()) }

// BenchmarkGrownKafka takes events of a topic of four partitions into a ledger on
// grown-up stores: until all are recorded, in all read models, in the audit dataset.
func BenchmarkGrownKafka(b *testing.B) {
	for b.Loop() {
		data := filepath.Join(b.TempDir(), "data")
		topic := preload(b, *grownEvents)
		s := benchServers(b, data)
		r := newReport(b)
		consumed := bareConsume(b, topic)
		n := openNode(b, s, data, "")
		n.stop()
		n = openNode(b, s, data, topic.config(b, filepath.Join(filepath.Dir(data), "kafka.yaml")))
		began := watching(b, "postgres.(*Store)", "esdb.(*Log)", ").Apply", "ledger.(*committer).attempt", "ledger.(*Ledger).land", "opposition.(*batch)")
		recorded, first := topic.recorded(n)
		used := began.end()
		n.viewed()
		viewed := time.Since(first)
		n.audited()
		audited := time.Since(first)
		rate := r.rate("Kafka to the log, first to last", topic.events, recorded, fmt.Sprintf("%d facts", n.head()))
		r.rate("Kafka to all read models of the node", topic.events, viewed, "")
		r.rate("Kafka to ClickHouse", topic.events, audited, "")
		n.stop()
		kept := readBack(b, s)
		kept.verify(topic)
		bares(b, r, s, kept, rate, consumed)
		used.print(r, topic.events)
		r.end()
		b.ReportMetric(rate, "events/s")
		b.ReportMetric(float64(topic.events)/audited.Seconds(), "audited/s")
	}
}

// bares measures the servers by bare clients, with what the ledger has stored.
func bares(b *testing.B, r *benchReport, s *servers, kept *kept, rate, consumed float64) {
	b.Helper()
	busy := watching(b)
	for _, x := range []struct {
		name string
		rate float64
	}{
		{"bare: kafka-go, group of one", consumed},
		{"bare: pgx, the same rows in plain tables", barePostgres(b, s, kept)},
		{"bare: the log's client, the same facts", bareLog(b, s, kept)},
		{"bare: clickhouse-go, the same rows", bareClickHouse(b, s)},
	} {
		r.add(figure{Case: x.name, PerSecond: x.rate, Note: fmt.Sprintf("the whole path is %.1f %% of it", 100*rate/x.rate)})
	}
	r.line("%s (bare)", busy.end().load())
}
