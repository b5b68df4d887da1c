package kafka_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/api/kafka"
	"greffe/domain/event"
)

const whole = `brokers: [kafka-1:9092, "[::1]:9092"]
client_id: ledger-1
tls: {ca: ca.pem, cert: client.pem, key: /etc/client.key}
sasl: {mechanism: scram-sha-512, user: greffe, password_file: secrets/kafka}
intake:
  group: g
  topics:
    - {topic: crm.contacts, sources: [crm/eu]}
    - {topic: dbz.public.contacts, mapping: debezium, sources: [crm/eu, crm/eu/old], types: [contact.created, contact.changed]}
publish: {recipients: [mailing], acknowledgements: {topic: greffe.acknowledgements}}
`

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := kafka.Parse([]byte(whole), "/conf")
	if err != nil {
		t.Fatal(err)
	}
	want := &kafka.Config{
		Brokers: []string{"kafka-1:9092", "[::1]:9092"}, ClientID: "ledger-1",
		TLS:  &kafka.TLS{CA: "/conf/ca.pem", Cert: "/conf/client.pem", Key: "/etc/client.key"},
		SASL: &kafka.SASL{Mechanism: kafka.ScramSHA512, User: "greffe", PasswordFile: "/conf/secrets/kafka"},
		Intake: &kafka.Intake{Group: "g", Topics: []kafka.Topic{{Topic: "crm.contacts", Sources: []string{"crm/eu"}},
			{Topic: "dbz.public.contacts", Mapping: "debezium", Sources: []string{"crm/eu", "crm/eu/old"}, Types: []event.Type{event.ContactCreated, event.ContactChanged}}}},
	}
	want.Publish, c.Publish = nil, nil // publish_config_test.go
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if t0 := &c.Intake.Topics[0]; !t0.Speaks("crm/eu") || t0.Speaks("crm/eu/x") || t0.Speaks("") {
		t.Error("what a topic speaks for")
	}
	for _, d := range event.Describe() {
		listed := d.Type == event.ContactCreated || d.Type == event.ContactChanged
		if !c.Intake.Topics[0].Sends(d.Type) || c.Intake.Topics[1].Sends(d.Type) != (listed || d.Protective) {
			t.Errorf("who may send %s", d.Type)
		}
	}
	short, err := kafka.Parse([]byte("brokers: [k:1]\nintake: {topics: [{topic: t, sources: [s]}]}"), ".")
	if err != nil || short.ClientID != "greffe" || short.Intake.Group != "greffe" {
		t.Errorf("%+v %v", short, err)
	}
}

func TestRefusalsNameLineAndRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, says string }{
		"unknown key":       {"client_id", "clientid", "line 2: there is no setting \"clientid\""},
		"unknown below":     {"  group: g", "  groop: g", "line 6: there is no setting \"groop\""},
		"secret in it":      {"password_file: secrets/kafka", "password: hunter2", "line 4: secrets do not stand in this file"},
		"twice":             {"client_id: ledger-1", "client_id: ledger-1\nclient_id: hunter2", "line 3: "},
		"form":              {"[kafka-1:9092, \"[::1]:9092\"]", "{a: hunter2}", "line 1: this value has another form"},
		"no yaml":           {"intake:", "intake: [", "this is not YAML"},
		"second document":   {"intake:", "---\nintake:", "remove this second document"},
		"no broker":         {"[kafka-1:9092, \"[::1]:9092\"]", "[]", "line 1: brokers: name at least one"},
		"broker":            {"kafka-1:9092", "kafka-1", "line 1: brokers.0: write the broker as host:port"},
		"port":              {"kafka-1:9092", "kafka-1:99999", "brokers.0"},
		"half of mTLS":      {", key: /etc/client.key", "", "line 3: tls: give cert and key together"},
		"mechanism":         {"scram-sha-512", "gssapi", "line 4: sasl.mechanism: use scram-sha-512"},
		"no user":           {"user: greffe, ", "", "sasl.user: name"},
		"no password":       {", password_file: secrets/kafka", "", "sasl.password_file: name"},
		"no sources":        {"topic: crm.contacts, sources: [crm/eu]", "topic: crm.contacts", "line 8: intake.topics.0.sources: name"},
		"blank source":      {"[crm/eu, crm/eu/old]", "[crm/eu, 'a b']", "line 9: intake.topics.1.sources.1: use the CloudEvents source"},
		"unknown type":      {"[contact.created, contact.changed]", "[contact.created, hunter2]", "line 9: intake.topics.1.types.1: upstreams send no such type"},
		"own type":          {"[contact.created, contact.changed]", "[subject.erased]", "line 9: intake.topics.1.types.0: upstreams send no such type"},
		"no type":           {"[contact.created, contact.changed]", "[]", "line 9: intake.topics.1.types: name the types"},
		"topic":             {"dbz.public.contacts", "dbz/public", "line 9: intake.topics.1.topic: use Kafka's form"},
		"topic twice":       {"dbz.public.contacts", "crm.contacts", "line 9: intake.topics.1.topic: a topic stands once"},
		"group":             {"  group: g", "  group: 'a b'", "line 6: intake.group: name"},
		"own topic":         {"dbz.public.contacts", "greffe.erasure", "line 9: intake.topics.1.topic: this is a topic of publish"},
		"acknowledgements":  {"dbz.public.contacts", "greffe.acknowledgements", "line 9: intake.topics.1.topic: this is a topic of publish"},
		"one group for two": {"  group: g", "  group: greffe-acks", "publish.acknowledgements.group: use another"},
		"publish":           {"recipients: [mailing]", "recipients: [mailing, mailing]", "line 10: publish.recipients.1: name each recipient once"},
		"publish's keys":    {"{topic: greffe.acknowledgements}", "{topc: hunter2}", "line 10: this key is not known"},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		if text == whole {
			t.Fatalf("%s changes nothing", name)
		}
		_, err := kafka.Parse([]byte(text), ".")
		var all kafka.Errors
		if !errors.As(err, &all) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s quotes a value: %v", name, err)
		}
	}
	for name, text := range map[string]string{"empty": "", "comment": "# x\n", "nothing to do": "brokers: [k:1]\n", "a list": "- a\n"} {
		if _, err := kafka.Parse([]byte(text), "."); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// A password in clear goes over TLS, or does not leave the machine.
func TestPlainNeedsCover(t *testing.T) {
	t.Parallel()
	text := "brokers: [%s]\nsasl: {mechanism: plain, user: u, password_file: p}\nintake: {topics: [{topic: t, sources: [s]}]}\n%s"
	for _, c := range []struct {
		broker, more string
		ok           bool
	}{{"kafka:9092", "", false}, {"kafka:9092", "tls: {}", true}, {"127.0.0.1:9092", "", true}, {"localhost:9092", "", true}, {"'127.0.0.1:1', 'k:1'", "", false}} {
		if _, err := kafka.Parse(fmt.Appendf(nil, text, c.broker, c.more), "."); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kafka.yaml")
	if _, err := kafka.Load(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("brokers: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.Load(path); err == nil || !strings.Contains(err.Error(), path+": line 1: ") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%v", err)
	}
}
