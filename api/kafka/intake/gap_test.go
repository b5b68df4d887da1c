package intake_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
	logmemory "greffe/eventstore/memory"
)

// found keeps the facts of gaps.
type found struct {
	mu   sync.Mutex
	all  []ledger.Own
	errs []error // to answer with first
}

func (f *found) Write(_ context.Context, owns []ledger.Own) ([]ledger.Written, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	f.all = append(f.all, owns...)
	return make([]ledger.Written, len(owns)), nil
}

func (f *found) told() (out []event.Codes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.all {
		out = append(out, o.Codes)
	}
	return out
}

func gapCodes(reason string, partition, from, to, end int64) event.Codes {
	return event.Codes{{Name: "channel", Value: "kafka"}, {Name: "end", Value: end}, {Name: "from", Value: from},
		{Name: "partition", Value: partition}, {Name: "reason", Value: reason}, {Name: "to", Value: to}}
}

// Messages that the broker deleted before they were read are a finding, told
// before reading goes on, and once.
func TestRetentionOvertakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(2, "crm"))
	told := &found{errs: []error{ledger.ErrBusy, ledger.ErrUnknown}}
	w.own = told
	m := w.start(crm())
	w.fill(2, 10, "a")
	w.waitCommitted("crm", 0, 10)
	w.waitCommitted("crm", 1, 10)
	m.stop()
	w.fill(2, 30, "b")
	if err := w.cluster.DeleteRecords("crm", 1, 25); err != nil {
		t.Fatal(err)
	}
	m = w.start(crm())
	w.waitCommitted("crm", 0, 40)
	w.waitCommitted("crm", 1, 40)
	if diff := cmp.Diff([]event.Codes{gapCodes("retention", 1, 10, 25, 40)}, told.told()); diff != "" {
		t.Error(diff)
	}
	own := told.all[0]
	if own.Type != "producer.gap_detected" || own.ID.IsZero() || len(own.Parts) != 1 || string(own.Parts[0].Fields[0].Value) != `"crm"` {
		t.Errorf("%+v", own)
	}
	if n := w.count(event.ContactCreated); n != 80-15 {
		t.Errorf("%d facts", n)
	}
	if p := m.State().Partitions; p[1].Gaps != 1 || p[0].Gaps != 0 || p[1].Start != 25 || p[0].Start != 0 {
		t.Errorf("%+v", p)
	}
	m.stop()
	m = w.start(crm())
	eventually(t, "joined again", func() bool { return assigned(m) == 2 })
	w.fill(2, 1, "c")
	w.waitCommitted("crm", 1, 41)
	if n := len(told.told()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The real ledger has the finding too: as a fact, or where somebody sees it.
func TestGapInTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	w.fill(1, 10, "a")
	m := w.start(crm())
	w.waitCommitted("crm", 0, 10)
	m.stop()
	w.fill(1, 10, "b")
	if err := w.cluster.DeleteRecords("crm", 0, 15); err != nil {
		t.Fatal(err)
	}
	w.start(crm())
	w.waitCommitted("crm", 0, 20)
	held := w.held()["messages_gone"]
	if n := w.count("producer.gap_detected") + len(held); n != 1 {
		t.Fatalf("%d findings", n)
	}
	if len(held) == 1 && held[0] != `{"end":20,"from":10,"partition":0,"reason":"retention","to":15,"topic":"crm"}` {
		t.Error(held[0])
	}
}

// What was deleted before the first start was never promised: no finding.
func TestFirstStartIsNoGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	told := &found{}
	w.own = told
	w.fill(1, 20, "a")
	if err := w.cluster.DeleteRecords("crm", 0, 15); err != nil {
		t.Fatal(err)
	}
	w.start(crm())
	w.waitCommitted("crm", 0, 20)
	if n := w.count(event.ContactCreated); n != 5 || len(told.told()) != 0 {
		t.Errorf("%d facts, %v", n, told.told())
	}
}

// A topic that was made anew is read from its beginning, and that is told.
func TestTopicMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	told := &found{}
	w.own = told
	w.fill(1, 20, "a")
	m := w.start(crm())
	w.waitCommitted("crm", 0, 20)
	m.stop()
	if err := w.cluster.DeleteTopic("crm"); err != nil {
		t.Fatal(err)
	}
	if err := w.cluster.CreateTopic("crm", 1, nil); err != nil {
		t.Fatal(err)
	}
	w.fill(1, 5, "b")
	w.start(crm())
	eventually(t, "the new topic's events", func() bool { return w.count(event.ContactCreated) == 25 })
	w.waitCommitted("crm", 0, 5)
	for _, codes := range told.told() { // brokers that forget a deleted topic's offsets make it a first start
		if codes.String("reason") != "recreated" || codes.Int("from") != 20 || codes.Int("to") != 0 {
			t.Errorf("%v", codes)
		}
	}
}

// The cluster stops and comes back on its data: nothing is lost, nothing twice.
func TestClusterRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(ports ...int) *kfake.Cluster {
		o := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites(), kfake.SeedTopics(2, "crm"), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}
		if len(ports) > 0 {
			o = append(o, kfake.Ports(ports...))
		}
		c, err := kfake.NewCluster(o...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	w := &world{t: t, cluster: c, addrs: c.ListenAddrs(), log: logmemory.New()}
	w.openLedger(filepath.Join(t.TempDir(), "vault.db"))
	_, port, err := net.SplitHostPort(w.addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	m := w.start(crm())
	w.fill(2, 50, "a")
	w.waitCommitted("crm", 0, 50)
	w.fill(2, 50, "b")
	c.Close()
	eventually(t, "the outage is told", func() bool { s := m.State(); return s.Trouble != "" })
	c = open(n)
	t.Cleanup(c.Close)
	w.fill(2, 50, "c")
	for p := range 2 {
		w.waitCommitted("crm", p, 150)
	}
	if got := w.count(event.ContactCreated); got != 300 {
		t.Errorf("%d facts", got)
	}
	eventually(t, "well again", func() bool { return m.State().Trouble == "" })
}

// What a transaction took back is not recorded; and the marks that brokers put
// at its end hold nobody up.
func TestAbortedTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	producer, err := kgo.NewClient(kgo.SeedBrokers(w.addrs...), kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("crm"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	total := int64(0)
	transaction := func(prefix string, n int, end kgo.TransactionEndTry) {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := producer.ProduceSync(t.Context(), &kgo.Record{Value: []byte(created(fmt.Sprintf("%s%d", prefix, i), "C-1"))}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := producer.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		total += int64(n) + 1 // and its mark
	}
	m := w.start(crm())
	transaction("kept", 3, kgo.TryCommit)
	transaction("gone", 4, kgo.TryAbort)
	transaction("also kept", 2, kgo.TryCommit)
	transaction("gone too", 1, kgo.TryAbort)
	w.waitCommitted("crm", 0, total)
	if n := w.count(event.ContactCreated); n != 5 {
		t.Errorf("%d facts", n)
	}
	w.send("crm", value(created("last", "C-2")))
	w.waitCommitted("crm", 0, total+1)
	eventually(t, "lag 0", func() bool { return m.State().Partitions[0].Lag == 0 })
}

// Compaction leaves holes, and batches that end before their last offset.
func TestCompactedTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.cluster.CreateTopic("crm", 1, map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "segment.ms": "1"}); err != nil {
		t.Fatal(err)
	}
	var all []kafkago.Message
	for i := range 40 {
		all = append(all, kafkago.Message{Key: fmt.Append(nil, i%4), Value: []byte(created(fmt.Sprintf("e%d", i), fmt.Sprintf("C-%d", i%4)))})
	}
	w.send("crm", all...)
	w.send("crm", all[:4]...)
	w.cluster.Compact()
	w.start(crm())
	w.waitCommitted("crm", 0, 44)
	if n := w.count(event.ContactCreated); n < 4 || n > 40 || len(w.held()) != 0 {
		t.Errorf("%d facts, %s", n, strings.TrimSpace(reasons(w.held())))
	}
	if w.rec.owns.Load() != 0 {
		t.Error("holes of compaction are no gap")
	}
}
