//go:build real

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
)

// inChild makes TestDiesWithItsParent a child that starts a cluster, says its
// Java's process number, and waits to be killed.
const inChild = "KAFKATEST_CHILD"

func TestAcknowledgedSurvivesKill(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{})
	c.CreateTopic("kept", 3, nil)
	w := writer(t, c, "kept")
	for i := range 50 {
		write(t, w, fmt.Sprint("a", i))
	}

	r := group(c, "g", "kept")
	for range 30 {
		var m kafka.Message
		again(t, func(ctx context.Context) (err error) { m, err = r.FetchMessage(ctx); return err })
		again(t, func(ctx context.Context) error { return r.CommitMessages(ctx, m) })
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	addr := c.Node(1).Addr()
	c.Kill()
	if err := w.WriteMessages(within(t, 10*time.Second), kafka.Message{Value: []byte("nobody")}); err == nil {
		t.Fatal("a dead cluster acknowledged a message")
	}
	c.Start()
	if got := c.Node(1).Addr(); got != addr {
		t.Errorf("came back at %s, was at %s", got, addr)
	}
	seen := counts(t, c, "kept", 3)
	for i := range 50 {
		if n := seen[fmt.Sprint("a", i)]; n != 1 {
			t.Errorf("a%d is there %d times after kill -9, was acknowledged once", i, n)
		}
	}

	r = group(c, "g", "kept")
	defer r.Close()
	rest := map[string]bool{}
	for range 20 {
		var m kafka.Message
		again(t, func(ctx context.Context) (err error) { m, err = r.FetchMessage(ctx); return err })
		rest[string(m.Value)] = true
	}
	if len(rest) != 20 {
		t.Errorf("the group went on with %d messages, not with the 20 after its offsets", len(rest))
	}
}

// TestLeaderKilled writes without a pause while leaders die, one at a time.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Nodes: 3})
	c.CreateTopic("three", 1, nil)
	var (
		sent    atomic.Int64
		retried atomic.Int64
		done    = make(chan struct{})
		writers sync.WaitGroup
	)
	w := writer(t, c, "three")
	writers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				retried.Add(int64(write(t, w, fmt.Sprint("b", i)) - 1))
				sent.Store(int64(i + 1))
			}
		}
	})
	for range 2 {
		reach(t, &sent, sent.Load()+50)
		leader := c.Leader("three", 0)
		leader.Kill()
		killed := time.Now()
		reach(t, &sent, sent.Load()+50)
		t.Logf("node %d killed at message %d; 50 more were acknowledged %.1f s later", leader.ID, sent.Load(), time.Since(killed).Seconds())
		leader.Start()
		inSync(t, c, "three", 3)
	}
	close(done)
	writers.Wait()

	seen, twice := counts(t, c, "three", 1), 0
	for i := range sent.Load() {
		switch n := seen[fmt.Sprint("b", i)]; {
		case n == 0:
			t.Errorf("b%d was acknowledged and is lost", i)
		case n > 1:
			twice++
		}
	}
	t.Logf("%d sent and acknowledged, %d tries more, %d written twice, none lost", sent.Load(), retried.Load(), twice)
	if int64(twice) > retried.Load() {
		t.Errorf("%d messages are there twice after %d tries more", twice, retried.Load())
	}
}

// TestOneOfThreeIsTooFew: a topic that wants three copies takes nothing once one of
// three nodes is gone; with two gone nothing is acknowledged at all; with them back,
// all goes on.
func TestOneOfThreeIsTooFew(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Nodes: 3})
	c.CreateTopic("quorum", 1, nil)
	w := writer(t, c, "quorum")
	write(t, w, "before")
	c.CreateTopic("whole", 1, map[string]string{"min.insync.replicas": "3"})
	whole := client(t, c.Node(1).Addr(), &kafka.Transport{})
	if err := produce(t, whole, "whole"); err != nil {
		t.Error("three of three: ", err)
	}
	c.Node(2).Kill()
	err := poll(t.Context(), 2*time.Minute, func(context.Context) error {
		if err := produce(t, whole, "whole"); !errors.Is(err, kafka.NotEnoughReplicas) {
			return fmt.Errorf("three copies were wanted of two nodes: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	write(t, w, "two are enough")
	c.Node(3).Pause()
	if err := w.WriteMessages(within(t, 4*time.Second), kafka.Message{Value: []byte("alone")}); err == nil {
		t.Error("one of three nodes acknowledged a message that two must have")
	}
	c.Node(3).Resume()
	c.Node(2).Launch()
	write(t, w, "after")
	c.Await(c.Nodes()...)
	seen := counts(t, c, "quorum", 1)
	if seen["before"] != 1 || seen["after"] < 1 {
		t.Errorf("before %d times, after %d times", seen["before"], seen["after"])
	}
}

func TestPauseIsSilence(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{})
	c.CreateTopic("silent", 1, nil)
	w := writer(t, c, "silent")
	write(t, w, "1")
	c.Pause()
	began := time.Now()
	if err := w.WriteMessages(within(t, 700*time.Millisecond), kafka.Message{Value: []byte("2")}); err == nil {
		t.Error("a paused node acknowledged a message")
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("the writer came back after %v", d)
	}
	c.Resume()
	write(t, w, "3")
	seen := counts(t, c, "silent", 1)
	if seen["1"] != 1 || seen["3"] < 1 {
		t.Errorf("after resuming: %v", seen)
	}
}

func TestStopInOrder(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{})
	c.CreateTopic("stopped", 1, map[string]string{"retention.ms": "-1"})
	write(t, writer(t, c, "stopped"), "x")
	began := time.Now()
	c.Stop()
	if d := time.Since(began); d > stopping {
		t.Errorf("stopping took %v: it was killed", d)
	}
	if c.Node(1).Running() {
		t.Fatal("runs after Stop")
	}
	c.Start()
	if seen := counts(t, c, "stopped", 1); seen["x"] != 1 {
		t.Errorf("after stopping and starting: %v", seen)
	}
	c.DeleteTopic("stopped")
	c.CreateTopic("stopped", 2, nil)
	if seen := counts(t, c, "stopped", 2); len(seen) != 0 {
		t.Errorf("a topic made anew holds %v", seen)
	}
}

// TestDiesWithItsParent: a test program that is killed leaves no Java behind.
func TestDiesWithItsParent(t *testing.T) {
	if os.Getenv(inChild) != "" {
		c := Start(t, Options{})
		fmt.Println("java", c.Node(1).proc.cmd.Process.Pid)
		<-t.Context().Done()
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiesWithItsParent$")
	cmd.Env = append(os.Environ(), inChild+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid string
	if _, err := fmt.Fscanf(out, "java %s\n", &pid); err != nil || !livesOn(pid) {
		t.Fatalf("the child started no Java: %q %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	err = poll(t.Context(), 10*time.Second, func(context.Context) error {
		if livesOn(pid) {
			return fmt.Errorf("java %s lives on", pid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSaysHowToGetIt: without the class path the message names the command.
func TestSaysHowToGetIt(t *testing.T) {
	t.Setenv("GREFFE_KAFKA_CP", filepath.Join(t.TempDir(), "nothing"))
	if _, err := classPath(); err == nil || !strings.Contains(err.Error(), "deploy/real/fetch.sh kafka") {
		t.Errorf("without a class path: %v", err)
	}
}

// TestClusterIDIsNoFlag: one random id in 64 begins with a hyphen.
func TestClusterIDIsNoFlag(t *testing.T) {
	t.Parallel()
	given := []uuid.UUID{{0xfb}, {0xf8, 1}, {1}}
	next := func() uuid.UUID {
		id := given[0]
		given = given[1:]
		return id
	}
	if id := clusterID(next); id != "AQAAAAAAAAAAAAAAAAAAAA" {
		t.Errorf("the id is %s", id)
	}
}

// reach waits until a counter has come so far.
func reach(t testing.TB, n *atomic.Int64, want int64) {
	t.Helper()
	err := poll(t.Context(), 2*time.Minute, func(context.Context) error {
		if got := n.Load(); got < want {
			return fmt.Errorf("%d of %d messages", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal("writing does not go on: ", err)
	}
}

// inSync waits until so many nodes hold the whole of a topic's partition 0.
func inSync(t testing.TB, c *Cluster, topic string, want int) {
	t.Helper()
	err := poll(t.Context(), 2*time.Minute, func(ctx context.Context) error {
		m, err := with(c.running().Addr(), func(cl *kafka.Client) (*kafka.MetadataResponse, error) {
			return cl.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		})
		if err != nil {
			return err
		}
		if got := len(m.Topics[0].Partitions[0].Isr); got != want {
			return fmt.Errorf("%d of %d are in sync", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// again asks a group until its coordinator is ready: one that has just begun says that
// it loads, and demands to be asked again.
func again(t *testing.T, ask func(context.Context) error) {
	t.Helper()
	ctx := within(t, 2*time.Minute)
	for {
		err := ask(ctx)
		var e kafka.Error
		if err == nil {
			return
		}
		if !errors.As(err, &e) || !e.Temporary() || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
