package intake_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
	"greffe/api/kafka/intake"
)

// BenchmarkIntake records from Kafka into a ledger on files. In the same run the
// same messages are consumed with the client library's own Reader and nothing
// else (bare), and the same events are given to such a ledger by as many callers
// as there are partitions, without Kafka (direct): events/s of each, and how much
// of the others the intake reaches.
func BenchmarkIntake(b *testing.B) {
	for _, partitions := range []int{1, 6} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) { benchmarkIntake(b, partitions) })
	}
}

func benchmarkIntake(b *testing.B, partitions int) {
	const each = 30_000
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), "crm"), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	w := &world{t: b, cluster: c, addrs: c.ListenAddrs()}
	for p := range partitions {
		all := make([]kafkago.Message, each/partitions)
		for i := range all {
			all[i] = on(p, created(fmt.Sprintf("e-%d-%d", p, i), fmt.Sprintf("C-%d-%d", p, i)))
		}
		w.send("crm", all...)
	}
	for b.Loop() {
		bare := consume(b, w.addrs, each/partitions*partitions)
		direct := record(b, newFiles(b), partitions, each/partitions)
		run := newFiles(b)
		run.cluster, run.addrs = c, w.addrs
		cfg := kafka.Intake{Group: fmt.Sprintf("g%d", time.Now().UnixNano()), Topics: crm().Topics}
		began := time.Now()
		m := run.start(cfg, func(t *intake.Tuning) { t.FetchWait, t.CommitEvery = 500*time.Millisecond, 250*time.Millisecond })
		eventually(b, "all recorded", func() bool {
			n := int64(0)
			for _, p := range m.State().Partitions {
				n += p.Messages
			}
			return n == int64(each/partitions*partitions)
		})
		rate := float64(each) / time.Since(began).Seconds()
		m.stop()
		b.ReportMetric(rate, "recorded/s")
		b.ReportMetric(bare, "bare/s")
		b.ReportMetric(direct, "direct/s")
		b.ReportMetric(100*rate/bare, "%ofbare")
		b.ReportMetric(100*rate/direct, "%ofdirect")
	}
}

// consume reads n messages with kafka-go's Reader, committing each thousand.
func consume(b *testing.B, addrs []string, n int) float64 {
	b.Helper()
	began := time.Now()
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: addrs, Topic: "crm", GroupID: fmt.Sprintf("bare%d", time.Now().UnixNano()), MinBytes: 1, MaxBytes: 10 << 20,
		MaxWait: 200 * time.Millisecond, StartOffset: kafkago.FirstOffset, QueueCapacity: 1000, CommitInterval: 250 * time.Millisecond})
	defer r.Close()
	ctx, cancel := context.WithTimeout(b.Context(), soon)
	defer cancel()
	for i := range n {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			if err := r.CommitMessages(ctx, m); err != nil {
				b.Fatal(err)
			}
		}
	}
	return float64(n) / time.Since(began).Seconds()
}

func newFiles(b *testing.B) *world {
	b.Helper()
	w := &world{t: b}
	w.files(b.TempDir())
	return w
}

// record gives events to a ledger, a thousand at a time from each caller.
func record(b *testing.B, w *world, callers, each int) float64 {
	b.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for p := range callers {
		wg.Go(func() {
			for from := 0; from < each; from += 1000 {
				var raws [][]byte
				for i := from; i < min(from+1000, each); i++ {
					raws = append(raws, []byte(created(fmt.Sprintf("e-%d-%d", p, i), fmt.Sprintf("C-%d-%d", p, i))))
				}
				if _, err := w.Record(b.Context(), raws); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return float64(callers*each) / time.Since(began).Seconds()
}
