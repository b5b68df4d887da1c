package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"greffe/api/kafka"
	"greffe/api/kafka/intake"
	"greffe/domain/event"
)

func assigned(m *member) (n int) {
	for _, p := range m.State().Partitions {
		if p.Assigned {
			n++
		}
	}
	return n
}

// fill writes n events to each of a topic's partitions.
func (w *world) fill(partitions, n int, prefix string) {
	w.t.Helper()
	for p := range partitions {
		var all []kafkago.Message
		for i := range n {
			all = append(all, on(p, created(fmt.Sprintf("%s-%d-%d", prefix, p, i), fmt.Sprintf("C-%d-%d", p, i%50))))
		}
		w.send("crm", all...)
	}
}

// Members come and go; everything is recorded once, and commits never go back.
func TestRebalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(4, "crm"))
	var rewound atomic.Int64
	last := map[int32]int64{}
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Count: -1, Observe: true, When: func(req kmsg.Request) bool {
		for _, topic := range req.(*kmsg.OffsetCommitRequest).Topics {
			for _, p := range topic.Partitions {
				if p.Offset < last[p.Partition] {
					rewound.Add(1)
				}
				last[p.Partition] = max(last[p.Partition], p.Offset)
			}
		}
		return true
	}})
	a := w.start(crm())
	eventually(t, "a has all", func() bool { return assigned(a) == 4 })
	w.fill(4, 300, "first")
	b := w.start(crm())
	w.fill(4, 300, "second")
	eventually(t, "two and two", func() bool { return assigned(a) == 2 && assigned(b) == 2 })
	w.fill(4, 300, "third")
	b.stop()
	w.fill(4, 300, "fourth")
	eventually(t, "a has all again", func() bool { return assigned(a) == 4 })
	for p := range 4 {
		w.waitCommitted("crm", p, 1200)
	}
	if n := w.count(event.ContactCreated); n != 4800 {
		t.Errorf("%d facts of 4800 events", n)
	}
	if n := rewound.Load(); n > 0 {
		t.Errorf("%d commits went back", n)
	}
}

// A member whose partition was taken away while the ledger held its events back
// does not move what the new owner committed.
func TestLateAnswerCommitsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(2, "crm"))
	held, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	w.rec.set(func(r *recorder) {
		r.after = func(raws [][]byte) error { // recorded; the answer comes late
			if bytes.Contains(raws[0], []byte(`"id":"early-`)) && first.CompareAndSwap(false, true) {
				close(held)
				<-release
			}
			return nil
		}
	})
	a := w.start(crm(), func(t *intake.Tuning) {
		t.Grace, t.Rebalance, t.Session = 20*time.Second, 300*time.Millisecond, 500*time.Millisecond
	})
	eventually(t, "a has both", func() bool { return assigned(a) == 2 })
	w.fill(2, 10, "early")
	<-held // a is stuck, also when it ought to join again: the broker throws it out
	b := w.start(crm())
	w.fill(2, 500, "late")
	eventually(t, "b has both", func() bool { return assigned(b) == 2 })
	for p := range 2 {
		w.waitCommitted("crm", p, 510)
	}
	close(release)
	eventually(t, "they share again", func() bool { return assigned(a) == 1 && assigned(b) == 1 })
	for p := range 2 {
		if at := w.committed("crm", p); at != 510 {
			t.Errorf("partition %d: committed %d", p, at)
		}
	}
	if n := w.count(event.ContactCreated); n != 1020 {
		t.Errorf("%d facts", n)
	}
}

// Whatever the brokers answer for a while, everything is recorded once.
func TestBrokerFaults(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]kfake.Fault{
		"fetch, no leader":           {Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 7},
		"fetch, server error":        {Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownServerError, Count: 7},
		"fetch, topic unknown":       {Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition, Count: 7},
		"offsets":                    {Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable, Count: 7},
		"metadata":                   {Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable, Count: 4},
		"commit, another generation": {Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.IllegalGeneration, Count: 3},
		"commit, coordinator moved":  {Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.NotCoordinator, Count: 3},
		"heartbeat, unknown member":  {Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 2},
		"join":                       {Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorNotAvailable, Count: 3},
		"sync":                       {Keys: []kmsg.Key{kmsg.SyncGroup}, Err: kerr.RebalanceInProgress, Count: 3},
		"offsets of the group":       {Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: 3},
		"coordinator":                {Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kfake.SeedTopics(2, "crm"))
			w.fill(2, 50, "before")
			h := w.cluster.Fault(f)
			w.start(crm(), func(t *intake.Tuning) { t.Session = 600 * time.Millisecond })
			eventually(t, "the fault", func() bool { return h.Hits() >= f.Count })
			w.fill(2, 50, "after")
			for p := range 2 {
				w.waitCommitted("crm", p, 100)
			}
			if n := w.count(event.ContactCreated); n != 200 {
				t.Errorf("%d facts", n)
			}
			if n := w.rec.owns.Load(); n > 0 {
				t.Errorf("%d gaps were found where there is none", n)
			}
		})
	}
}

// A broker that takes a request and says nothing holds nobody longer than the
// waits' bounds; leaders and coordinators may move meanwhile.
func TestSilentBrokerAndMovedLeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(3, "crm"))
	w.start(crm())
	w.fill(3, 20, "before")
	for p := range 3 {
		w.waitCommitted("crm", p, 20)
	}
	w.cluster.ShufflePartitionLeaders()
	w.cluster.RehashCoordinators()
	w.fill(3, 20, "moved")
	for p := range 3 {
		w.waitCommitted("crm", p, 40)
	}
	var hung atomic.Int64
	w.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		if hung.Add(1) > 6 {
			return nil, nil, false
		}
		return nil, context.DeadlineExceeded, true // the connection is cut
	})
	w.fill(3, 20, "cut")
	for p := range 3 {
		w.waitCommitted("crm", p, 60)
	}
	if n := w.count(event.ContactCreated); n != 180 {
		t.Errorf("%d facts", n)
	}
}

// A topic that does not exist keeps nobody from the others, and is read when it
// comes; so are partitions that are added.
func TestTopicsThatCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	cfg := crm()
	cfg.Topics = append(cfg.Topics, kafka.Topic{Topic: "later", Sources: []string{"crm/eu"}})
	w.send("crm", value(created("e1", "C-1")))
	m := w.start(cfg)
	w.waitCommitted("crm", 0, 1)
	if err := w.cluster.CreateTopic("later", 1, nil); err != nil {
		t.Fatal(err)
	}
	w.send("later", value(created("e2", "C-2")))
	w.waitCommitted("later", 0, 1)
	client := &kafkago.Client{Addr: kafkago.TCP(w.addrs...), Timeout: 5 * time.Second}
	res, err := client.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: "crm", Count: 2}}})
	if err != nil || res.Errors["crm"] != nil {
		t.Fatal(err, res)
	}
	eventually(t, "three partitions", func() bool { return assigned(m) == 3 })
	w.send("crm", on(1, created("e3", "C-3")))
	w.waitCommitted("crm", 1, 1)
	if err := w.cluster.DeleteTopic("later"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two partitions", func() bool { return assigned(m) == 2 })
	w.send("crm", on(0, created("e4", "C-4")))
	w.waitCommitted("crm", 0, 2)
}
