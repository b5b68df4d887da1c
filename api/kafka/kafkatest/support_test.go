//go:build real

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// within is a context of the test's, and of at most d.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// transport is closed with the test.
func transport(t testing.TB, by *kafka.Transport) *kafka.Transport {
	t.Helper()
	by.MetadataTTL = 200 * time.Millisecond
	t.Cleanup(by.CloseIdleConnections)
	return by
}

// writer waits for all copies and tries each write once: what it acknowledged,
// and only that, is counted.
func writer(t testing.TB, c *Cluster, topic string) *kafka.Writer {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(c.Brokers()...), Topic: topic, Balancer: &kafka.RoundRobin{}, RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, MaxAttempts: 1, WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second, Transport: transport(t, &kafka.Transport{})}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// write sends one message until it is acknowledged: how many tries it took.
func write(t testing.TB, w *kafka.Writer, value string) int {
	t.Helper()
	ctx := within(t, 2*time.Minute)
	for tries := 1; ; tries++ {
		err := w.WriteMessages(ctx, kafka.Message{Value: []byte(value)})
		if err == nil {
			return tries
		}
		if ctx.Err() != nil {
			t.Fatalf("%q was never acknowledged: %v", value, err)
		}
	}
}

// counts reads a topic's partition from its beginning to its end.
func counts(t testing.TB, c *Cluster, topic string, partitions int) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for p := range partitions {
		leader := c.Leader(topic, p)
		ctx := within(t, 2*time.Minute)
		conn, err := kafka.DialLeader(ctx, "tcp", leader.Addr(), topic, p)
		if err != nil {
			t.Fatal(err)
		}
		end, err := conn.ReadLastOffset()
		if err := errors.Join(err, conn.Close()); err != nil {
			t.Fatal(err)
		}
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: c.Brokers(), Topic: topic, Partition: p, MaxWait: 100 * time.Millisecond})
		for next := int64(0); next < end; {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			seen[string(m.Value)]++
			next = m.Offset + 1
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return seen
}

// group is a consumer of a group that begins where the group is.
func group(c *Cluster, name, topic string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{Brokers: c.Brokers(), GroupID: name, Topic: topic, StartOffset: kafka.FirstOffset,
		MaxWait: 100 * time.Millisecond, HeartbeatInterval: 300 * time.Millisecond, SessionTimeout: 2 * time.Second, JoinGroupBackoff: 200 * time.Millisecond})
}

// client makes requests of one address with that login.
func client(t testing.TB, addr string, by *kafka.Transport) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(addr), Timeout: 5 * time.Second, Transport: transport(t, by)}
}

// produce sends one message to partition 0, once.
func produce(t testing.TB, cl *kafka.Client, topic string) error {
	t.Helper()
	r, err := cl.Produce(within(t, 10*time.Second), &kafka.ProduceRequest{Topic: topic, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("m"))})})
	if err != nil {
		return err
	}
	return r.Error
}

// fetch reads partition 0 once.
func fetch(t testing.TB, cl *kafka.Client, topic string) error {
	t.Helper()
	r, err := cl.Fetch(within(t, 10*time.Second), &kafka.FetchRequest{Topic: topic, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond})
	if err != nil {
		return err
	}
	return r.Error
}

// livesOn says whether a process of that number is there, and is Java.
func livesOn(pid string) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%s/comm", pid))
	return err == nil && string(name) == "java\n"
}
