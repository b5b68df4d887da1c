//go:build real

package intake_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"greffe/api/kafka/intake"
	"greffe/api/kafka/kafkatest"
	"greffe/domain/event"
	logmemory "greffe/eventstore/memory"
)

// The broker's shortest session is 6 s.
func realTimes(t *intake.Tuning) { t.Session, t.Rebalance = 6*time.Second, 6*time.Second }

// Apache Kafka itself: events, a transaction that was aborted, a broker that is
// killed and comes back, a second member, all recorded once.
func TestRealKafka(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic("crm", 2, nil)
	w := &world{t: t, addrs: c.Brokers(), log: logmemory.New()}
	w.openLedger(filepath.Join(t.TempDir(), "vault.db"))
	m := w.start(crm(), realTimes)
	w.fill(2, 1500, "a")
	w.send("crm", value("no json"), value(""), binary("b1", "C-1"))

	producer, err := kgo.NewClient(kgo.SeedBrokers(w.addrs...), kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("crm"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(t.Context(), &kgo.Record{Value: []byte(created(fmt.Sprintf("tx%d", i), "C-2"))}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	w.waitCommitted("crm", 1, 1500)
	w.waitCommitted("crm", 0, 1500+3+4)
	if n := w.count(event.ContactCreated); n != 3002 {
		t.Fatalf("%d facts", n)
	}
	c.Kill()
	eventually(t, "the outage is told", func() bool { return m.State().Trouble != "" })
	c.Start()
	w.fill(2, 500, "b")
	other := w.start(crm(), realTimes)
	eventually(t, "one and one", func() bool { return assigned(m) == 1 && assigned(other) == 1 })
	w.fill(2, 500, "c")
	w.waitCommitted("crm", 1, 2500)
	w.waitCommitted("crm", 0, 2507)
	if n := w.count(event.ContactCreated); n != 5002 {
		t.Errorf("%d facts", n)
	}
	if got := reasons(w.held()); got != "json_invalid 1" {
		t.Error(got)
	}
}

// Retention overtakes a group that is away, on Apache Kafka.
func TestRealRetention(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic("crm", 1, map[string]string{"retention.ms": "-1"})
	w := &world{t: t, addrs: c.Brokers(), log: logmemory.New()}
	w.openLedger(filepath.Join(t.TempDir(), "vault.db"))
	told := &found{}
	w.own = told
	m := w.start(crm(), realTimes)
	w.fill(1, 10, "a")
	w.waitCommitted("crm", 0, 10)
	m.stop()
	w.fill(1, 30, "b")
	deleteRecords(t, w.addrs, "crm", 25)
	w.start(crm(), realTimes)
	w.waitCommitted("crm", 0, 40)
	if all := told.told(); len(all) != 1 || all[0].Int("from") != 10 || all[0].Int("to") != 25 || all[0].String("reason") != "retention" {
		t.Errorf("%v", all)
	}
	if n := w.count(event.ContactCreated); n != 25 {
		t.Errorf("%d facts", n)
	}
}

// Apache Kafka with a topic that may send one type: an objection passes, what else
// it is not allowed waits, and the group goes on.
func TestRealTypes(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic("crm", 1, nil)
	w := &world{t: t, addrs: c.Brokers(), log: logmemory.New()}
	w.openLedger(filepath.Join(t.TempDir(), "vault.db"))
	w.start(onlyCreated(), realTimes)
	w.send("crm", value(created("e1", "C-1")), value(typed(event.ContactDeleted, "d1", "{}")), value(opposed("o1", "C-1")), value(created("e2", "C-2")))
	w.waitCommitted("crm", 0, 4)
	if got := reasons(w.held()); got != "type_not_allowed 1" || w.count(event.ContactCreated) != 2 || w.count(event.OppositionRegistered) != 1 {
		t.Errorf("%s, %d contacts, %d objections", got, w.count(event.ContactCreated), w.count(event.OppositionRegistered))
	}
}

// deleteRecords makes an offset the first of partition 0.
func deleteRecords(t *testing.T, addrs []string, topic string, first int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 5000
	req.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: first}}}}
	res, err := req.RequestWith(t.Context(), client)
	if err != nil || len(res.Topics) != 1 || res.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatal(err, res)
	}
}
