package intake_test

import (
	"fmt"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"greffe/api/kafka"
	"greffe/domain/event"
)

func TestRecordsEverythingOnceAndCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(3, "crm"))
	const n = 900
	for p := range 3 {
		var all []kafkago.Message
		for i := range n / 3 {
			all = append(all, on(p, created(fmt.Sprintf("e-%d-%d", p, i), fmt.Sprintf("C-%d-%d", p, i))))
		}
		w.send("crm", all...)
	}
	m := w.start(crm())
	for p := range 3 {
		w.waitCommitted("crm", p, n/3)
	}
	if got := w.count(event.ContactCreated); got != n {
		t.Errorf("%d facts of %d events", got, n)
	}
	eventually(t, "lag 0", func() bool {
		for _, p := range m.State().Partitions {
			if p.Lag != 0 || p.Committed != n/3 || p.Position != n/3 || !p.Assigned || p.Messages != n/3 || p.Results["recorded"] != n/3 {
				return false
			}
		}
		return len(m.State().Partitions) == 3
	})
	m.stop()
	if s := m.State(); s.Joined || s.Partitions[0].Assigned {
		t.Errorf("after the end: %+v", s)
	}
}

// A message in the middle that is none blocks nobody, and its place is sealed
// with it.
func TestPoisonIsSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kfake.SeedTopics(1, "crm"))
	foreign := strings.Replace(created("f1", "C-9"), "crm/eu", "crm/us", 1)
	large := strings.Replace(created("l1", "C-8"), "Anne", strings.Repeat("x", 300<<10), 1)
	huge := strings.Repeat("y", 5<<20)
	unknown := strings.Replace(created("u1", "C-7"), "contact.created", "contact.invented", 1)
	w.send("crm", value(created("e1", "C-1")), value("no json"), value(`{"specversion":"1.0"}`), value("\xff\xfe"), value(foreign),
		value(large), value(huge), value(unknown), value(""), kafkago.Message{Key: []byte("k")}, value(created("e2", "C-2")))
	m := w.start(crm())
	w.waitCommitted("crm", 0, 11)
	held := w.held()
	if got := reasons(held); got != "event_too_large 1, id_missing 1, json_invalid 1, message_too_large 1, source_not_allowed 1, type_unknown 1, utf8_invalid 1" {
		t.Fatal(got)
	}
	if got := w.count(event.ContactCreated); got != 2 {
		t.Errorf("%d contacts", got)
	}
	for code, where := range map[string]string{"json_invalid": `"offset":1`, "utf8_invalid": `"base64":"//4="`, "source_not_allowed": `"offset":4`,
		"event_too_large": `"offset":5`, "message_too_large": fmt.Sprintf(`"bytes_left_out":%d`, 5<<20-64<<10)} {
		if raw := held[code][0]; !strings.HasPrefix(raw, `{"topic":"crm","partition":0,"offset":`) || !strings.Contains(raw, where) {
			t.Errorf("%s holds %.200s", code, raw)
		}
	}
	if raw := held["message_too_large"][0]; len(raw) > 70<<10 {
		t.Errorf("%d bytes are kept of a message that is too large", len(raw))
	}
	p := m.State().Partitions[0]
	if p.Quarantined() != 7 || p.Ignored["tombstone"] != 2 || p.Reasons["json_invalid"] != 1 {
		t.Errorf("%+v", p)
	}
	for _, f := range w.facts() { // a source that may not be spoken for is of nobody, but of the producer it names
		if f.Type == event.IngestQuarantined && f.Codes.String("reason") == "source_not_allowed" && f.Subject.IsZero() {
			t.Error("an erasure of the person would not find the item")
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := crm()
	cfg.Topics[0].Mapping = "nonsense"
	if err := w.refused(cfg); err == nil || !strings.Contains(err.Error(), `no mapping "nonsense"`) {
		t.Error(err)
	}
	for name, cfg := range map[string]kafka.Intake{"no group": {Topics: crm().Topics}, "no topic": {Group: "g"},
		"no source": {Group: "g", Topics: []kafka.Topic{{Topic: "t"}}}} {
		if err := w.refused(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
