package intake_test

import (
	"os"
	"path/filepath"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"greffe/api/kafka"
	"greffe/domain/event"
)

func allow(resource kmsg.ACLResourceType, name string) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true}
}

// A member that must authenticate reads what it may; a topic that it may not see
// keeps it from no other.
func TestAuthenticatedMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm", "hidden"), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "root", "r"),
		kfake.User("SCRAM-SHA-512", "greffe", "s3cret", allow(kmsg.ACLResourceTypeTopic, "crm"), allow(kmsg.ACLResourceTypeGroup, "greffe")))
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := scram.Mechanism(scram.SHA256, "root", "r")
	if err != nil {
		t.Fatal(err)
	}
	wr := &kafkago.Writer{Addr: kafkago.TCP(w.addrs...), Topic: "crm", RequiredAcks: kafkago.RequireAll, BatchSize: 1, Transport: &kafkago.Transport{SASL: root}}
	defer wr.Close()
	if err := wr.WriteMessages(t.Context(), value(created("e1", "C-1")), value(created("e2", "C-2"))); err != nil {
		t.Fatal(err)
	}
	cfg := crm()
	cfg.Topics = append(cfg.Topics, kafka.Topic{Topic: "hidden", Sources: []string{"crm/eu"}})
	m := w.startOn(&kafka.Config{Brokers: w.addrs, ClientID: "test", Intake: &cfg,
		SASL: &kafka.SASL{Mechanism: kafka.ScramSHA512, User: "greffe", PasswordFile: password}})
	eventually(t, "both recorded and committed", func() bool {
		s := m.State()
		return len(s.Partitions) == 1 && s.Partitions[0].Committed == 2 && s.Partitions[0].Lag == 0
	})
	if n := w.count(event.ContactCreated); n != 2 {
		t.Errorf("%d facts", n)
	}
}
